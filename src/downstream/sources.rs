//! `GET /sources`: how each upstream that the caller may see stands.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::middleware::from_fn;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;

use crate::caller::Caller;
use crate::catalog::{self, CacheMode, PendingShrink, RunningWalk, Scope, SourceLookup};
use crate::generation::Live;
use crate::snapshot::Counts;
use crate::upstream::transport::Circuit;

use super::caller::Client;
use super::envelope::SourceError;
use super::negotiate::{Format, negotiate};
use super::problem::Problem;
use super::refusal;

/// What holds the upstreams' lists: the catalog, or a test's stand-in.
pub(crate) trait Holdings: Clone + Send + Sync + 'static {
    /// The names of the upstreams, in order.
    fn names(&self) -> Vec<Arc<str>>;

    /// What one holds right now for the gateway's own account. It does not wait.
    fn peek(&self, source: &str) -> Option<SourceLookup>;

    /// What each that `caller` may see holds right now for it, in order of name. It does not wait.
    fn peek_for(&self, caller: &Caller) -> Vec<SourceLookup>;

    /// How one's breaker stands, if it has one.
    fn circuit(&self, source: &str) -> Option<Circuit>;

    /// How far one's walk is, if one is under way.
    fn walking(&self, source: &str) -> Option<RunningWalk>;

    /// What one holds after a walk that begins now, waiting for its end until then.
    fn refresh(
        &self,
        source: &str,
        wait_until: Instant,
    ) -> impl Future<Output = Option<SourceLookup>> + Send;
}

impl Holdings for Live {
    fn names(&self) -> Vec<Arc<str>> {
        let generation = self.load();
        let sources = generation.catalog().sources().iter();
        sources.map(|source| Arc::clone(&source.name)).collect()
    }

    fn peek(&self, source: &str) -> Option<SourceLookup> {
        self.load().catalog().peek(source, &Scope::Shared)
    }

    fn peek_for(&self, caller: &Caller) -> Vec<SourceLookup> {
        let generation = self.load();
        let catalog = generation.catalog();
        let visible = catalog.sources().iter();
        let visible = visible.filter(|source| caller.visible.allows(&source.name));
        let peek = |source: &catalog::Source| {
            let scope = catalog.scope(&source.name, caller).ok();
            scope
                .and_then(|scope| catalog.peek(&source.name, &scope))
                .unwrap_or_else(|| SourceLookup::not_askable(&source.name, source.required))
        };
        visible.map(peek).collect()
    }

    fn circuit(&self, source: &str) -> Option<Circuit> {
        self.load().catalog().circuit(source)
    }

    fn walking(&self, source: &str) -> Option<RunningWalk> {
        self.load().catalog().running_walk(source, &Scope::Shared)
    }

    async fn refresh(&self, source: &str, wait_until: Instant) -> Option<SourceLookup> {
        let generation = self.load();
        let upstream = generation.catalog().upstream(source)?;
        let held = upstream.get(&Scope::Shared, CacheMode::Insist, wait_until);
        Some(held.await)
    }
}

/// What every upstream holds right now, in order of name.
pub(crate) fn peek_all(holdings: &impl Holdings) -> Vec<SourceLookup> {
    let names = holdings.names();
    names
        .iter()
        .filter_map(|name| holdings.peek(name))
        .collect()
}

/// The answer of `GET /sources`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Sources")]
pub(crate) struct Answer {
    /// How each source stands, in order of name.
    sources: Vec<Source>,
}

/// How one source stands, and what was odd about its list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Source {
    /// Its name.
    name: Arc<str>,
    /// How it stands.
    state: catalog::State,
    /// When its list was read, RFC 3339 UTC.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    as_of: Option<Timestamp>,
    /// How many groups it has.
    groups: usize,
    #[serde(flatten)]
    counts: Counts,
    /// A much shorter list that was read since and is not served: it waits for another walk to
    /// confirm it.
    pending_shrink: Option<PendingShrink>,
    /// Why its last walk failed, while that still matters.
    error: Option<SourceError>,
}

impl From<&SourceLookup> for Source {
    fn from(held: &SourceLookup) -> Self {
        Self {
            name: Arc::clone(&held.source),
            state: held.state,
            as_of: held.as_of,
            groups: held.snapshot.as_ref().map_or(0, |snapshot| snapshot.len()),
            counts: held.counts,
            pending_shrink: held.pending_shrink,
            error: held.error.as_deref().map(SourceError::of),
        }
    }
}

/// The endpoint.
pub(crate) fn routes<H: Holdings>(holdings: H) -> Router {
    Router::new()
        .route("/sources", get(list::<H>))
        .route_layer(from_fn(refusal::parameters))
        .with_state(holdings)
}

async fn list<H: Holdings>(
    State(holdings): State<H>,
    Extension(Client { caller, .. }): Extension<Client>,
    request: Request,
) -> Result<Response, Problem> {
    negotiate(request.headers(), &[Format::Json])?;
    let held = holdings.peek_for(&caller);
    json(&Answer {
        sources: held.iter().map(Source::from).collect(),
    })
}

/// A JSON response that says how things stand now: nobody may keep it.
pub(crate) fn json(body: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(body).map_err(Problem::defect)?;
    let headers = [
        (CONTENT_TYPE, Format::Json.content_type()),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, body).into_response())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::catalog::CacheOutcome;
    use crate::downstream::caller::identify;
    use crate::downstream::testing::{ask, text};
    use crate::error::{ErrorKind, UpstreamError};
    use crate::snapshot::Snapshot;
    use crate::snapshot::tests::group;
    use crate::upstream::transport::CircuitState;

    /// Upstreams that hold what a test says; a refresh changes nothing.
    #[derive(Clone)]
    pub(crate) struct Fixed(pub(crate) Arc<[SourceLookup]>);

    impl Fixed {
        fn find(&self, source: &str) -> Option<SourceLookup> {
            self.0.iter().find(|held| &*held.source == source).cloned()
        }
    }

    impl Holdings for Fixed {
        fn names(&self) -> Vec<Arc<str>> {
            self.0.iter().map(|held| Arc::clone(&held.source)).collect()
        }

        fn peek(&self, source: &str) -> Option<SourceLookup> {
            self.find(source)
        }

        fn peek_for(&self, caller: &Caller) -> Vec<SourceLookup> {
            let visible = |held: &&SourceLookup| caller.visible.allows(&held.source);
            self.0.iter().filter(visible).cloned().collect()
        }

        fn circuit(&self, source: &str) -> Option<Circuit> {
            let is_failed = self.find(source)?.state == catalog::State::Failed;
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
            })
        }

        async fn refresh(&self, source: &str, _: Instant) -> Option<SourceLookup> {
            self.find(source)
        }
    }

    /// An upstream without a list.
    pub(crate) fn empty(source: &str, state: catalog::State) -> SourceLookup {
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
            walked: state != catalog::State::Pending,
            counts: Counts::default(),
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
            ..empty(source, catalog::State::Failed)
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
            ..empty(source, catalog::State::Fresh)
        }
    }

    #[tokio::test]
    async fn every_source_says_how_it_stands() {
        let mut odd = fresh("alpha", &["x", "y"]);
        odd.counts.skipped = 3;
        let holdings = Fixed([odd, failed("beta", ErrorKind::Decode)].into());
        let routes = routes(holdings).layer(from_fn(identify));
        let response = ask(routes, "/sources").await;
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        insta::assert_snapshot!(text(response).await);
    }
}
