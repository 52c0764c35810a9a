//! What the edge asks of the layers below: the gateway and its catalog, or a test's stand-in.

use std::future::Future;
use std::sync::Arc;

use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::caller::Caller;
use crate::catalog::{self, CacheMode, RunningWalk, Scope, SourceLookup};
use crate::gateway::listing::FoundGroup;
use crate::gateway::{Ask, Gateway, GatewayError, Listing};
use crate::generation::{Generation, Live};
use crate::upstream::transport::Circuit;

/// What answers queries.
pub(crate) trait GroupService: Send + Sync + 'static {
    /// What a request reads. It loads it once, so that no answer is of two.
    type Generation: Send + Sync + 'static;

    /// The generation in force.
    fn generation(&self) -> Self::Generation;

    /// The names of its sources, in order.
    fn sources(&self, generation: &Self::Generation) -> Vec<Arc<str>>;

    /// Moves whenever a walk has changed what is answered.
    fn epoch(&self) -> u64;

    /// One page of groups.
    fn list(
        &self,
        ask: Ask<Self::Generation>,
    ) -> impl Future<Output = Result<Listing, GatewayError>> + Send;

    /// One group, waiting for its source until then. `None`: there is none with this id.
    fn group(
        &self,
        id: &str,
        caller: &Caller,
        mode: CacheMode,
        wait_until: Instant,
    ) -> impl Future<Output = Result<Option<FoundGroup>, GatewayError>> + Send;
}

impl GroupService for Gateway {
    type Generation = Arc<Generation>;

    fn generation(&self) -> Arc<Generation> {
        self.live().load()
    }

    fn sources(&self, generation: &Arc<Generation>) -> Vec<Arc<str>> {
        names_of(generation)
    }

    fn epoch(&self) -> u64 {
        self.live().epoch()
    }

    async fn list(&self, ask: Ask) -> Result<Listing, GatewayError> {
        self.clone().oneshot(ask).await
    }

    async fn group(
        &self,
        id: &str,
        caller: &Caller,
        mode: CacheMode,
        wait_until: Instant,
    ) -> Result<Option<FoundGroup>, GatewayError> {
        Self::group(self, id, caller, mode, wait_until).await
    }
}

/// What holds the upstreams' lists.
pub(crate) trait CatalogService: Clone + Send + Sync + 'static {
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

impl CatalogService for Live {
    fn names(&self) -> Vec<Arc<str>> {
        names_of(&self.load())
    }

    fn peek(&self, source: &str) -> Option<SourceLookup> {
        self.load().catalog().peek(source, &Scope::Shared)
    }

    fn peek_for(&self, caller: &Caller) -> Vec<SourceLookup> {
        let generation = self.load();
        let catalog = generation.catalog();
        let visible = catalog.sources().iter();
        let visible = visible.filter(|source| caller.visible.allows(&source.name));
        let peek = |source: &catalog::SourceEntry| {
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

fn names_of(generation: &Generation) -> Vec<Arc<str>> {
    let sources = generation.catalog().sources().iter();
    sources.map(|source| Arc::clone(&source.name)).collect()
}

/// What every upstream holds right now, in order of name.
pub(crate) fn peek_all(catalog: &impl CatalogService) -> Vec<SourceLookup> {
    let names = catalog.names();
    names.iter().filter_map(|name| catalog.peek(name)).collect()
}
