//! What the edge asks of the layers below: a gateway over its upstreams, or a test's stand-in. Each
//! belongs to one generation.

use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::caller::{Caller, NotVisible, VisibleSources};
use crate::catalog::{self, CacheMode, CallerScopes, RunningWalk, Scope, SourceLookup, WalkRecord};
use crate::gateway::FilterableAttributes;
use crate::gateway::listing::FoundGroup;
use crate::gateway::{Ask, Gateway, GatewayError, Listing};
use crate::list_memory::ListMemory;
use crate::metrics::CacheStanding;
use crate::page_memory::PageMemoryCounts;
use crate::upstream::transport::Circuit;

/// What answers queries.
pub(crate) trait GroupService: Send + Sync + 'static {
    /// Which lists of their own `caller` has.
    fn scopes_of(&self, caller: &Caller) -> CallerScopes;

    /// Moves whenever a walk has changed what is answered to whoever has these lists of their own.
    fn epoch(&self, visible: &VisibleSources, scopes: &CallerScopes) -> u64;

    /// One page of groups.
    fn list(&self, ask: Ask) -> impl Future<Output = Result<Listing, GatewayError>> + Send;

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
    fn scopes_of(&self, caller: &Caller) -> CallerScopes {
        self.catalog().scopes_of(caller)
    }

    fn epoch(&self, visible: &VisibleSources, scopes: &CallerScopes) -> u64 {
        self.catalog().epoch_of(visible, scopes)
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
pub(crate) trait CatalogService: Send + Sync + 'static {
    /// The names of the upstreams, in order.
    fn names(&self) -> Vec<Arc<str>>;

    /// The attributes that groups can be filtered by.
    fn attributes(&self) -> FilterableAttributes;

    /// What one holds right now for the gateway's own account. It does not wait.
    fn peek(&self, source: &str) -> Option<SourceLookup>;

    /// What each that `caller` may see holds right now for it, in order of name. It does not wait.
    fn peek_for(&self, caller: &Caller) -> Vec<SourceLookup>;

    /// How one's breaker stands, if it has one.
    fn circuit(&self, source: &str) -> Option<Circuit>;

    /// How far one's walk is, if one is under way.
    fn walking(&self, source: &str) -> Option<RunningWalk>;

    /// How one's lists of callers stand, if each is asked for by itself.
    fn scopes(&self, source: &str) -> Option<CacheStanding>;

    /// What one's last walks were like, the latest first.
    fn last_walks(&self, source: &str) -> Vec<Arc<WalkRecord>>;

    /// How the caches of lists and views stand.
    fn caches(&self) -> Vec<CacheStanding>;

    /// The time that lists are dated by.
    fn now(&self) -> Timestamp;

    /// How the memory of pages stands.
    fn page_memory(&self) -> PageMemoryCounts;

    /// The memory of lists.
    fn lists(&self) -> ListMemory;

    /// What one holds after a walk that begins now, waiting for its end until then.
    fn refresh(
        &self,
        source: &str,
        wait_until: Instant,
    ) -> impl Future<Output = Option<SourceLookup>> + Send;
}

impl CatalogService for Gateway {
    fn names(&self) -> Vec<Arc<str>> {
        let sources = self.catalog().sources().iter();
        sources.map(|source| Arc::clone(&source.name)).collect()
    }

    fn attributes(&self) -> FilterableAttributes {
        let sources = self.catalog().sources().iter();
        FilterableAttributes::of(sources.map(|source| (&source.name, &source.filterable)))
    }

    fn peek(&self, source: &str) -> Option<SourceLookup> {
        self.catalog().peek(source, &Scope::Shared)
    }

    fn peek_for(&self, caller: &Caller) -> Vec<SourceLookup> {
        let catalog = self.catalog();
        let visible = catalog.sources().iter();
        let visible = visible.filter(|source| caller.visible.allows(&source.name));
        let peek = |source: &catalog::SourceEntry| {
            let held = catalog.peek_for(&source.name, caller);
            held.unwrap_or_else(|NotVisible| {
                SourceLookup::not_askable(&source.name, source.required, None)
            })
        };
        visible.map(peek).collect()
    }

    fn circuit(&self, source: &str) -> Option<Circuit> {
        self.catalog().circuit(source)
    }

    fn walking(&self, source: &str) -> Option<RunningWalk> {
        self.catalog().running_walk(source, &Scope::Shared)
    }

    fn scopes(&self, source: &str) -> Option<CacheStanding> {
        self.catalog().upstream(source)?.standing_of_scopes()
    }

    fn last_walks(&self, source: &str) -> Vec<Arc<WalkRecord>> {
        self.catalog().last_walks(source)
    }

    fn caches(&self) -> Vec<CacheStanding> {
        Self::caches(self)
    }

    fn now(&self) -> Timestamp {
        self.catalog().now()
    }

    fn page_memory(&self) -> PageMemoryCounts {
        self.catalog().page_memory()
    }

    fn lists(&self) -> ListMemory {
        self.catalog().lists()
    }

    async fn refresh(&self, source: &str, wait_until: Instant) -> Option<SourceLookup> {
        let catalog = self.catalog();
        catalog
            .get(source, &Scope::Shared, CacheMode::Insist, wait_until)
            .await
    }
}

/// What every upstream holds right now, in order of name.
pub(crate) fn peek_all(catalog: &impl CatalogService) -> Vec<SourceLookup> {
    let names = catalog.names();
    names.iter().filter_map(|name| catalog.peek(name)).collect()
}
