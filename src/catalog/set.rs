//! The upstreams of one generation of settings.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::caller::{Caller, NotVisible, VisibleSources};
use crate::clock::WallClock;
use crate::list_memory::ListMemory;
use crate::metrics::CacheStanding;
use crate::observe::Observers;
use crate::page_memory::{PageMemoryCounts, PageRoom};
use crate::plan::{Cache, FilterableAttribute};
use crate::upstream::adapter::Adapter;
use crate::upstream::pushdown::Conditions;
use crate::upstream::transport::Circuit;

use super::history::WalkRecord;
use super::in_flight::RunningWalk;
use super::key::{Scope, ScopeDigest};
use super::lookup::{CacheMode, SourceLookup};
use super::resources::CatalogResources;
use super::source_span::spanned;
use super::tier::Tier;
use super::upstream::UpstreamRuntime;

/// One upstream as the layers above know it.
#[derive(Debug, Clone)]
pub struct SourceEntry {
    /// Its name.
    pub name: Arc<str>,
    /// Whether no answer may be given without it.
    pub required: bool,
    /// The attributes of its groups that callers can filter by.
    pub filterable: Arc<[FilterableAttribute]>,
}

/// What stands for the lists of a caller's own, in the order of the upstreams that are asked on behalf of
/// each caller. Nothing where there are none.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct CallerScopes(Option<Arc<[Option<ScopeDigest>]>>);

#[cfg(test)]
impl CallerScopes {
    /// Those of callers where upstreams are asked on their behalf, of which there are none.
    pub(crate) fn of_no_upstream() -> Self {
        Self(Some(Arc::default()))
    }
}

impl fmt::Debug for CallerScopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("CallerScopes")
            .finish_non_exhaustive()
    }
}

/// Every upstream of one generation of settings, with its snapshots. The one that follows it keeps
/// the upstreams whose settings are the same ([`Catalog::succeed`]).
#[derive(Debug)]
pub struct Catalog {
    sources: Vec<SourceEntry>,
    /// In order of name, as `sources` are.
    upstreams: Vec<Arc<UpstreamRuntime>>,
    /// Those of them that are asked on behalf of each caller.
    by_caller: Vec<Arc<UpstreamRuntime>>,
    resources: Arc<CatalogResources>,
    /// Where the snapshots are kept besides memory.
    tier: Arc<Tier>,
    directory: Option<PathBuf>,
}

impl Catalog {
    /// A catalog of these upstreams, with nothing in it yet, whose news `observers` are told. Must be called within a tokio runtime.
    pub fn new(
        adapters: Vec<Arc<Adapter>>,
        cache: &Cache,
        wall: &WallClock,
        observers: Observers,
    ) -> Self {
        let resources = CatalogResources::new(cache.snapshots(), cache.directory.as_deref(), wall)
            .with_pages(PageRoom::default())
            .with_observers(observers);
        Self::over(adapters, Arc::new(resources), cache, |_| None)
    }

    /// The catalog of the settings that come after these. An upstream whose settings are the same is
    /// the same, with all that it holds, on whatever terms that serves from now on, and all of them share
    /// memory in another way where that is what changed. One that is seen with the same account begins with the list of the one before, as stale;
    /// where the list is shaped otherwise, [`Catalog::take_over`] sees to that. Nothing is asked before
    /// [`Catalog::start`], and nothing of this one ends before [`Catalog::retire_for`].
    #[must_use]
    pub fn succeed(&self, adapters: Vec<Arc<Adapter>>, cache: &Cache) -> Self {
        self.resources.store.resize(cache.snapshots());
        let has_moved = self.directory != cache.directory;
        if has_moved {
            self.resources.move_to(cache.directory.as_deref());
        }
        let same = |adapter: &Adapter| {
            let upstream = self.upstream(adapter.name())?;
            upstream.is_of(adapter).then(|| Arc::clone(upstream))
        };
        let next = Self::over(adapters, Arc::clone(&self.resources), cache, same);
        if has_moved {
            next.upstreams.iter().for_each(|upstream| upstream.save());
        }
        next
    }

    fn over(
        adapters: Vec<Arc<Adapter>>,
        resources: Arc<CatalogResources>,
        cache: &Cache,
        same: impl Fn(&Adapter) -> Option<Arc<UpstreamRuntime>>,
    ) -> Self {
        let has_part =
            |adapter: &&Arc<Adapter>| adapter.rules().is_some() || adapter.on_behalf().is_some();
        let by_query = adapters.iter().filter(has_part).count() as u64;
        // Each that is asked by query or on behalf of each caller has a part of its own, so that no flood of
        // queries or callers to one flushes another's.
        let query_budget = cache.queries() / by_query.max(1);
        resources.pages.resize(PageRoom {
            decoded_and_lists: cache.decoded_and_lists(by_query > 0),
            decoded: cache.decoded(),
            received: cache.received(),
        });
        let mut upstreams: Vec<_> = adapters
            .into_iter()
            .map(|adapter| match same(&adapter) {
                Some(upstream) => {
                    upstream.go_by(&adapter);
                    upstream.resize(query_budget);
                    upstream
                }
                None => Arc::new(UpstreamRuntime::new(adapter, &resources, query_budget)),
            })
            .collect();
        upstreams.sort_by(|left, right| left.name().cmp(right.name()));
        let sources = upstreams.iter().map(|upstream| SourceEntry {
            name: Arc::clone(upstream.name()),
            required: upstream.required(),
            filterable: Arc::clone(upstream.filterable()),
        });
        let tier = resources.tier();
        tier.use_keys(upstreams.iter().map(|upstream| upstream.key()));
        Self {
            sources: sources.collect(),
            by_caller: (upstreams.iter())
                .filter(|upstream| upstream.scopes.is_some())
                .cloned()
                .collect(),
            upstreams,
            tier,
            directory: cache.directory.clone(),
            resources,
        }
    }

    /// Reads what is kept outside of memory, where memory has nothing, to be served until the first
    /// walks succeed. What cannot be read is logged and left alone.
    pub async fn load(&self) {
        join_all(self.upstreams.iter().map(|upstream| upstream.load())).await;
    }

    /// Takes over the lists of `before` that are only shaped otherwise, to be served until the first walks
    /// succeed.
    pub fn take_over(&self, before: &Self) {
        for upstream in &self.upstreams {
            if let Some(before) = before.upstream(upstream.name()) {
                upstream.take_over(before);
            }
        }
    }

    /// Begins the first walk of every upstream that is not of `before`.
    pub fn start(&self, before: Option<&Self>) {
        for upstream in &self.upstreams {
            if before.is_none_or(|before| !before.holds(upstream)) {
                upstream.start();
            }
        }
    }

    /// Ends every walk that `next` does not go on with, and tells whoever waits for it.
    pub async fn retire_for(&self, next: &Self) {
        for upstream in &self.upstreams {
            if !next.holds(upstream) {
                let has_key = |other: &Arc<UpstreamRuntime>| other.key() == upstream.key();
                upstream.retire(next.upstreams.iter().any(has_key));
                if let Some(successor) = next.upstream(upstream.name()) {
                    successor.hold();
                }
            }
        }
        self.resources.generations.advance();
        if !Arc::ptr_eq(&self.tier, &next.tier) {
            self.tier.close().await;
        }
    }

    /// Ends every walk and begins none from now on, and waits until what is to be kept outside of
    /// memory is there.
    pub async fn close(&self) {
        for upstream in &self.upstreams {
            upstream.retire(true);
        }
        self.tier.close().await;
    }

    /// Moves with every change of what any of it shows, also from one generation to the next. What
    /// was made from it later than the epoch was read holds as long as the epoch stands still, and
    /// [`SourceLookup::changes_in`] allows.
    pub fn epoch(&self) -> u64 {
        self.resources.epoch.current()
    }

    /// Which lists of their own `caller` has.
    pub fn scopes_of(&self, caller: &Caller) -> CallerScopes {
        if self.by_caller.is_empty() {
            return CallerScopes::default();
        }
        let scopes = self.by_caller.iter().map(|upstream| {
            let scopes = upstream.scopes.as_ref()?;
            // What does not exist for the caller makes no difference to it.
            let is_visible = caller.visible.allows(upstream.name());
            is_visible.then(|| scopes.digest(caller).ok()).flatten()
        });
        CallerScopes(Some(scopes.collect()))
    }

    /// [`Catalog::epoch`] for whoever sees no other sources, and has these lists. What becomes of a source that is
    /// not visible does not move it: the caller would learn of it.
    pub fn epoch_of(&self, visible: &VisibleSources, scopes: &CallerScopes) -> u64 {
        if *visible == VisibleSources::All && scopes.0.is_none() {
            return self.epoch();
        }
        let mut hasher = DefaultHasher::new();
        self.resources.generations.current().hash(&mut hasher);
        for upstream in &self.upstreams {
            if visible.allows(upstream.name()) {
                upstream.epoch().hash(&mut hasher);
            }
        }
        let digests = scopes.0.as_deref().unwrap_or_default();
        for (upstream, digest) in self.by_caller.iter().zip(digests) {
            let epoch = upstream.scopes.as_ref().zip(digest.as_ref());
            let epoch = epoch.map(|(scopes, digest)| scopes.epoch(digest));
            epoch.hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Every upstream, in order of name.
    pub fn sources(&self) -> &[SourceEntry] {
        &self.sources
    }

    /// The upstream of this name.
    pub fn upstream(&self, name: &str) -> Option<&Arc<UpstreamRuntime>> {
        let found = self
            .upstreams
            .binary_search_by(|upstream| (**upstream.name()).cmp(name));
        Some(&self.upstreams[found.ok()?])
    }

    /// The memory of lists.
    pub(crate) fn lists(&self) -> ListMemory {
        self.resources.pages.lists()
    }

    /// How the memory of pages stands.
    pub fn page_memory(&self) -> PageMemoryCounts {
        self.resources.pages.counts()
    }

    /// [`UpstreamRuntime::get`] of one of them. `None`: there is no such upstream.
    pub async fn get(
        &self,
        source: &str,
        scope: &Scope,
        mode: CacheMode,
        deadline: Instant,
    ) -> Option<SourceLookup> {
        let upstream = self.upstream(source)?;
        let lookup = async { Ok(upstream.get(scope, mode, deadline).await) };
        spanned(source, lookup).await.ok()
    }

    /// [`UpstreamRuntime::find`] of one of them.
    pub async fn find(
        &self,
        source: &str,
        caller: &Caller,
        conditions: &Conditions<'_>,
        mode: CacheMode,
        deadline: Instant,
    ) -> Result<SourceLookup, NotVisible> {
        let upstream = self.upstream(source).ok_or(NotVisible)?;
        spanned(source, upstream.find(caller, conditions, mode, deadline)).await
    }

    /// [`UpstreamRuntime::peek_for`] of one of them.
    pub fn peek_for(&self, source: &str, caller: &Caller) -> Result<SourceLookup, NotVisible> {
        self.upstream(source).ok_or(NotVisible)?.peek_for(caller)
    }

    /// [`UpstreamRuntime::peek`] of one of them.
    pub fn peek(&self, source: &str, scope: &Scope) -> Option<SourceLookup> {
        Some(self.upstream(source)?.peek(scope))
    }

    /// [`UpstreamRuntime::circuit`] of one of them.
    pub fn circuit(&self, source: &str) -> Option<Circuit> {
        self.upstream(source)?.circuit()
    }

    /// [`UpstreamRuntime::last_walks`] of one of them.
    pub fn last_walks(&self, source: &str) -> Vec<Arc<WalkRecord>> {
        let upstream = self.upstream(source);
        upstream.map_or_else(Vec::new, |upstream| upstream.last_walks())
    }

    /// How the stores of lists stand: that of whole lists, all those of results of queries together, and all
    /// those of callers' lists together.
    pub fn caches(&self) -> Vec<CacheStanding> {
        let upstreams = self.upstreams.iter();
        let by_query = upstreams.filter_map(|upstream| upstream.standing_of_queries());
        let upstreams = self.upstreams.iter();
        let of_callers = upstreams.filter_map(|upstream| upstream.standing_of_scopes());
        let sum = |one: CacheStanding, other: CacheStanding| CacheStanding {
            name: one.name,
            bytes: one.bytes + other.bytes,
            capacity: one.capacity + other.capacity,
            entries: one.entries + other.entries,
        };
        let whole = self.resources.store.standing("snapshots");
        let others = by_query
            .reduce(sum)
            .into_iter()
            .chain(of_callers.reduce(sum));
        [whole].into_iter().chain(others).collect()
    }

    /// The time that lists are dated by.
    pub fn now(&self) -> Timestamp {
        self.resources.wall.now()
    }

    /// Who is told what happens.
    pub fn observers(&self) -> &Observers {
        &self.resources.observers
    }

    /// [`UpstreamRuntime::running_walk`] of one of them.
    pub fn running_walk(&self, source: &str, scope: &Scope) -> Option<RunningWalk> {
        self.upstream(source)?.running_walk(scope)
    }

    fn holds(&self, upstream: &Arc<UpstreamRuntime>) -> bool {
        let other = self.upstream(upstream.name());
        other.is_some_and(|other| Arc::ptr_eq(other, upstream))
    }
}
