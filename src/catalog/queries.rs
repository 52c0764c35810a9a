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
use crate::metrics::CacheStanding;
use crate::upstream::adapter::Adapter;
use crate::upstream::pushdown::{Conditions, Pushed};
use crate::upstream::walk::PastWalks;

use super::entry::Entry;
use super::fetch::{Fetch, is_refused, walk_to_snapshot};
use super::key::CatalogKey;
use super::lookup::{CacheMode, SourceLookup, SourceState};
use super::query_queue::QueryQueue;
use super::resizable::Resizable;
use super::resources::CatalogResources;
use super::store::{ENTRIES_SHARE, IDLE};
use super::tasks::Tasks;
use super::underway::Underway;

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
    underway: Underway<Pushed>,
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
            underway: Underway::default(),
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
                self.whole.note(held.outcome, held.snapshot.is_some());
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

    /// How the store of its results stands.
    pub(super) fn standing(&self) -> CacheStanding {
        self.resources.store.standing("queries")
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
        // Those that were evicted have waiters too.
        for entry in self.underway.all() {
            entry.retire(true);
        }
    }

    fn entry(&self, pushed: &Pushed) -> Arc<Entry> {
        self.underway.get_or_make(pushed, || self.make(pushed))
    }

    fn make(&self, pushed: &Pushed) -> Arc<Entry> {
        let key = CatalogKey {
            filters: pushed.clone(),
            ..self.whole.key().clone()
        };
        Arc::new(Entry::new(
            key,
            self.whole.policy().for_queries(),
            self.fetch(pushed.clone()),
            Arc::clone(&self.resources),
            Arc::clone(&self.tasks),
            Arc::clone(self.whole.history()),
        ))
    }

    fn fetch(&self, pushed: Pushed) -> Fetch {
        let adapter = Arc::clone(&self.adapter);
        let whole = Arc::clone(&self.whole);
        let resources = Arc::clone(&self.resources);
        let queue = Arc::clone(&self.queue);
        Box::new(move |walk, asker| {
            let asking = Arc::new(adapter.asking(pushed.clone(), resources.store.capacity()));
            let observers = resources.observers.of_upstream(adapter.name());
            let (whole, resources, queue) = (
                Arc::clone(&whole),
                Arc::clone(&resources),
                Arc::clone(&queue),
            );
            Box::pin(async move {
                let _permit = match queue.turn(asker, &walk).await? {
                    Ok(permit) => permit,
                    Err(error) => return Some(Err(error)),
                };
                walk.begin(resources.wall.now_in_milliseconds());
                let observers = observers.and(walk.timeline.clone());
                let result = walk_to_snapshot(asking, &observers, &PastWalks::default()).await;
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
mod tests;
