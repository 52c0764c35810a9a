//! The lists of an upstream that is asked on behalf of each caller: one entry per credential scope.
//!
//! Callers come and go, so everything here is bounded: entries in number and in bytes, their lists in
//! bytes, walks in number. The least recently used go first, and what nobody uses goes, too. Nothing is
//! read before somebody asks, and nothing leaves memory. Each entry follows the rules of shared lists; what
//! goes wrong with one caller's credentials concerns no other.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use crate::caller::{Asker, Caller};
use crate::error::{ErrorKind, UpstreamError};
use crate::metrics::CacheStanding;
use crate::plan::OnBehalf;
use crate::upstream::adapter::Adapter;
use crate::upstream::on_behalf::MissingValue;
use crate::upstream::walk::KnownGroups;

use super::asker_refusals::AskerRefusals;
use super::entry::Entry;
use super::epoch::Epoch;
use super::fetch::{Fetch, WalkResult, past_walks, walk_to_snapshot};
use super::history::{WalkHistory, WalkRecord};
use super::key::{CatalogKey, Scope, ScopeDigest};
use super::lookup::{CacheMode, SourceLookup};
use super::policy::EntryPolicy;
use super::query_queue::QueryQueue;
use super::resources::CatalogResources;
use super::scope_entries::{KeptScope, NAME, ScopeEntries};
use super::store::{ENTRIES_SHARE, Store};
use super::tasks::Tasks;
use super::underway::Underway;

/// About how many bytes an entry takes besides its caller's values, with its walks, its login and the
/// bookkeeping of moka.
const ENTRY_BYTES: usize = 3072 + size_of::<Entry>();

/// How often a caller's value is there: as it is, in what is sent, and in the encodings that messages hide.
const COPIES: usize = 8;

/// The lists of one upstream that is asked on behalf of each caller.
#[derive(Debug)]
pub(super) struct Scopes {
    adapter: Arc<Adapter>,
    policy: EntryPolicy,
    on_behalf: OnBehalf,
    entries: Arc<ScopeEntries>,
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
        let capacity = resources.store.capacity() / ENTRIES_SHARE;
        let entries = ScopeEntries::new(capacity, on_behalf.scopes, resources.observers.clone());
        Some(Self {
            queue: Arc::new(QueryQueue::new(adapter.limits().concurrency as usize)),
            adapter: Arc::clone(adapter),
            policy: policy.for_scopes(),
            on_behalf,
            entries: Arc::new(entries),
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

    /// A number that changes with what the scope shows. One that is not there has never the number that it had before
    /// it was there last, or else what was shown then would be shown again.
    pub(super) fn epoch(&self, digest: &ScopeDigest) -> u64 {
        let absent = || u64::from(self.made.load(Ordering::Acquire));
        self.present(digest).map_or_else(absent, |entry| {
            // A list in use must not be the first to go, although ready answers do without it.
            self.resources.store.get(entry.key());
            entry.epoch()
        })
    }

    /// The entry of a scope, if it is kept or somebody waits for it.
    pub(super) fn present(&self, digest: &ScopeDigest) -> Option<Arc<Entry>> {
        let kept = self.entries.get(digest);
        kept.or_else(|| self.underway.get(digest))
    }

    /// What the last walks were like, whoever they were for.
    pub(super) fn last_walks(&self) -> Vec<Arc<WalkRecord>> {
        self.history.walks()
    }

    /// How its lists stand. They are counted by scope, whether the list is there or not.
    pub(super) fn standing(&self) -> CacheStanding {
        let lists = self.resources.store.standing(NAME);
        let (bytes, capacity, entries) = self.entries.standing();
        CacheStanding {
            bytes: lists.bytes + bytes,
            capacity: lists.capacity + capacity,
            entries,
            ..lists
        }
    }

    /// Lets go of what nobody has asked for in a while: the caches do so only when they are used.
    pub(super) fn drop_idle(&self) {
        self.entries.drop_idle();
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
        let adapter = Arc::new(self.adapter.on_behalf_of(&caller.credentials)?);
        let asker = caller.asker();
        Ok(self
            .underway
            .get_or_make(&digest, || self.make(digest, adapter, asker)))
    }

    fn make(&self, digest: ScopeDigest, adapter: Arc<Adapter>, asker: Asker) -> Arc<Entry> {
        let key = CatalogKey {
            scope: Scope::Caller(digest),
            ..CatalogKey::shared(&adapter)
        };
        let number = self.made.fetch_add(1, Ordering::Release).wrapping_add(1);
        let resources = Arc::new(self.resources.of_scope(Epoch::numbered(number)));
        Arc::new_cyclic(|entry| {
            Entry::new(
                key.clone(),
                self.policy.clone(),
                self.fetch((digest, key), adapter, asker, Weak::clone(entry)),
                resources,
                Arc::clone(&self.tasks),
                Arc::clone(&self.history),
            )
        })
    }

    /// How the list of a scope is read: when its turn comes, for `maker` first. What comes of it says where its `entry`
    /// is kept.
    fn fetch(
        &self,
        (digest, key): (ScopeDigest, CatalogKey),
        adapter: Arc<Adapter>,
        maker: Asker,
        entry: Weak<Entry>,
    ) -> Fetch {
        let bytes = ENTRY_BYTES + COPIES * adapter.caller_bytes();
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        // They hold it, so it must not hold them.
        let entries = Arc::downgrade(&self.entries);
        let keep = move |walked: &Result<WalkResult, UpstreamError>, lists: &Store| {
            let (Some(entries), Some(entry)) = (entries.upgrade(), entry.upgrade()) else {
                return;
            };
            let scope = KeptScope::new(entry, bytes, maker);
            match walked {
                // Others took its place while it was read, and nobody has asked again.
                Ok(_) if !scope.entry.keeps_lists() => {}
                Ok(walked) => {
                    entries.put_listed(digest, scope, walked.snapshot.bytes() as u64, lists);
                }
                Err(_) => entries.put_unlisted(digest, scope),
            }
        };
        let known = KnownGroups::default();
        let resources = Arc::clone(&self.resources);
        let queue = Arc::clone(&self.queue);
        let refusals = Arc::clone(&self.refusals);
        let once = Arc::new((keep, AtomicBool::new(true)));
        Box::new(move |walk, asker| {
            let asking = Arc::new(adapter.with_room(resources.store.capacity()));
            let observers = resources.observers.of_upstream(adapter.name());
            let (resources, queue) = (Arc::clone(&resources), Arc::clone(&queue));
            let (refusals, once) = (Arc::clone(&refusals), Arc::clone(&once));
            let past = past_walks(&known, &key, &adapter, &resources);
            Box::pin(async move {
                let _permit = match queue.turn(asker, &walk).await? {
                    Ok(permit) => permit,
                    Err(error) => return Some(Err(error)),
                };
                let (keep, is_new) = &*once;
                // Others of its credentials may have been refused while it waited for its turn.
                if is_new.load(Ordering::Relaxed)
                    && let Some(wait) = refusals.wait(asker, Instant::now())
                {
                    return Some(Err(refused_lately(wait)));
                }
                walk.begin(resources.wall.now_in_milliseconds());
                let observers = observers.and(walk.timeline);
                let walked = walk_to_snapshot(asking, &observers, &past).await;
                let error = walked.as_ref().err();
                let is_refused = error.is_some_and(|it| it.kind == ErrorKind::Unauthorized);
                let is_known = is_refused || walked.is_ok();
                if is_known && is_new.swap(false, Ordering::Relaxed) {
                    refusals.note(asker, is_refused, Instant::now());
                }
                keep(&walked, &resources.store);
                Some(walked)
            })
        })
    }

    fn never_asked(&self) -> SourceLookup {
        SourceLookup::never_asked(self.adapter.name(), self.policy.terms().required)
    }

    fn refused_lately(&self, wait: Duration) -> SourceLookup {
        let (name, required) = (self.adapter.name(), self.policy.terms().required);
        SourceLookup {
            error: Some(Arc::new(refused_lately(wait))),
            changes_in: Some(wait),
            ..SourceLookup::not_askable(name, required, None)
        }
    }

    fn not_askable(&self, missing: &MissingValue) -> SourceLookup {
        let (name, required) = (self.adapter.name(), self.policy.terms().required);
        SourceLookup::not_askable(name, required, Some(missing))
    }
}

/// Why new credentials of a caller are not tried for so long.
fn refused_lately(wait: Duration) -> UpstreamError {
    let detail = "the upstream has refused what this caller sent several times in a row";
    UpstreamError::new(ErrorKind::RateLimited, detail).with_retry_after(Some(wait))
}

#[cfg(test)]
mod tests;
