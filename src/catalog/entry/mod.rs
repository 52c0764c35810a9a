//! One upstream and credential scope in the catalog: what to serve, when to walk, who waits.
//!
//! Freshness is decided by plain functions of the snapshot's age; a lock is held only to decide,
//! never while anything waits. moka has no refresh-ahead and runs its loaders in the caller's
//! future, so coalescing and stale-while-revalidate are kept here.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::clock::WallClock;
use crate::config::Share;
use crate::config::upstream::Refresh;
use crate::error::UpstreamError;
use crate::upstream::adapter::Freshness;

use super::age::Age;
use super::backoff::Failure;
use super::disk::Disk;
use super::epoch::Epoch;
use super::fetch::Fetch;
use super::in_flight::{InFlightWalk, RunningWalk};
use super::shrink_guard::PendingConfirmation;
use super::store::{CachedSnapshot, Store};
use super::tasks::Tasks;
use super::{CacheMode, CacheOutcome, Key, SourceLookup, State};
use crate::snapshot::Counts;

mod walking;

/// What the entries of a catalog share.
#[derive(Debug)]
pub(super) struct CatalogResources {
    /// Where their snapshots are kept.
    pub(super) store: Store,
    /// The clock that `as_of` shows.
    pub(super) wall: WallClock,
    /// Where their snapshots are kept as well, if that is wished.
    pub(super) disk: Option<Disk>,
    /// Where their walks run.
    pub(super) tasks: Arc<Tasks>,
    /// Moves when one of them has ended.
    pub(super) epoch: Arc<Epoch>,
}

impl CatalogResources {
    /// A place beside this one for what single queries bring: with a store of its own that holds
    /// `room` bytes, and never on disk. Its walks end with those here.
    pub(super) fn beside(&self, room: u64) -> Self {
        Self {
            store: Store::for_queries(room),
            wall: self.wall.clone(),
            disk: None,
            tasks: Arc::clone(&self.tasks),
            epoch: Arc::clone(&self.epoch),
        }
    }
}

/// On what terms an entry's snapshots serve.
#[derive(Debug, Clone, Copy)]
pub(super) struct EntryPolicy {
    pub(super) freshness: Freshness,
    pub(super) required: bool,
    pub(super) refresh: Refresh,
    /// Whether its snapshot is kept on disk, where the catalog has one.
    pub(super) persistent: bool,
    pub(super) shrink_guard: Share,
}

/// One upstream and credential scope.
pub(super) struct Entry {
    key: Key,
    policy: EntryPolicy,
    fetch: Fetch,
    resources: Arc<CatalogResources>,
    walks: Mutex<Walks>,
    /// Told whenever a walk has ended.
    ended: Notify,
}

/// The walks of one entry: at most one is under way, and at most one waits behind it.
#[derive(Debug, Default)]
struct Walks {
    running: Option<InFlightWalk>,
    queued: Option<InFlightWalk>,
    last_begun: Option<Instant>,
    /// How long the last one took that ended.
    taken: Option<Duration>,
    failure: Option<Failure>,
    /// What the last one brought and nobody sees yet.
    pending: Option<PendingConfirmation>,
}

/// What to do for one caller.
enum Plan {
    Serve(SourceLookup),
    Wait(InFlightWalk, CacheOutcome),
}

impl CacheOutcome {
    const HIT: Self = Self {
        forwarded: None,
        collapsed: false,
        detail: None,
    };
}

impl Entry {
    pub(super) fn new(
        key: Key,
        policy: EntryPolicy,
        fetch: Fetch,
        resources: Arc<CatalogResources>,
    ) -> Self {
        Self {
            key,
            policy,
            fetch,
            resources,
            walks: Mutex::default(),
            ended: Notify::new(),
        }
    }

    pub(super) const fn required(&self) -> bool {
        self.policy.required
    }

    /// Takes what is kept on disk, to be served until the first walk succeeds.
    pub(super) async fn restore(&self) {
        let Some(disk) = self.disk() else {
            return;
        };
        let Some(stored) = disk.restore(&self.key, self.policy.freshness).await else {
            return;
        };
        if let Err(error) = self.resources.store.put(&self.key, Arc::new(stored)) {
            tracing::warn!(
                source = %self.key.upstream,
                error.detail = error.detail,
                "snapshot on disk does not fit"
            );
        }
    }

    /// What it keeps.
    pub(super) const fn key(&self) -> &Key {
        &self.key
    }

    pub(super) const fn policy(&self) -> EntryPolicy {
        self.policy
    }

    /// Removes what it keeps: what a refused account can no longer see, nobody may.
    pub(super) fn forget(&self) {
        self.resources.store.remove(&self.key);
        if let Some(disk) = self.disk() {
            disk.remove(&self.key);
        }
    }

    fn disk(&self) -> Option<&Disk> {
        self.resources
            .disk
            .as_ref()
            .filter(|_| self.policy.persistent)
    }

    /// Begins a first walk, unless one was begun already.
    pub(super) fn warm(self: &Arc<Self>) {
        let mut walks = self.lock();
        if walks.last_begun.is_none() {
            self.begin(&mut walks, InFlightWalk::new());
        }
    }

    /// Serves what the cache rules allow, after a walk where they demand one.
    pub(super) async fn get(self: &Arc<Self>, mode: CacheMode, deadline: Instant) -> SourceLookup {
        match self.plan(mode) {
            Plan::Serve(held) => held,
            Plan::Wait(walk, outcome) => {
                let ended = walk.end(deadline).await;
                self.waited(ended, outcome)
            }
        }
    }

    /// What there is right now.
    pub(super) fn peek(&self) -> SourceLookup {
        let walks = self.lock();
        let now = Instant::now();
        match self.resources.store.get(&self.key) {
            Some(stored) => self.stored(&stored, &walks, now, CacheOutcome::HIT),
            None => self.nothing(&walks, now, CacheOutcome::HIT),
        }
    }

    /// What may be served right now, however the last walk ended.
    pub(super) fn servable(&self) -> Option<SourceLookup> {
        let walks = self.lock();
        let now = Instant::now();
        let stored = self.resources.store.get(&self.key)?;
        let age = Age::of(&stored, self.policy.freshness, now);
        (age != Age::Expired).then(|| self.stored(&stored, &walks, now, CacheOutcome::HIT))
    }

    /// How far the running walk is, if one is running.
    pub(super) fn walking(&self) -> Option<RunningWalk> {
        let walks = self.lock();
        let progress = &walks.running.as_ref()?.progress;
        Some(RunningWalk {
            seconds: walks.last_begun?.elapsed().as_secs(),
            pages: progress.pages(),
            records: progress.records(),
        })
    }

    fn plan(self: &Arc<Self>, mode: CacheMode) -> Plan {
        let mut walks = self.lock();
        let now = Instant::now();
        match mode {
            CacheMode::Cached => self.plan_cached(&mut walks, now, None),
            CacheMode::Revalidate | CacheMode::Insist if self.walked_just_now(&walks, now) => {
                self.plan_cached(&mut walks, now, Some("min_refresh"))
            }
            // It asked to be left alone, or keeps failing: no caller may talk us out of that.
            CacheMode::Revalidate if self.rests_after_failure(&walks, now) => {
                self.plan_cached(&mut walks, now, Some("failed"))
            }
            CacheMode::Revalidate | CacheMode::Insist => {
                let (walk, collapsed) = self.begin_or_queue(&mut walks);
                let outcome = CacheOutcome {
                    forwarded: Some("request"),
                    collapsed,
                    detail: None,
                };
                Plan::Wait(walk, outcome)
            }
        }
    }

    fn plan_cached(
        self: &Arc<Self>,
        walks: &mut Walks,
        now: Instant,
        detail: Option<&'static str>,
    ) -> Plan {
        let freshness = self.policy.freshness;
        let stored = self.resources.store.get(&self.key);
        let age = stored
            .as_ref()
            .map_or(Age::Expired, |stored| Age::of(stored, freshness, now));
        let hit = CacheOutcome {
            detail,
            ..CacheOutcome::HIT
        };
        // An upstream that is known to fail is asked behind the callers: the first of them has
        // waited for the failure, and one bad source must not take its time from every answer.
        let failing = walks.failure.is_some();
        // So is one that is renewed behind them anyway, or whose shrunk list waits for confirmation.
        let behind = walks.pending.is_some() || self.policy.refresh == Refresh::Background;
        let serve_now = match age {
            Age::Fresh(_) | Age::Revalidating(_) => true,
            Age::IfError(_) => failing || behind,
            Age::Expired => failing,
        };
        // A walk that comes too soon confirms nothing, unless the older list may be served no more.
        let is_in_doubt =
            age != Age::Expired && walks.pending.is_some_and(|pending| now < pending.until);
        let is_resting = is_in_doubt || self.rests_after_failure(walks, now);
        if !matches!(age, Age::Fresh(_)) && !is_resting {
            let (walk, collapsed) = self.begin_or_join(walks);
            if !serve_now {
                let forwarded = if stored.is_some() { "stale" } else { "miss" };
                let outcome = CacheOutcome {
                    forwarded: Some(forwarded),
                    collapsed,
                    detail,
                };
                return Plan::Wait(walk, outcome);
            }
        }
        Plan::Serve(match stored {
            Some(stored) if age != Age::Expired => self.stored(&stored, walks, now, hit),
            Some(_) | None => self.nothing(walks, now, hit),
        })
    }

    fn rests_after_failure(&self, walks: &Walks, now: Instant) -> bool {
        let failure = walks.failure.as_ref();
        failure.is_some_and(|failure| failure.rest(self.policy.freshness, now).is_some())
    }

    fn walked_just_now(&self, walks: &Walks, now: Instant) -> bool {
        walks
            .last_begun
            .is_some_and(|begun| now < begun + self.policy.freshness.min_refresh)
    }

    /// What to serve to a caller that waited for a walk.
    fn waited(&self, ended: bool, mut outcome: CacheOutcome) -> SourceLookup {
        let walks = self.lock();
        let now = Instant::now();
        if !ended {
            outcome.detail = Some("deadline");
        } else if walks.failure.is_some() {
            outcome.detail = Some("failed");
        } else if walks.pending.is_some() {
            outcome.detail = Some("pending_shrink");
        }
        let Some(stored) = self.resources.store.get(&self.key) else {
            return self.nothing(&walks, now, outcome);
        };
        if ended && walks.failure.is_none() && walks.pending.is_none() {
            // Just walked for this caller: good even where the time to live is zero.
            let mut held = self.stored(&stored, &walks, now, outcome);
            held.state = State::Fresh;
            return held;
        }
        match Age::of(&stored, self.policy.freshness, now) {
            Age::Fresh(_) | Age::Revalidating(_) | Age::IfError(_) => {
                self.stored(&stored, &walks, now, outcome)
            }
            Age::Expired => self.nothing(&walks, now, outcome),
        }
    }

    fn stored(
        &self,
        stored: &CachedSnapshot,
        walks: &Walks,
        now: Instant,
        outcome: CacheOutcome,
    ) -> SourceLookup {
        let age = Age::of(stored, self.policy.freshness, now);
        let (state, fresh_for) = match age {
            Age::Fresh(left) => (State::Fresh, left),
            Age::Revalidating(_) | Age::IfError(_) | Age::Expired => (State::Stale, Duration::ZERO),
        };
        SourceLookup {
            state,
            snapshot: Some(Arc::clone(&stored.snapshot)),
            as_of: Some(stored.as_of),
            fresh_for,
            changes_in: age.left(),
            counts: stored.counts,
            ..self.bare(walks, now, outcome)
        }
    }

    fn nothing(&self, walks: &Walks, now: Instant, outcome: CacheOutcome) -> SourceLookup {
        let held = self.bare(walks, now, outcome);
        let state = if held.error.is_some() {
            State::Failed
        } else {
            State::Pending
        };
        SourceLookup { state, ..held }
    }

    fn bare(&self, walks: &Walks, now: Instant, outcome: CacheOutcome) -> SourceLookup {
        let error = walks.failure.as_ref().map(|failure| {
            let rest = failure.rest(self.policy.freshness, now);
            let mut error = UpstreamError::clone(&failure.error);
            error.retry_after = rest;
            Arc::new(error)
        });
        SourceLookup {
            source: Arc::clone(&self.key.upstream),
            required: self.policy.required,
            state: State::Pending,
            snapshot: None,
            by_query: false,
            as_of: None,
            fresh_for: Duration::ZERO,
            changes_in: None,
            error,
            pending_shrink: walks.pending.map(|pending| pending.shown),
            walked: walks.taken.is_some(),
            counts: Counts::default(),
            outcome,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Walks> {
        self.walks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Entry")
            .field("key", &self.key)
            .field("policy", &self.policy)
            .field("walks", &self.walks)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
