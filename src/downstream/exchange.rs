//! One request on its way through the edge, with all that its layers know of it.

use std::sync::{Arc, OnceLock};

use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Uri, Version};
use tokio::time::Instant;

use crate::authentication::KnownCaller;
use crate::caller::Caller;
use crate::trace::ServerTrace;

use super::answers::AskedAnswer;
use super::caller::Client;
use super::rate_limiter::Allowance;
use super::request_id::RequestId;
use super::sent_fields::SentFields;

/// One request. Layers borrow it whole, so nothing of it is looked up by type or cloned.
#[derive(Debug)]
pub(crate) struct RequestContext<S> {
    /// What the request may read. It is taken once: no request sees two generations of it.
    pub(crate) state: Arc<S>,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    /// What they come to.
    pub(crate) sent: SentFields,
    /// When the request came. Its deadline counts from here.
    pub(crate) begun: Instant,
    pub(crate) id: RequestId,
    /// Its trace, where spans are exported.
    pub(crate) trace: OnceLock<ServerTrace>,
    /// Where it comes from.
    pub(crate) client: Arc<Client>,
    /// Who sent it, where callers are told apart.
    known: OnceLock<(Arc<KnownCaller>, Caller)>,
    /// When that was known, if others were asked.
    known_at: OnceLock<Instant>,
    /// What it may still ask by its grants, if they limit it.
    pub(crate) own_allowance: OnceLock<Allowance>,
    /// Which answer of `/groups` is wanted, once the answer cache has looked for it and it was not there.
    pub(crate) asked: OnceLock<Box<AskedAnswer>>,
}

impl<S> RequestContext<S> {
    /// A request of `client` that came just now.
    pub(crate) fn new(state: Arc<S>, client: Arc<Client>, head: Parts) -> Arc<Self> {
        let sent = SentFields::of(&head.headers, &client.looked_up.host);
        Arc::new(Self {
            state,
            id: RequestId::of(&head.headers, sent.has_id),
            sent,
            method: head.method,
            uri: head.uri,
            version: head.version,
            headers: head.headers,
            begun: Instant::now(),
            trace: OnceLock::new(),
            client,
            known: OnceLock::new(),
            known_at: OnceLock::new(),
            own_allowance: OnceLock::new(),
            asked: OnceLock::new(),
        })
    }

    /// Takes it as a request of this caller, who sent headers of these names for upstreams. The first one
    /// counts.
    pub(crate) fn admit<'a>(
        &self,
        known: Arc<KnownCaller>,
        forwarded: impl IntoIterator<Item = &'a HeaderName>,
    ) {
        let mut caller = known.at(self.client.network);
        let mut forwarded = forwarded.into_iter().peekable();
        if forwarded.peek().is_some() {
            caller.credentials = caller.credentials.forwarding(forwarded, &self.headers);
        }
        // Nobody else says who it is.
        let _ = self.known.set((known, caller));
    }

    /// Takes note that others were asked who sent it, and have said so.
    pub(crate) fn note_wait(&self) {
        // Each request waits once.
        let _ = self.known_at.set(Instant::now());
    }

    /// When it could be answered first. What it is given must be right then.
    pub(crate) fn answerable_at(&self) -> Instant {
        self.known_at.get().copied().unwrap_or(self.begun)
    }

    /// What is known of who sent it, where callers are told apart.
    pub(crate) fn known(&self) -> Option<&KnownCaller> {
        self.known.get().map(|(known, _)| &**known)
    }

    /// On whose behalf it asks.
    pub(crate) fn caller(&self) -> &Caller {
        let known = self.known.get();
        known.map_or(&self.client.caller, |(_, caller)| caller)
    }
}
