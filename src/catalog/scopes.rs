//! The lists of an upstream that is asked on behalf of each caller: one entry per credential scope.
//!
//! Callers come and go, so everything here is bounded: entries in number and in bytes, their lists in
//! bytes, walks in number. The least recently used go first, and what nobody uses goes, too. Nothing is
//! read before somebody asks, and nothing leaves memory. Each entry follows the rules of shared lists; what
//! goes wrong with one caller's credentials concerns no other.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::time::Instant;

use crate::caller::Caller;
use crate::error::{ErrorKind, UpstreamError};
use crate::metrics::CacheStanding;
use crate::observe::{Event, Observers};
use crate::plan::OnBehalf;
use crate::upstream::adapter::Adapter;
use crate::upstream::on_behalf::MissingValue;

use super::asker_refusals::AskerRefusals;
use super::entry::Entry;
use super::epoch::Epoch;
use super::fetch::{Fetch, walk_to_snapshot};
use super::history::{WalkHistory, WalkRecord};
use super::key::{CatalogKey, Scope};
use super::lookup::{CacheMode, SourceLookup};
use super::policy::EntryPolicy;
use super::query_queue::QueryQueue;
use super::resizable::Resizable;
use super::resources::CatalogResources;
use super::store::{ENTRIES_SHARE, SCOPE_IDLE};
use super::tasks::Tasks;
use super::underway::Underway;

/// What it is called where caches are told apart.
const NAME: &str = "scopes";

/// About how many bytes an entry takes besides its caller's values, with its walks, its login and the
/// bookkeeping of moka.
const ENTRY_BYTES: usize = 3072 + size_of::<Entry>();

/// How often a caller's value is there: as it is, in what is sent, and in the encodings that messages hide.
const COPIES: usize = 8;

/// What stands for a caller's scope.
pub(super) type ScopeDigest = [u8; 32];

/// The lists of one upstream that is asked on behalf of each caller.
#[derive(Debug)]
pub(super) struct Scopes {
    adapter: Arc<Adapter>,
    policy: EntryPolicy,
    on_behalf: OnBehalf,
    entries: Resizable<ScopeDigest, ScopeEntry>,
    resources: Arc<CatalogResources>,
    tasks: Arc<Tasks>,
    queue: Arc<QueryQueue>,
    underway: Underway<ScopeDigest>,
    history: Arc<WalkHistory>,
    /// How many entries there have been.
    made: AtomicU32,
    /// Whose credentials were refused lately.
    refusals: Arc<AskerRefusals>,
    /// The entry that was asked last, for as long as it is there: its state stands for the upstream.
    last: Mutex<Weak<Entry>>,
}

/// Why there is no entry for a caller.
enum NoEntry {
    NotAskable(MissingValue),
    /// Its credentials were refused too often: for so long, new ones are not tried.
    RefusedLately(Duration),
}

impl From<MissingValue> for NoEntry {
    fn from(missing: MissingValue) -> Self {
        Self::NotAskable(missing)
    }
}

/// The entry of one scope, and about how many bytes it takes.
#[derive(Debug, Clone)]
struct ScopeEntry {
    entry: Arc<Entry>,
    bytes: u32,
}

impl Scopes {
    /// No lists yet, if `adapter` asks on behalf of each caller. They go into the store of `resources`, and by
    /// the terms of `policy`.
    pub(super) fn of(
        adapter: &Arc<Adapter>,
        policy: &EntryPolicy,
        resources: Arc<CatalogResources>,
        tasks: Arc<Tasks>,
    ) -> Option<Self> {
        let on_behalf = adapter.on_behalf()?.clone();
        let scopes = on_behalf.scopes;
        let observers = resources.observers.clone();
        let build = move |capacity| cache(capacity, scopes, observers.clone());
        let entries = Resizable::new(resources.store.capacity() / ENTRIES_SHARE, build);
        Some(Self {
            queue: Arc::new(QueryQueue::new(adapter.limits().concurrency as usize)),
            adapter: Arc::clone(adapter),
            policy: policy.for_scopes(),
            on_behalf,
            entries,
            resources,
            tasks,
            underway: Underway::default(),
            refusals: Arc::default(),
            history: Arc::default(),
            made: AtomicU32::default(),
            last: Mutex::default(),
        })
    }

    /// What stands for everything that the upstream is sent of `caller`.
    pub(super) fn digest(&self, caller: &Caller) -> Result<ScopeDigest, MissingValue> {
        self.on_behalf.digest(caller)
    }

    /// The list of `caller`, refreshed as `mode` and the cache rules say, waiting until `deadline` at the
    /// latest.
    pub(super) async fn get(
        &self,
        caller: &Caller,
        mode: CacheMode,
        deadline: Instant,
    ) -> SourceLookup {
        match self.entry(caller) {
            Ok(entry) => {
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&entry);
                // It may have been dropped while it was looked for.
                entry.keep_lists(true);
                entry.get_for(caller.asker(), mode, deadline).await
            }
            Err(NoEntry::NotAskable(missing)) => self.not_askable(&missing),
            Err(NoEntry::RefusedLately(wait)) => self.refused_lately(wait),
        }
    }

    /// What there is of `caller` right now.
    pub(super) fn peek_for(&self, caller: &Caller) -> SourceLookup {
        match self.digest(caller) {
            Ok(digest) => match self.present(&digest) {
                Some(entry) => entry.peek(),
                None => self.never_asked(),
            },
            Err(missing) => self.not_askable(&missing),
        }
    }

    /// The state of the upstream: that of the list that was asked for last, without the list.
    pub(super) fn peek(&self) -> SourceLookup {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = last.upgrade();
        last.map_or_else(|| self.never_asked(), |entry| entry.peek().without_list())
    }

    /// A number that changes with what the scope shows; 0 if it was not asked for, or was dropped since.
    pub(super) fn epoch(&self, digest: &ScopeDigest) -> u64 {
        self.present(digest).map_or(0, |entry| {
            // A list in use must not be the first to go, although ready answers do without it.
            self.resources.store.get(entry.key());
            entry.epoch()
        })
    }

    /// The entry of a scope, if it is there.
    pub(super) fn present(&self, digest: &ScopeDigest) -> Option<Arc<Entry>> {
        let found = self.entries.get().cache.get(digest);
        found.map(|found| found.entry)
    }

    /// What the last walks were like, whoever they were for.
    pub(super) fn last_walks(&self) -> Vec<Arc<WalkRecord>> {
        self.history.walks()
    }

    /// How its lists stand. They are counted by scope, whether the list is there or not.
    pub(super) fn standing(&self) -> CacheStanding {
        let lists = self.resources.store.standing(NAME);
        let entries = self.entries.get();
        let bytes = entries
            .cache
            .iter()
            .map(|(_, scope)| u64::from(scope.bytes));
        CacheStanding {
            bytes: lists.bytes + bytes.sum::<u64>(),
            capacity: lists.capacity + entries.capacity,
            entries: entries.cache.entry_count(),
            ..lists
        }
    }

    /// Lets go of what nobody has asked for in a while: the caches do so only when they are used.
    pub(super) fn drop_idle(&self) {
        self.entries.get().cache.run_pending_tasks();
        self.resources.store.drop_idle();
    }

    /// May take so many bytes from now on.
    pub(super) fn resize(&self, budget: u64) {
        self.resources.store.resize_for_queries(budget);
        let entries = self.resources.store.capacity() / ENTRIES_SHARE;
        self.entries.resize(entries);
    }

    /// Ends the walks of its entries, for good, and tells whoever waits for them.
    pub(super) fn retire(&self) {
        for (_, found) in &self.entries.get().cache {
            found.entry.retire(true);
        }
        // Those that were dropped have waiters too.
        for entry in self.underway.all() {
            entry.retire(true);
        }
    }

    fn entry(&self, caller: &Caller) -> Result<Arc<Entry>, NoEntry> {
        let digest = self.digest(caller)?;
        if let Some(entry) = self.present(&digest) {
            return Ok(entry);
        }
        if let Some(wait) = self.refusals.wait(caller.asker(), Instant::now()) {
            return Err(NoEntry::RefusedLately(wait));
        }
        let adapter = self.adapter.on_behalf_of(&caller.credentials)?;
        let bytes = ENTRY_BYTES + COPIES * adapter.caller_bytes();
        let make = || ScopeEntry {
            entry: (self.underway).get_or_make(&digest, || self.make(digest, Arc::new(adapter))),
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
        };
        let present = self.entries.get();
        let found = present.cache.get_with(digest, make);
        // Or else the cache lets go of others at some later time.
        present.cache.run_pending_tasks();
        Ok(found.entry)
    }

    fn make(&self, digest: ScopeDigest, adapter: Arc<Adapter>) -> Arc<Entry> {
        let key = CatalogKey {
            scope: Scope::Caller(digest),
            ..CatalogKey::shared(&adapter)
        };
        let epoch = Epoch::numbered(self.made.fetch_add(1, Ordering::Relaxed).wrapping_add(1));
        let resources = Arc::new(self.resources.of_scope(epoch));
        Arc::new(Entry::new(
            key,
            self.policy.clone(),
            self.fetch(adapter),
            resources,
            Arc::clone(&self.tasks),
            Arc::clone(&self.history),
        ))
    }

    fn fetch(&self, adapter: Arc<Adapter>) -> Fetch {
        let resources = Arc::clone(&self.resources);
        let queue = Arc::clone(&self.queue);
        let refusals = Arc::clone(&self.refusals);
        Box::new(move |walk, asker| {
            let asking = Arc::new(adapter.with_room(resources.store.capacity()));
            let observers = resources.observers.of_upstream(adapter.name());
            let (resources, queue) = (Arc::clone(&resources), Arc::clone(&queue));
            let refusals = Arc::clone(&refusals);
            Box::pin(async move {
                let _permit = match queue.turn(asker, &walk).await? {
                    Ok(permit) => permit,
                    Err(error) => return Some(Err(error)),
                };
                walk.begin(resources.wall.now_in_milliseconds());
                let walked = walk_to_snapshot(asking, &observers.and(walk.timeline)).await;
                let error = walked.as_ref().err();
                let is_refused = error.is_some_and(|it| it.kind == ErrorKind::Unauthorized);
                if is_refused || walked.is_ok() {
                    refusals.note(asker, is_refused, Instant::now());
                }
                Some(walked)
            })
        })
    }

    fn never_asked(&self) -> SourceLookup {
        SourceLookup::never_asked(self.adapter.name(), self.policy.terms().required)
    }

    fn refused_lately(&self, wait: Duration) -> SourceLookup {
        let detail = "the upstream has refused what this caller sent several times in a row";
        let mut error = UpstreamError::new(ErrorKind::RateLimited, detail);
        error.retry_after = Some(wait);
        let (name, required) = (self.adapter.name(), self.policy.terms().required);
        SourceLookup {
            error: Some(Arc::new(error)),
            changes_in: Some(wait),
            ..SourceLookup::not_askable(name, required, None)
        }
    }

    fn not_askable(&self, missing: &MissingValue) -> SourceLookup {
        let (name, required) = (self.adapter.name(), self.policy.terms().required);
        SourceLookup::not_askable(name, required, Some(missing))
    }
}

/// Entries of at most so many bytes and so many scopes. An entry counts at least for its share of the bytes,
/// so that both bounds are one.
fn cache(capacity: u64, scopes: u32, observers: Observers) -> Cache<ScopeDigest, ScopeEntry> {
    let least = (capacity / u64::from(scopes.max(1))).max(1);
    let weight = u32::try_from(least).unwrap_or(u32::MAX);
    Cache::builder()
        .name(NAME)
        .eviction_policy(EvictionPolicy::lru())
        .weigher(move |_, scope: &ScopeEntry| scope.bytes.max(weight))
        .max_capacity(u64::from(weight).saturating_mul(u64::from(scopes)))
        .time_to_idle(SCOPE_IDLE)
        .eviction_listener(move |_, scope: ScopeEntry, cause| {
            if cause == RemovalCause::Size {
                observers.notify(&Event::Evicted(NAME));
            }
            if matches!(cause, RemovalCause::Size | RemovalCause::Expired) {
                scope.entry.keep_lists(false);
            }
        })
        .build()
}
