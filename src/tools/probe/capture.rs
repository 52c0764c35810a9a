//! Captures every exchange with one upstream.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};

use crate::observe::{Event, Observer, WalkPart};
use crate::plan::RelatedList;
use crate::redact::Redactor;
use crate::tools::lock::lock;
use crate::upstream::auth::LoginToken;
use crate::upstream::extensions::{Purpose, SignedText, carried};

/// Which list of a walk a request is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum OfList {
    /// That of groups.
    #[default]
    Groups,
    /// That of partitions.
    Partitions,
    /// That of the groups of the partition with this number.
    Partition(u64),
    /// One that is read for all groups, of the partition with these values.
    Common(RelatedList, Box<str>),
    /// One of those of the group with this id.
    Group(RelatedList, Box<str>),
}

impl From<WalkPart<'_>> for OfList {
    fn from(part: WalkPart<'_>) -> Self {
        match part {
            WalkPart::Partitions => Self::Partitions,
            WalkPart::Common {
                list, partition, ..
            } => Self::Common(list, partition.into()),
            WalkPart::Partition { number, .. } => Self::Partition(number),
            WalkPart::Group { id, list, .. } => Self::Group(list, id.into()),
        }
    }
}

/// One attempt at a request.
#[derive(Debug, Clone)]
pub(super) struct CapturedAttempt {
    exchange: u64,
    /// The list that it asks for.
    list: OfList,
    pub(super) purpose: Option<Purpose>,
    pub(super) method: Method,
    pub(super) uri: Uri,
    /// What was sent; values that carry credentials are marked sensitive.
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The text that was signed, where the adapter defines it.
    pub(super) signed: Option<String>,
    /// The response, if one arrived.
    pub(super) response: Option<CapturedResponse>,
}

/// A response as it arrived.
#[derive(Debug, Clone)]
pub(super) struct CapturedResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) elapsed: Duration,
}

/// What forms of logins call the tokens in them, which are made or renewed while it runs (RFC 6749, section 6; RFC
/// 7521, section 4; RFC 8693, section 2.1).
const SENT_TOKENS: [&str; 4] = [
    "assertion",
    "client_assertion",
    "refresh_token",
    "subject_token",
];

/// Every attempt, until it is taken or for good. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Capture {
    redactor: Arc<Redactor>,
    /// With whether each was taken.
    attempts: Arc<Mutex<Vec<(CapturedAttempt, bool)>>>,
    /// Whether what was taken is kept all the same.
    keeps_all: bool,
    /// The list whose attempts it sees.
    list: OfList,
}

impl Capture {
    /// An empty capture, which adds the credentials that it sees to `redactor`.
    pub(super) fn new(redactor: Arc<Redactor>, keeps_all: bool) -> Self {
        Self {
            redactor,
            attempts: Arc::default(),
            keeps_all,
            list: OfList::Groups,
        }
    }

    /// The attempts for these purposes of this list that were not taken before, in order.
    pub(super) fn take(
        &self,
        list: &OfList,
        matches: impl Fn(&Purpose) -> bool,
    ) -> Vec<CapturedAttempt> {
        let mut attempts = lock(&self.attempts);
        let mut taken = Vec::new();
        for (attempt, is_taken) in attempts.iter_mut() {
            let is_own = !*is_taken && attempt.list == *list;
            if is_own && attempt.purpose.as_ref().is_some_and(&matches) {
                taken.push(attempt.clone());
                *is_taken = true;
            }
        }
        if !self.keeps_all {
            // The walk's own bound holds for what is in flight, not for what was.
            let done = attempts.iter().take_while(|(_, is_taken)| *is_taken);
            let done = done.count();
            attempts.drain(..done);
        }
        taken
    }

    /// Every attempt, in the order of time.
    pub(super) fn all(&self) -> Vec<CapturedAttempt> {
        let attempts = lock(&self.attempts);
        attempts
            .iter()
            .map(|(attempt, _)| attempt.clone())
            .collect()
    }

    fn sent(&self, exchange: u64, request: &Request<Bytes>) {
        if let Some(LoginToken(token)) = carried(request) {
            for (name, text) in token.values().secrets() {
                let name = name.replace('.', "_").to_ascii_uppercase();
                self.redactor.add(text, &format!("LOGIN_{name}"));
            }
        }
        if carried(request) == Some(&Purpose::Login) {
            for (name, token) in url::form_urlencoded::parse(request.body()) {
                if SENT_TOKENS.contains(&&*name) {
                    self.redactor.add(&token, &name.to_ascii_uppercase());
                }
            }
        }
        let attempt = CapturedAttempt {
            exchange,
            list: self.list.clone(),
            purpose: carried(request).cloned(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            body: request.body().clone(),
            signed: carried(request).map(|SignedText(text)| text.clone()),
            response: None,
        };
        lock(&self.attempts).push((attempt, false));
    }

    fn received(&self, exchange: u64, response: &Response<Bytes>, elapsed: Duration) {
        let mut attempts = lock(&self.attempts);
        let mut sent = attempts.iter_mut().rev();
        if let Some((attempt, _)) = sent.find(|(attempt, _)| attempt.exchange == exchange) {
            attempt.response = Some(CapturedResponse {
                status: response.status(),
                headers: response.headers().clone(),
                body: response.body().clone(),
                elapsed,
            });
        }
    }
}

impl Observer for Capture {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "it is told of all that happens, and needs some of it"
    )]
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::RequestSent { exchange, request } => self.sent(*exchange, request),
            Event::ResponseReceived {
                exchange,
                response,
                elapsed,
            } => self.received(*exchange, response, *elapsed),
            _ => {}
        }
    }

    fn within(&self, part: WalkPart<'_>) -> Option<Arc<dyn Observer>> {
        Some(Arc::new(Self {
            list: part.into(),
            ..self.clone()
        }))
    }
}
