//! One upstream and credential scope in the catalog: what to serve, when to walk, who waits.
//!
//! Freshness is decided by plain functions of the snapshot's age; a lock is held only to decide,
//! never while anything waits. moka has no refresh-ahead and runs its loaders in the caller's
//! future, so coalescing and stale-while-revalidate are kept here.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::{Timestamp, Unit};
use tokio::time::Instant;

use crate::clock::WallClock;
use crate::upstream::adapter::Freshness;
use crate::upstream::error::{ErrorKind, Fault, UpstreamError};
use crate::upstream::snapshot::Snapshot;
use crate::upstream::walk::Progress;

use super::age::Age;
use super::rest::Failure;
use super::run::Run;
use super::shelf::{Shelf, Stored};
use super::{Counts, Demand, Held, Key, Lookup, State};

/// What one walk brings.
pub(super) type Brought = Result<(Snapshot, Counts), UpstreamError>;

/// Makes one walk. The entry decides when; what a walk is, it does not know.
pub(super) type Fetch = Box<dyn Fn(Arc<Progress>) -> BoxFuture<'static, Brought> + Send + Sync>;

/// On what terms an entry's snapshots serve.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) freshness: Freshness,
    pub(super) required: bool,
}

/// One upstream and credential scope.
pub(super) struct Entry {
    key: Key,
    terms: Terms,
    fetch: Fetch,
    shelf: Arc<Shelf>,
    wall: WallClock,
    walks: Mutex<Walks>,
}

/// The walks of one entry: at most one is under way, and at most one waits behind it.
#[derive(Debug, Default)]
struct Walks {
    running: Option<Run>,
    queued: Option<Run>,
    last_begun: Option<Instant>,
    failure: Option<Failure>,
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
    pub(super) fn new(
        key: Key,
        terms: Terms,
        fetch: Fetch,
        shelf: Arc<Shelf>,
        wall: WallClock,
    ) -> Self {
        Self {
            key,
            terms,
            fetch,
            shelf,
            wall,
            walks: Mutex::default(),
        }
    }

    pub(super) const fn required(&self) -> bool {
        self.terms.required
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
        match self.shelf.get(&self.key) {
            Some(stored) => self.stored(&stored, &walks, now, Lookup::HIT),
            None => self.nothing(&walks, now, Lookup::HIT),
        }
    }

    pub(super) fn progress(&self) -> Option<Arc<Progress>> {
        let walks = self.lock();
        walks.running.as_ref().map(|run| Arc::clone(&run.progress))
    }

    fn plan(self: &Arc<Self>, demand: Demand) -> Plan {
        let mut walks = self.lock();
        let now = Instant::now();
        match demand {
            Demand::Cached => self.plan_cached(&mut walks, now, None),
            Demand::Revalidate if self.walked_just_now(&walks, now) => {
                self.plan_cached(&mut walks, now, Some("min_refresh"))
            }
            Demand::Revalidate => {
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
        let stored = self.shelf.get(&self.key);
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
        let serve_now = match age {
            Age::Fresh(_) | Age::Revalidating => true,
            Age::IfError | Age::Expired => failing,
        };
        if !matches!(age, Age::Fresh(_)) && !self.is_resting(walks, now) {
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

    fn is_resting(&self, walks: &Walks, now: Instant) -> bool {
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
        }
        let Some(stored) = self.shelf.get(&self.key) else {
            return self.nothing(&walks, now, lookup);
        };
        if ended && walks.failure.is_none() {
            // Just walked for this caller: good even where the time to live is zero.
            let mut held = self.stored(&stored, &walks, now, lookup);
            held.state = State::Fresh;
            return held;
        }
        match Age::of(&stored, self.terms.freshness, now) {
            Age::Fresh(_) | Age::Revalidating | Age::IfError => {
                self.stored(&stored, &walks, now, lookup)
            }
            Age::Expired => self.nothing(&walks, now, lookup),
        }
    }

    fn stored(&self, stored: &Stored, walks: &Walks, now: Instant, lookup: Lookup) -> Held {
        let (state, fresh_for) = match Age::of(stored, self.terms.freshness, now) {
            Age::Fresh(left) => (State::Fresh, left),
            Age::Revalidating | Age::IfError | Age::Expired => (State::Stale, Duration::ZERO),
        };
        Held {
            state,
            snapshot: Some(Arc::clone(&stored.snapshot)),
            as_of: Some(stored.as_of),
            fresh_for,
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
            as_of: None,
            fresh_for: Duration::ZERO,
            error,
            counts: Counts::default(),
            lookup,
        }
    }

    /// The running walk, or a new one; and whether another had begun it.
    fn begin_or_join(self: &Arc<Self>, walks: &mut Walks) -> (Run, bool) {
        if let Some(run) = &walks.running {
            return (run.clone(), true);
        }
        let run = Run::new();
        self.begin(walks, run.clone());
        (run, false)
    }

    /// A walk that begins now, or once the running one has ended: never the running one, which
    /// began before the caller came.
    fn begin_or_queue(self: &Arc<Self>, walks: &mut Walks) -> (Run, bool) {
        if walks.running.is_none() {
            return self.begin_or_join(walks);
        }
        if let Some(run) = &walks.queued {
            return (run.clone(), true);
        }
        let run = Run::new();
        walks.queued = Some(run.clone());
        (run, false)
    }

    fn begin(self: &Arc<Self>, walks: &mut Walks, run: Run) {
        walks.running = Some(run.clone());
        walks.last_begun = Some(Instant::now());
        let entry = Arc::clone(self);
        tokio::spawn(async move {
            let as_of = whole_milliseconds(entry.wall.now());
            // A task within the task: its panic is this walk's failure, and nobody waits for ever.
            let walked = tokio::spawn((entry.fetch)(Arc::clone(&run.progress)))
                .await
                .unwrap_or_else(|cut| {
                    Err(UpstreamError::ours(format!(
                        "the walk was cut short: {cut}"
                    )))
                });
            entry.end(walked, as_of);
            run.finish();
        });
    }

    /// Keeps what a walk brought, and begins the one that waits behind it.
    fn end(self: &Arc<Self>, walked: Brought, as_of: Timestamp) {
        let kept = walked.and_then(|(snapshot, counts)| self.keep(snapshot, counts, as_of));
        let mut walks = self.lock();
        let taken = walks.last_begun.map(|begun| begun.elapsed());
        let before = walks.failure.as_ref().map_or(0, |failure| failure.count);
        walks.running = None;
        walks.failure = match kept {
            Ok((groups, counts)) => {
                tracing::info!(
                    source = %self.key.upstream,
                    groups,
                    skipped = counts.skipped,
                    repeated = counts.repeated,
                    unread_times = counts.unread_times,
                    drifted = counts.drifted,
                    taken = ?taken.unwrap_or_default(),
                    "walk finished"
                );
                None
            }
            Err(error) => {
                if error.fault() == Fault::Gateway {
                    tracing::error!(
                        source = %self.key.upstream,
                        error.detail = error.detail,
                        "walk failed by our own fault"
                    );
                }
                tracing::warn!(
                    source = %self.key.upstream,
                    error.type = error.kind.as_str(),
                    error.detail = error.detail,
                    failures = before + 1,
                    taken = ?taken.unwrap_or_default(),
                    "walk failed"
                );
                if error.kind == ErrorKind::Unauthorized {
                    // What we may no longer see, we may no longer show.
                    self.shelf.remove(&self.key);
                }
                Some(Failure {
                    error: Arc::new(error),
                    at: Instant::now(),
                    count: before + 1,
                })
            }
        };
        if let Some(queued) = walks.queued.take() {
            self.begin(&mut walks, queued);
        }
    }

    fn keep(
        &self,
        snapshot: Snapshot,
        counts: Counts,
        as_of: Timestamp,
    ) -> Result<(usize, Counts), UpstreamError> {
        let groups = snapshot.len();
        // The same content keeps the same memory.
        let snapshot = match self.shelf.get(&self.key) {
            Some(before) if before.snapshot.hash() == snapshot.hash() => {
                Arc::clone(&before.snapshot)
            }
            Some(_) | None => Arc::new(snapshot),
        };
        let stored = Stored {
            snapshot,
            counts,
            as_of,
            at: Instant::now(),
        };
        self.shelf.put(&self.key, stored)?;
        Ok((groups, counts))
    }

    fn lock(&self) -> MutexGuard<'_, Walks> {
        self.walks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A walk's beginning is known no finer than this, and clients read it.
fn whole_milliseconds(time: Timestamp) -> Timestamp {
    time.round(Unit::Millisecond).unwrap_or(time)
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
