//! What the tests of this folder share: a stand-in for all that is below the edge, requests to it,
//! and reading its answers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use http::request::Builder;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::caller::{Caller, HiddenFields, VisibleSources};
use crate::catalog::{
    self, CacheMode, CacheOutcome, CallerScopes, RunningWalk, SourceLookup, WalkRecord,
};
use crate::error::{ErrorKind, UpstreamError};
use crate::gateway::FilterableAttributes;
use crate::gateway::cursor::Keys;
use crate::gateway::listing::{FoundGroup, SourceReport, Spent};
use crate::gateway::view::View;
use crate::gateway::{Ask, GatewayError, Listing};
use crate::list_memory::ListMemory;
use crate::metrics::CacheStanding;
use crate::observe::CompletionProgress;
use crate::page_memory::PageMemoryCounts;
use crate::plan::Plan;
use crate::reload::Reloads;
use crate::snapshot::tests::group;
use crate::snapshot::{Counts, Snapshot};
use crate::upstream::transport::{Circuit, CircuitState};

use super::caller::Client;
use super::exchange::RequestContext;
use super::generation::{Generation, Process};
use super::layers::Stack;
use super::response::Response;
use super::services::{CatalogService, GroupService};

/// A `GET` request.
pub(super) fn get(path: &str) -> Builder {
    Request::get(path).header("host", "here")
}

/// A request without a body, as the listener passes it on.
pub(super) fn exchange<S>(state: impl Into<Arc<S>>, request: Builder) -> Arc<RequestContext<S>> {
    exchange_from("192.0.2.1:1", state, request)
}

/// The same from another peer.
pub(super) fn exchange_from<S>(
    peer: &str,
    state: impl Into<Arc<S>>,
    request: Builder,
) -> Arc<RequestContext<S>> {
    let (head, ()) = request.body(()).unwrap().into_parts();
    let client = Arc::new(Client::at(peer.parse::<SocketAddr>().unwrap().ip()));
    RequestContext::new(state.into(), client, head)
}

/// The same of a caller.
pub(super) fn exchange_as<S>(
    caller: Caller,
    state: impl Into<Arc<S>>,
    request: Builder,
) -> Arc<RequestContext<S>> {
    let mut exchange = exchange(state, request);
    let asked = Arc::get_mut(&mut exchange).unwrap();
    Arc::get_mut(&mut asked.client).unwrap().caller = caller;
    exchange
}

/// What a stack answers to a request without a body.
pub(super) async fn send<S: 'static>(
    mut stack: impl Stack<S>,
    state: &Arc<S>,
    request: Builder,
) -> Response {
    let answer: Result<_, Infallible> = stack.call(&exchange(Arc::clone(state), request)).await;
    let Ok(response) = answer;
    response
}

/// The body of a response.
pub(super) async fn bytes(response: Response) -> Vec<u8> {
    let body = response.into_body().collect().await.unwrap();
    body.to_bytes().to_vec()
}

/// The body of a response that is text.
pub(super) async fn text(response: Response) -> String {
    String::from_utf8(bytes(response).await).unwrap()
}

/// The first generation of a process with this plan, over a stand-in.
pub(crate) fn generation<G>(plan: impl Into<Arc<Plan>>, gateway: G) -> Generation<G> {
    let keys = Keys::new(vec![vec![7; 32].into()]);
    let plan = plan.into();
    let process = Process::new(&plan, Arc::default(), Reloads::none());
    Generation::first(plan, keys, gateway, process)
}

/// Upstreams that hold what a test says; a refresh changes nothing, and a search for `meanwhile` has the epoch move
/// after it has read them.
#[derive(Clone)]
pub(crate) struct Fixed {
    pub(crate) held: Arc<[SourceLookup]>,
    pub(crate) epoch: Arc<AtomicU64>,
    /// How often groups were listed.
    pub(crate) listed: Arc<AtomicUsize>,
}

impl Fixed {
    pub(crate) fn new(held: impl Into<Arc<[SourceLookup]>>) -> Self {
        Self {
            held: held.into(),
            epoch: Arc::default(),
            listed: Arc::default(),
        }
    }

    fn find(&self, source: &str) -> Option<SourceLookup> {
        let mut held = self.held.iter();
        held.find(|held| &*held.source == source).cloned()
    }
}

impl CatalogService for Fixed {
    fn names(&self) -> Vec<Arc<str>> {
        self.held
            .iter()
            .map(|held| Arc::clone(&held.source))
            .collect()
    }

    fn attributes(&self) -> FilterableAttributes {
        FilterableAttributes::default()
    }

    fn peek(&self, source: &str) -> Option<SourceLookup> {
        self.find(source)
    }

    fn peek_for(&self, caller: &Caller) -> Vec<SourceLookup> {
        let visible = |held: &&SourceLookup| caller.visible.allows(&held.source);
        self.held.iter().filter(visible).cloned().collect()
    }

    fn lists(&self) -> ListMemory {
        ListMemory::default()
    }

    fn circuit(&self, source: &str) -> Option<Circuit> {
        let is_failed = self.find(source)?.state == catalog::SourceState::Failed;
        is_failed.then(|| Circuit {
            state: CircuitState::HalfOpen,
            since: "2026-11-21T09:29:00Z".parse().unwrap(),
        })
    }

    fn walking(&self, source: &str) -> Option<RunningWalk> {
        let is_walking = !self.find(source)?.walked;
        is_walking.then_some(RunningWalk {
            seconds: 90,
            pages: 2,
            records: 200,
            users: 0,
            completion: Some(CompletionProgress {
                done: 412,
                of: 3900,
                asked: 400,
                reused: 10,
                kept: 2,
                ..CompletionProgress::default()
            }),
        })
    }

    fn scopes(&self, _: &str) -> Option<CacheStanding> {
        None
    }

    fn last_walks(&self, _: &str) -> Vec<Arc<WalkRecord>> {
        Vec::new()
    }

    fn caches(&self) -> Vec<CacheStanding> {
        Vec::new()
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn page_memory(&self) -> PageMemoryCounts {
        PageMemoryCounts::default()
    }

    async fn refresh(&self, source: &str, _: Instant) -> Option<SourceLookup> {
        self.find(source)
    }
}

/// An upstream without a list.
pub(crate) fn empty(source: &str, state: catalog::SourceState) -> SourceLookup {
    SourceLookup {
        source: source.into(),
        required: false,
        state,
        snapshot: None,
        by_query: false,
        as_of: None,
        fresh_for: Duration::ZERO,
        changes_in: None,
        error: None,
        pending_shrink: None,
        walked: state != catalog::SourceState::Pending,
        counts: Counts::default(),
        ended_by: None,
        outcome: CacheOutcome {
            forwarded: None,
            collapsed: false,
            detail: None,
        },
    }
}

/// An upstream whose last walk failed so.
pub(crate) fn failed(source: &str, kind: ErrorKind) -> SourceLookup {
    SourceLookup {
        error: Some(Arc::new(UpstreamError::new(kind, "quoted secret"))),
        ..empty(source, catalog::SourceState::Failed)
    }
}

/// An upstream that holds groups of these names, fresh for 12 seconds more.
pub(crate) fn fresh(source: &str, names: &[&str]) -> SourceLookup {
    let groups = names
        .iter()
        .enumerate()
        .map(|(id, name)| group(source, &id.to_string(), name))
        .collect();
    SourceLookup {
        snapshot: Some(Arc::new(Snapshot::new(source.into(), groups))),
        as_of: Some("2026-11-21T09:30:00Z".parse().unwrap()),
        fresh_for: Duration::from_millis(12_800),
        changes_in: Some(Duration::from_millis(12_800)),
        ..empty(source, catalog::SourceState::Fresh)
    }
}

impl GroupService for Fixed {
    fn scopes_of(&self, _: &Caller) -> CallerScopes {
        CallerScopes::default()
    }

    fn epoch(&self, _: &VisibleSources, _: &CallerScopes) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    async fn list(&self, ask: Ask) -> Result<Listing, GatewayError> {
        self.listed.fetch_add(1, Ordering::Relaxed);
        let held = self.peek_for(&ask.caller);
        if ask.query.filter.search.as_deref() == Some("meanwhile") {
            self.epoch.fetch_add(1, Ordering::Relaxed);
        }
        let sources: Vec<_> = held.iter().cloned().map(SourceReport::new).collect();
        let complete = sources.iter().all(SourceReport::contributed);
        if ask.strict && !complete {
            return Err(GatewayError::Unavailable {
                reason: "the list would be incomplete".to_owned(),
                sources,
            });
        }
        let snapshots = held.iter().filter_map(|held| held.snapshot.clone());
        let view = View::new(snapshots.collect(), &ask.query.filter, &ask.query.sort);
        let page = view.page(None, ask.query.limit);
        let more = !page.is_last();
        Ok(Listing {
            next_cursor: more.then(|| "onward".to_owned()),
            next_query: more.then(|| "cursor=onward".to_owned()),
            signed_by: None,
            max_age: sources[0].held.fresh_for,
            view: Arc::new(view),
            page,
            complete,
            visible: ask.caller.visible,
            seen: None,
            sources,
            spent: Spent {
                wait: Duration::from_secs(3),
                view: Duration::from_millis(4),
            },
        })
    }

    async fn group(
        &self,
        id: &str,
        _: &Caller,
        _: CacheMode,
        _: Instant,
    ) -> Result<Option<FoundGroup>, GatewayError> {
        assert_ne!(id, "panic", "as the test asks");
        let found = self.held.iter().find_map(|held| {
            let snapshot = held.snapshot.clone()?;
            Some(FoundGroup {
                index: snapshot.find(id)?,
                source: SourceReport::new(held.clone()),
                hidden: HiddenFields::NONE,
                snapshot,
            })
        });
        Ok(found)
    }
}
