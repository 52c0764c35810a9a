//! What an entry serves. It follows from the age of the snapshot and the state of the walks.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::caller::Asker;
use crate::error::UpstreamError;
use crate::observe::Event;
use crate::plan::Refresh;
use crate::snapshot::Counts;
use crate::trace;

use super::super::age::Age;
use super::super::cached::CachedSnapshot;
use super::super::in_flight::{RunningWalk, WalkEnd, WalkWaiter};
use super::super::lookup::{CacheMode, CacheOutcome, SourceLookup, SourceState};
use super::state::{Entry, Walks};
use super::walks::Awaited;

/// What to do for one caller.
enum ServeDecision {
    Serve(SourceLookup),
    Wait(WalkWaiter, CacheOutcome),
}

impl Entry {
    /// Begins the first walk, unless there was one.
    pub(in crate::catalog) fn warm(self: &Arc<Self>) {
        let mut walks = self.lock();
        if walks.running.is_none() && walks.last_begun.is_none() {
            let walk = self.new_walk(Awaited::No);
            self.begin(&mut walks, walk);
        }
    }

    /// Serves what the cache rules allow, after a walk where they demand one.
    pub(in crate::catalog) async fn get(
        self: &Arc<Self>,
        mode: CacheMode,
        deadline: Instant,
    ) -> SourceLookup {
        self.get_for(Asker::default(), mode, deadline).await
    }

    /// The same on behalf of `asker`, whose turn it is where walks wait for theirs.
    pub(in crate::catalog) async fn get_for(
        self: &Arc<Self>,
        asker: Asker,
        mode: CacheMode,
        deadline: Instant,
    ) -> SourceLookup {
        match self.decide(mode, asker) {
            ServeDecision::Serve(held) => {
                self.note(held.outcome, held.snapshot.is_some());
                held
            }
            ServeDecision::Wait(mut walk, outcome) => {
                self.note(outcome, false);
                // Whoever has begun it is in its trace already.
                if outcome.collapsed {
                    trace::link(&walk.span);
                }
                let ended = walk.end(deadline).await;
                self.waited(ended, walk.brought(), outcome)
            }
        }
    }

    /// Tells observers that somebody was served a list or nothing, or waits.
    pub(in crate::catalog) fn note(&self, outcome: CacheOutcome, is_found: bool) {
        self.observers.notify(&Event::ListAskedFor {
            outcome: outcome.word(is_found),
            collapsed: outcome.collapsed,
        });
    }

    /// What there is right now.
    pub(in crate::catalog) fn peek(&self) -> SourceLookup {
        let walks = self.lock();
        let now = Instant::now();
        match self.cached(&walks) {
            Some(cached) => self.shown(&cached, &walks, now, CacheOutcome::HIT),
            None => self.nothing(&walks, now, CacheOutcome::HIT),
        }
    }

    /// What may be served right now, however the last walk ended.
    pub(in crate::catalog) fn servable(&self) -> Option<SourceLookup> {
        let walks = self.lock();
        let now = Instant::now();
        let cached = self.cached(&walks)?;
        let age = self.age(&cached, now);
        (age != Age::Expired).then(|| self.shown(&cached, &walks, now, CacheOutcome::HIT))
    }

    /// How far the running walk is, if one is running.
    pub(in crate::catalog) fn running_walk(&self) -> Option<RunningWalk> {
        let walks = self.lock();
        let walk = walks.running.as_ref()?;
        Some(RunningWalk {
            seconds: walk.begun()?.at.elapsed().as_secs(),
            pages: walk.timeline.pages(),
            records: walk.timeline.records(),
            users: walk.timeline.users(),
            completion: walk.timeline.completion(),
        })
    }

    fn decide(self: &Arc<Self>, mode: CacheMode, asker: Asker) -> ServeDecision {
        let mut walks = self.lock();
        walks.asker = asker;
        let now = Instant::now();
        if walks.retired.is_some() {
            return ServeDecision::Serve(self.present(&walks, now, CacheOutcome::SUPERSEDED));
        }
        match mode {
            CacheMode::Cached => self.decide_cached(&mut walks, now, None),
            CacheMode::Revalidate | CacheMode::Insist if self.walked_just_now(&walks, now) => {
                self.decide_cached(&mut walks, now, Some("min_refresh"))
            }
            // The upstream is in backoff: no caller may override that.
            CacheMode::Revalidate if self.backs_off(&walks, now) => {
                self.decide_cached(&mut walks, now, Some("failed"))
            }
            CacheMode::Revalidate | CacheMode::Insist => {
                let insists = mode == CacheMode::Insist;
                let (walk, collapsed) = self.begin_or_queue(&mut walks, insists);
                let outcome = CacheOutcome {
                    forwarded: Some("request"),
                    collapsed,
                    detail: None,
                };
                ServeDecision::Wait(walk.waiter(), outcome)
            }
        }
    }

    fn decide_cached(
        self: &Arc<Self>,
        walks: &mut Walks,
        now: Instant,
        detail: Option<&'static str>,
    ) -> ServeDecision {
        let cached = self.cached(walks);
        let age = cached
            .as_ref()
            .map_or(Age::Expired, |cached| self.age(cached, now));
        let hit = CacheOutcome {
            detail,
            ..CacheOutcome::HIT
        };
        // An upstream that is known to fail is asked in the background. The first caller has waited for
        // the failure, and one bad source must not delay every answer.
        let failing = walks.failure.is_some();
        // So is one with background refresh, and one whose shrunk list waits for confirmation.
        let behind = walks.pending.is_some() || self.terms().refresh == Refresh::Background;
        // A list from disk or from earlier settings is served until the first walk ends.
        let is_from_before = walks.taken.is_none();
        let serve_now = match age {
            Age::Fresh(_) | Age::Revalidating(_) => true,
            Age::IfError(_) => failing || behind || is_from_before,
            Age::Expired => failing,
        };
        // A walk that begins too early confirms nothing, unless the older list has expired.
        let is_unconfirmed = age != Age::Expired
            && walks
                .pending
                .is_some_and(|pending| now < pending.not_before);
        let is_left_alone = is_unconfirmed || self.backs_off(walks, now);
        if !matches!(age, Age::Fresh(_)) && !is_left_alone {
            let awaited = if serve_now { Awaited::No } else { Awaited::Yes };
            let (walk, collapsed) = self.begin_or_join(walks, awaited);
            if !serve_now {
                let forwarded = if cached.is_some() { "stale" } else { "miss" };
                let outcome = CacheOutcome {
                    forwarded: Some(forwarded),
                    collapsed,
                    detail,
                };
                return ServeDecision::Wait(walk.waiter(), outcome);
            }
        }
        ServeDecision::Serve(self.present(walks, now, hit))
    }

    /// The snapshot if it may be served now, otherwise why there is none.
    fn present(&self, walks: &Walks, now: Instant, outcome: CacheOutcome) -> SourceLookup {
        match self.cached(walks) {
            Some(cached) if self.age(&cached, now) != Age::Expired => {
                self.shown(&cached, walks, now, outcome)
            }
            Some(_) | None => self.nothing(walks, now, outcome),
        }
    }

    fn backs_off(&self, walks: &Walks, now: Instant) -> bool {
        let failure = walks.failure.as_ref();
        failure.is_some_and(|failure| failure.wait(self.terms().freshness, now).is_some())
    }

    fn walked_just_now(&self, walks: &Walks, now: Instant) -> bool {
        walks
            .last_begun()
            .is_some_and(|begun| now < begun + self.terms().freshness.min_refresh)
    }

    /// What a caller gets after waiting for a walk.
    fn waited(
        &self,
        end: Option<WalkEnd>,
        brought: Option<Arc<CachedSnapshot>>,
        mut outcome: CacheOutcome,
    ) -> SourceLookup {
        let walks = self.lock();
        let now = Instant::now();
        let is_replaced = match end {
            None => {
                outcome.detail = Some("deadline");
                false
            }
            Some(WalkEnd::Superseded) => {
                outcome.detail = CacheOutcome::SUPERSEDED.detail;
                false
            }
            Some(WalkEnd::Done) if walks.failure.is_some() => {
                outcome.detail = Some("failed");
                false
            }
            Some(WalkEnd::Done) if walks.pending.is_some() => {
                outcome.detail = Some("pending_shrink");
                false
            }
            Some(WalkEnd::Done) => true,
        };
        match brought.filter(|_| is_replaced) {
            // Just walked for this caller, so it is fresh even if the time to live is zero, and nobody keeps it.
            Some(cached) => SourceLookup {
                state: SourceState::Fresh,
                ..self.shown(&cached, &walks, now, outcome)
            },
            None => self.present(&walks, now, outcome),
        }
    }

    fn shown(
        &self,
        cached: &CachedSnapshot,
        walks: &Walks,
        now: Instant,
        outcome: CacheOutcome,
    ) -> SourceLookup {
        let age = self.age(cached, now);
        let (state, fresh_for) = match age {
            Age::Fresh(left) => (SourceState::Fresh, left),
            Age::Revalidating(_) | Age::IfError(_) | Age::Expired => {
                (SourceState::Stale, Duration::ZERO)
            }
        };
        let bare = self.bare(walks, now, outcome);
        SourceLookup {
            state,
            snapshot: Some(Arc::clone(&cached.snapshot)),
            as_of: Some(cached.as_of),
            fresh_for,
            changes_in: [age.left(), bare.changes_in].into_iter().flatten().min(),
            counts: cached.counts,
            ended_by: cached.ended_by,
            ..bare
        }
    }

    fn nothing(&self, walks: &Walks, now: Instant, outcome: CacheOutcome) -> SourceLookup {
        let held = self.bare(walks, now, outcome);
        let state = if held.error.is_some() {
            SourceState::Failed
        } else {
            SourceState::Pending
        };
        SourceLookup { state, ..held }
    }

    fn bare(&self, walks: &Walks, now: Instant, outcome: CacheOutcome) -> SourceLookup {
        let failure = walks.failure.as_ref();
        let wait = failure.and_then(|failure| failure.wait(self.terms().freshness, now));
        let error = failure.map(|failure| {
            let mut error = UpstreamError::clone(&failure.error);
            error.retry_after = wait;
            Arc::new(error)
        });
        SourceLookup {
            source: Arc::clone(&self.key.upstream),
            required: self.terms().required,
            state: SourceState::Pending,
            snapshot: None,
            by_query: false,
            as_of: None,
            fresh_for: Duration::ZERO,
            changes_in: wait,
            error,
            pending_shrink: walks.pending.map(|pending| pending.shown),
            walked: walks.taken.is_some(),
            counts: Counts::default(),
            ended_by: None,
            outcome,
        }
    }
}
