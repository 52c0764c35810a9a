//! The results of an upstream that is asked by query: one entry per set of filters.
//!
//! Callers may ask for anything, so everything here is bounded. Entries and their snapshots are
//! bounded in bytes: the least recently used are evicted, and the idle ones expire. Walks are bounded
//! in number, and so is the queue for them. Each entry follows the rules of whole lists: one walk at
//! a time, the same freshness, the same backoff.

use std::sync::{Arc, Mutex, PoisonError};

use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::time::Instant;

use crate::caller::Asker;
use crate::upstream::adapter::Adapter;
use crate::upstream::pushdown::{Conditions, Pushed};

use super::entry::Entry;
use super::fetch::{Fetch, is_refused, walk_to_snapshot};
use super::key::CatalogKey;
use super::lookup::{CacheMode, SourceLookup, SourceState};
use super::query_queue::QueryQueue;
use super::resizable::Resizable;
use super::resources::CatalogResources;
use super::store::{ENTRIES_SHARE, IDLE};
use super::tasks::Tasks;

/// About how many bytes an entry takes besides its key, with its walks and the bookkeeping of moka.
const ENTRY_BYTES: usize = 768;

/// The results of one upstream that is asked by query.
#[derive(Debug)]
pub(super) struct Queries {
    adapter: Arc<Adapter>,
    /// Its whole list.
    whole: Arc<Entry>,
    entries: Resizable<Pushed, Arc<Entry>>,
    resources: Arc<CatalogResources>,
    tasks: Arc<Tasks>,
    queue: Arc<QueryQueue>,
    /// The entry that was asked last: its state stands for the upstream.
    last: Mutex<Option<Arc<Entry>>>,
}

impl Queries {
    /// No results yet. `whole` is the entry of the whole list; snapshots go into the store of
    /// `resources`.
    pub(super) fn new(
        adapter: Arc<Adapter>,
        whole: Arc<Entry>,
        resources: Arc<CatalogResources>,
        tasks: Arc<Tasks>,
    ) -> Self {
        let build = |capacity| {
            Cache::builder()
                .eviction_policy(EvictionPolicy::lru())
                .weigher(|pushed: &Pushed, _: &Arc<Entry>| {
                    // Twice: the entry holds its key too.
                    let bytes = ENTRY_BYTES + size_of::<Entry>() + 2 * pushed.bytes();
                    u32::try_from(bytes).unwrap_or(u32::MAX)
                })
                .max_capacity(capacity)
                .time_to_idle(IDLE)
                .build()
        };
        let entries = Resizable::new(resources.store.capacity() / ENTRIES_SHARE, build);
        Self {
            queue: Arc::new(QueryQueue::new(adapter.limits().concurrency as usize)),
            adapter,
            whole,
            entries,
            resources,
            tasks,
            last: Mutex::default(),
        }
    }

    /// Finds a list that holds all groups that meet `conditions`. That is the whole list if no filter
    /// can be pushed down, or if it is fresh; otherwise the result of a filtered walk. If that walk
    /// fails, the whole list is served for as long as it may be.
    pub(super) async fn find(
        &self,
        asker: Asker,
        conditions: &Conditions<'_>,
        mode: CacheMode,
        deadline: Instant,
    ) -> SourceLookup {
        let rules = self.adapter.rules();
        let pushed = rules.map_or(Pushed::NONE, |rules| rules.push(conditions));
        if pushed.is_none() {
            return self.whole.get_for(asker, mode, deadline).await;
        }
        let held = self.find_by(asker, &pushed, mode, deadline).await;
        SourceLookup {
            by_query: true,
            ..held
        }
    }

    async fn find_by(
        &self,
        asker: Asker,
        pushed: &Pushed,
        mode: CacheMode,
        deadline: Instant,
    ) -> SourceLookup {
        if mode == CacheMode::Cached {
            let held = self.whole.peek();
            if held.state == SourceState::Fresh {
                return held;
            }
        }
        let make = || self.entry(pushed);
        let entry = (self.entries.get().cache).get_with_by_ref(pushed, make);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&entry));
        let found = entry.get_for(asker, mode, deadline).await;
        if found.snapshot.is_some() {
            return found;
        }
        match self.whole.servable() {
            Some(whole) => SourceLookup {
                error: found.error.or(whole.error),
                outcome: found.outcome,
                ..whole
            },
            None => found,
        }
    }

    /// The state of the upstream: that of its whole list or, as long as nobody has asked for that, of
    /// the query that was asked last.
    pub(super) fn peek(&self) -> SourceLookup {
        let whole = self.whole.peek();
        if whole.state != SourceState::Pending || self.whole.running_walk().is_some() {
            return whole;
        }
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map_or(whole, |entry| entry.peek())
    }

    /// May take so many bytes from now on.
    pub(super) fn resize(&self, budget: u64) {
        self.resources.store.resize_for_queries(budget);
        let entries = self.resources.store.capacity() / ENTRIES_SHARE;
        self.entries.resize(entries);
    }

    /// Ends the walks of its entries, for good, and tells whoever waits for them.
    pub(super) fn retire(&self) {
        for (_, entry) in &self.entries.get().cache {
            entry.retire(true);
        }
    }

    fn entry(&self, pushed: &Pushed) -> Arc<Entry> {
        let key = CatalogKey {
            filters: pushed.clone(),
            ..self.whole.key().clone()
        };
        let fetch = self.fetch(pushed.clone());
        Arc::new(Entry::new(
            key,
            self.whole.policy().for_queries(),
            fetch,
            Arc::clone(&self.resources),
            Arc::clone(&self.tasks),
        ))
    }

    fn fetch(&self, pushed: Pushed) -> Fetch {
        let adapter = Arc::clone(&self.adapter);
        let whole = Arc::clone(&self.whole);
        let resources = Arc::clone(&self.resources);
        let queue = Arc::clone(&self.queue);
        Box::new(move |walk, asker| {
            let asking = Arc::new(adapter.asking(pushed.clone(), resources.store.capacity()));
            let (whole, resources, queue) = (
                Arc::clone(&whole),
                Arc::clone(&resources),
                Arc::clone(&queue),
            );
            Box::pin(async move {
                let permit = tokio::select! {
                    biased;
                    permit = queue.acquire(asker) => permit,
                    // A place that nobody waits in is left to others.
                    () = walk.unawaited() => return None,
                };
                let _permit = match permit {
                    Ok(permit) => permit,
                    Err(error) => return Some(Err(error)),
                };
                let result = walk_to_snapshot(asking, walk.progress.clone()).await;
                if is_refused(&result) {
                    // All of this was read with one account. What that may no longer see, nobody may.
                    resources.store.clear();
                    whole.forget();
                }
                Some(result)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use std::time::Duration;

    use super::*;
    use crate::app;
    use crate::caller::Caller;
    use crate::catalog::cached::CachedSnapshot;
    use crate::catalog::store::Store;
    use crate::catalog::{Catalog, Scope};
    use crate::clock::WallClock;
    use crate::config::testing::load_block;
    use crate::error::ErrorKind;
    use crate::plan::Cache;
    use crate::problem::Problems;
    use crate::snapshot::Counts;
    use crate::snapshot::Snapshot;
    use crate::snapshot::tests::group;
    use crate::tls::Tls;

    /// An upstream that nobody answers for, asked by the search alone.
    fn adapter() -> Arc<Adapter> {
        let loaded = load_block(
            "club",
            "
            base_url = 'http://127.0.0.1:1'
            list = 'by_query'
            request = { path = '/teams', query = { q = '{search}' } }
            records = '/'
            limits = { concurrency = 2, retries = 0 }
            pushdown.search = { matches = 'contains', in = ['name'], case = 'folded' }
            fields = { id = 'id', name = 'name' }
            ",
            &[],
        );
        let wall = WallClock::fixed(Timestamp::UNIX_EPOCH);
        let mut problems = Problems::default();
        let adapter = app::adapter(&loaded, "club", &wall, &Tls::unavailable(), &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        Arc::new(adapter.unwrap())
    }

    fn catalog() -> Catalog {
        let wall = WallClock::fixed(Timestamp::UNIX_EPOCH);
        let cache = Cache {
            capacity: 1024 * 1024,
            directory: None,
        };
        Catalog::new(vec![adapter()], &cache, &wall)
    }

    fn searching(text: &str) -> Conditions<'_> {
        Conditions {
            search: Some(text),
            ..Conditions::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn entries_stay_within_their_budget_however_many_queries_come() {
        let catalog = catalog();
        let upstream = catalog.upstream("club").unwrap();
        let queries = upstream.queries.as_ref().unwrap();
        for turn in 0..2000 {
            let text = format!("a text of some length, and then a number: {turn}");
            queries
                .find(
                    Asker::default(),
                    &searching(&text),
                    CacheMode::Cached,
                    Instant::now(),
                )
                .await;
        }
        let budget = queries.resources.store.capacity() / ENTRIES_SHARE;
        let entries = queries.entries.get();
        entries.cache.run_pending_tasks();
        assert!(entries.cache.weighted_size() <= budget);
        let kept = entries.cache.entry_count();
        assert!((5..100).contains(&kept), "{kept} entries in {budget} bytes");
    }

    #[tokio::test(start_paused = true)]
    async fn a_filter_that_cannot_be_pushed_down_walks_the_whole_list() {
        let catalog = catalog();
        catalog.start(None);
        let whole = |catalog: &Catalog| catalog.running_walk("club", &Scope::Shared).is_some();
        assert!(!whole(&catalog), "it is not walked at start");
        let find = async |text: &'static str| {
            let conditions = searching(text);
            let (now, caller) = (Instant::now(), Caller::default());
            let found = catalog.find("club", &caller, &conditions, CacheMode::Cached, now);
            found.await.unwrap().state
        };
        find("sales").await;
        assert!(!whole(&catalog));
        find("two  spaces").await;
        assert!(whole(&catalog));
    }

    #[test]
    fn a_store_for_queries_evicts_the_least_recently_used_and_refuses_what_never_fits() {
        let key = |text: &str| CatalogKey {
            upstream: "u".into(),
            shape: crate::plan::Shape::default(),
            account: crate::plan::Account::default(),
            scope: Scope::Shared,
            filters: adapter().rules().unwrap().push(&searching(text)),
        };
        let stored = |name: &str| {
            Arc::new(CachedSnapshot {
                snapshot: Arc::new(Snapshot::new("u".into(), vec![group("u", "1", name)])),
                counts: Counts::default(),
                as_of: Timestamp::UNIX_EPOCH,
                walked_at: Timestamp::UNIX_EPOCH,
                pages: 1,
                ended_by: None,
                got_at: Instant::now(),
                age_then: Duration::ZERO,
            })
        };
        let store = Store::evicting(16 * 1024);
        for turn in 0..100 {
            store.put(&key(&turn.to_string()), stored("x")).unwrap();
        }
        assert!(store.get(&key("99")).is_some());
        assert!(store.get(&key("0")).is_none());
        let large = store.put(&key("large"), stored(&"x".repeat(20 * 1024)));
        assert_eq!(large.unwrap_err().kind, ErrorKind::LimitExceeded);
        store.clear();
        assert!(store.get(&key("99")).is_none());
    }
}
