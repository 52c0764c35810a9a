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
use super::disk::Disk;
use super::epoch::Epoch;
use super::fetch::Fetch;
use super::guard::Doubt;
use super::rest::Failure;
use super::run::{Run, Walking};
use super::shelf::{Shelf, Stored};
use super::tasks::Tasks;
use super::{Demand, Held, Key, Lookup, State};
use crate::snapshot::Counts;

mod walking;

/// What the entries of a catalog share.
#[derive(Debug)]
pub(super) struct Place {
    /// Where their snapshots are kept.
    pub(super) shelf: Shelf,
    /// The clock that `as_of` shows.
    pub(super) wall: WallClock,
    /// Where their snapshots are kept as well, if that is wished.
    pub(super) disk: Option<Disk>,
    /// Where their walks run.
    pub(super) tasks: Arc<Tasks>,
    /// Moves when one of them has ended.
    pub(super) epoch: Arc<Epoch>,
}

impl Place {
    /// A place beside this one for what single queries bring: on a shelf of its own that holds
    /// `room` bytes, and never on disk. Its walks end with those here.
    pub(super) fn beside(&self, room: u64) -> Self {
        Self {
            shelf: Shelf::for_queries(room),
            wall: self.wall.clone(),
            disk: None,
            tasks: Arc::clone(&self.tasks),
            epoch: Arc::clone(&self.epoch),
        }
    }
}

/// On what terms an entry's snapshots serve.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
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
    terms: Terms,
    fetch: Fetch,
    place: Arc<Place>,
    walks: Mutex<Walks>,
    /// Told whenever a walk has ended.
    ended: Notify,
}

/// The walks of one entry: at most one is under way, and at most one waits behind it.
#[derive(Debug, Default)]
struct Walks {
    running: Option<Run>,
    queued: Option<Run>,
    last_begun: Option<Instant>,
    /// How long the last one took that ended.
    taken: Option<Duration>,
    failure: Option<Failure>,
    /// What the last one brought and nobody sees yet.
    doubt: Option<Doubt>,
}

/// What to do for one caller.
enum Plan {
    Serve(Held),
    Wait(Run, Lookup),
}

impl Lookup {
    const HIT: Self = Self {
        forwarded: None,
        collapsed: false,
        detail: None,
    };
}

impl Entry {
    pub(super) fn new(key: Key, terms: Terms, fetch: Fetch, place: Arc<Place>) -> Self {
        Self {
            key,
            terms,
            fetch,
            place,
            walks: Mutex::default(),
            ended: Notify::new(),
        }
    }

    pub(super) const fn required(&self) -> bool {
        self.terms.required
    }

    /// Takes what is kept on disk, to be served until the first walk succeeds.
    pub(super) async fn restore(&self) {
        let Some(disk) = self.disk() else {
            return;
        };
        let Some(stored) = disk.restore(&self.key, self.terms.freshness).await else {
            return;
        };
        if let Err(error) = self.place.shelf.put(&self.key, Arc::new(stored)) {
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

    pub(super) const fn terms(&self) -> Terms {
        self.terms
    }

    /// Removes what it keeps: what a refused account can no longer see, nobody may.
    pub(super) fn forget(&self) {
        self.place.shelf.remove(&self.key);
        if let Some(disk) = self.disk() {
            disk.remove(&self.key);
        }
    }

    fn disk(&self) -> Option<&Disk> {
        self.place.disk.as_ref().filter(|_| self.terms.persistent)
    }

    /// Begins a first walk, unless one was begun already.
    pub(super) fn warm(self: &Arc<Self>) {
        let mut walks = self.lock();
        if walks.last_begun.is_none() {
            self.begin(&mut walks, Run::new());
        }
    }

    /// Serves what the cache rules allow, after a walk where they demand one.
    pub(super) async fn get(self: &Arc<Self>, demand: Demand, deadline: Instant) -> Held {
        match self.plan(demand) {
            Plan::Serve(held) => held,
            Plan::Wait(run, lookup) => {
                let ended = run.end(deadline).await;
                self.waited(ended, lookup)
            }
        }
    }

    /// What there is right now.
    pub(super) fn peek(&self) -> Held {
        let walks = self.lock();
        let now = Instant::now();
        match self.place.shelf.get(&self.key) {
            Some(stored) => self.stored(&stored, &walks, now, Lookup::HIT),
            None => self.nothing(&walks, now, Lookup::HIT),
        }
    }

    /// What may be served right now, however the last walk ended.
    pub(super) fn servable(&self) -> Option<Held> {
        let walks = self.lock();
        let now = Instant::now();
        let stored = self.place.shelf.get(&self.key)?;
        let age = Age::of(&stored, self.terms.freshness, now);
        (age != Age::Expired).then(|| self.stored(&stored, &walks, now, Lookup::HIT))
    }

    /// How far the running walk is, if one is running.
    pub(super) fn walking(&self) -> Option<Walking> {
        let walks = self.lock();
        let progress = &walks.running.as_ref()?.progress;
        Some(Walking {
            seconds: walks.last_begun?.elapsed().as_secs(),
            pages: progress.pages(),
            records: progress.records(),
        })
    }

    fn plan(self: &Arc<Self>, demand: Demand) -> Plan {
        let mut walks = self.lock();
        let now = Instant::now();
        match demand {
            Demand::Cached => self.plan_cached(&mut walks, now, None),
            Demand::Revalidate | Demand::Insist if self.walked_just_now(&walks, now) => {
                self.plan_cached(&mut walks, now, Some("min_refresh"))
            }
            // It asked to be left alone, or keeps failing: no caller may talk us out of that.
            Demand::Revalidate if self.rests_after_failure(&walks, now) => {
                self.plan_cached(&mut walks, now, Some("failed"))
            }
            Demand::Revalidate | Demand::Insist => {
                let (run, collapsed) = self.begin_or_queue(&mut walks);
                let lookup = Lookup {
                    forwarded: Some("request"),
                    collapsed,
                    detail: None,
                };
                Plan::Wait(run, lookup)
            }
        }
    }

    fn plan_cached(
        self: &Arc<Self>,
        walks: &mut Walks,
        now: Instant,
        detail: Option<&'static str>,
    ) -> Plan {
        let freshness = self.terms.freshness;
        let stored = self.place.shelf.get(&self.key);
        let age = stored
            .as_ref()
            .map_or(Age::Expired, |stored| Age::of(stored, freshness, now));
        let hit = Lookup {
            detail,
            ..Lookup::HIT
        };
        // An upstream that is known to fail is asked behind the callers: the first of them has
        // waited for the failure, and one bad source must not take its time from every answer.
        let failing = walks.failure.is_some();
        // So is one that is renewed behind them anyway, or whose answer is in doubt.
        let behind = walks.doubt.is_some() || self.terms.refresh == Refresh::Background;
        let serve_now = match age {
            Age::Fresh(_) | Age::Revalidating(_) => true,
            Age::IfError(_) => failing || behind,
            Age::Expired => failing,
        };
        // A walk that comes too soon confirms nothing, unless the older list may be served no more.
        let is_in_doubt = age != Age::Expired && walks.doubt.is_some_and(|doubt| now < doubt.until);
        let is_resting = is_in_doubt || self.rests_after_failure(walks, now);
        if !matches!(age, Age::Fresh(_)) && !is_resting {
            let (run, collapsed) = self.begin_or_join(walks);
            if !serve_now {
                let forwarded = if stored.is_some() { "stale" } else { "miss" };
                let lookup = Lookup {
                    forwarded: Some(forwarded),
                    collapsed,
                    detail,
                };
                return Plan::Wait(run, lookup);
            }
        }
        Plan::Serve(match stored {
            Some(stored) if age != Age::Expired => self.stored(&stored, walks, now, hit),
            Some(_) | None => self.nothing(walks, now, hit),
        })
    }

    fn rests_after_failure(&self, walks: &Walks, now: Instant) -> bool {
        let failure = walks.failure.as_ref();
        failure.is_some_and(|failure| failure.rest(self.terms.freshness, now).is_some())
    }

    fn walked_just_now(&self, walks: &Walks, now: Instant) -> bool {
        walks
            .last_begun
            .is_some_and(|begun| now < begun + self.terms.freshness.min_refresh)
    }

    /// What to serve to a caller that waited for a walk.
    fn waited(&self, ended: bool, mut lookup: Lookup) -> Held {
        let walks = self.lock();
        let now = Instant::now();
        if !ended {
            lookup.detail = Some("deadline");
        } else if walks.failure.is_some() {
            lookup.detail = Some("failed");
        } else if walks.doubt.is_some() {
            lookup.detail = Some("pending_shrink");
        }
        let Some(stored) = self.place.shelf.get(&self.key) else {
            return self.nothing(&walks, now, lookup);
        };
        if ended && walks.failure.is_none() && walks.doubt.is_none() {
            // Just walked for this caller: good even where the time to live is zero.
            let mut held = self.stored(&stored, &walks, now, lookup);
            held.state = State::Fresh;
            return held;
        }
        match Age::of(&stored, self.terms.freshness, now) {
            Age::Fresh(_) | Age::Revalidating(_) | Age::IfError(_) => {
                self.stored(&stored, &walks, now, lookup)
            }
            Age::Expired => self.nothing(&walks, now, lookup),
        }
    }

    fn stored(&self, stored: &Stored, walks: &Walks, now: Instant, lookup: Lookup) -> Held {
        let age = Age::of(stored, self.terms.freshness, now);
        let (state, fresh_for) = match age {
            Age::Fresh(left) => (State::Fresh, left),
            Age::Revalidating(_) | Age::IfError(_) | Age::Expired => (State::Stale, Duration::ZERO),
        };
        Held {
            state,
            snapshot: Some(Arc::clone(&stored.snapshot)),
            as_of: Some(stored.as_of),
            fresh_for,
            changes_in: age.left(),
            counts: stored.counts,
            ..self.bare(walks, now, lookup)
        }
    }

    fn nothing(&self, walks: &Walks, now: Instant, lookup: Lookup) -> Held {
        let held = self.bare(walks, now, lookup);
        let state = if held.error.is_some() {
            State::Failed
        } else {
            State::Pending
        };
        Held { state, ..held }
    }

    fn bare(&self, walks: &Walks, now: Instant, lookup: Lookup) -> Held {
        let error = walks.failure.as_ref().map(|failure| {
            let rest = failure.rest(self.terms.freshness, now);
            let mut error = UpstreamError::clone(&failure.error);
            error.retry_after = rest;
            Arc::new(error)
        });
        Held {
            source: Arc::clone(&self.key.upstream),
            required: self.terms.required,
            state: State::Pending,
            snapshot: None,
            by_query: false,
            as_of: None,
            fresh_for: Duration::ZERO,
            changes_in: None,
            error,
            pending_shrink: walks.doubt.map(|doubt| doubt.shown),
            walked: walks.taken.is_some(),
            counts: Counts::default(),
            lookup,
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
            .field("terms", &self.terms)
            .field("walks", &self.walks)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
