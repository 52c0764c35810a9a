//! The walks of an entry: when one begins, and what becomes of what it brings.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::config::upstream::Refresh;
use crate::error::{ErrorKind, Fault, UpstreamError};

use super::super::age::Age;
use super::super::backoff::Failure;
use super::super::cached::CachedSnapshot;
use super::super::fetch::WalkResult;
use super::super::in_flight::{InFlightWalk, WalkEnd};
use super::super::renewal::{renewal, retry};
use super::super::shrink_guard::{PendingConfirmation, PendingShrink, is_suspicious};
use super::state::{Entry, Walks};

/// What became of a walk that ended well.
enum Kept {
    /// Its list serves from now on.
    Replaced(Arc<CachedSnapshot>),
    /// Its list is held back.
    PendingShrink(PendingConfirmation),
}

impl Entry {
    /// The running walk, or a new one; and whether another had begun it.
    pub(super) fn begin_or_join(self: &Arc<Self>, walks: &mut Walks) -> (InFlightWalk, bool) {
        if let Some(walk) = &walks.running {
            return (walk.clone(), true);
        }
        let walk = InFlightWalk::new();
        self.begin(walks, walk.clone());
        (walk, false)
    }

    /// A walk that begins now, or once the running one has ended: never the running one, which
    /// began before the caller came. One that insists begins though the running one may fail.
    pub(super) fn begin_or_queue(
        self: &Arc<Self>,
        walks: &mut Walks,
        insists: bool,
    ) -> (InFlightWalk, bool) {
        if walks.running.is_none() {
            return self.begin_or_join(walks);
        }
        walks.queued_insists |= insists;
        if let Some(walk) = &walks.queued {
            return (walk.clone(), true);
        }
        let walk = InFlightWalk::new();
        walks.queued = Some(walk.clone());
        (walk, false)
    }

    pub(super) fn begin(self: &Arc<Self>, walks: &mut Walks, walk: InFlightWalk) {
        if walks.retired.is_some() {
            return walk.finish(WalkEnd::Superseded);
        }
        let begun = Instant::now();
        walks.running = Some(walk.clone());
        walks.last_begun = Some(begun);
        let entry = Arc::clone(self);
        self.tasks.spawn(async move {
            let as_of = entry.resources.wall.now_in_milliseconds();
            // A task within the task: its panic is this walk's failure, and nobody waits for ever.
            // In a set, so that it ends with the task around it.
            let mut task = JoinSet::new();
            task.spawn((entry.fetch)(Arc::clone(&walk.progress)));
            let walked = match task.join_next().await {
                Some(Ok(walked)) => walked,
                Some(Err(cut)) => Err(UpstreamError::ours(format!(
                    "the walk was cut short: {cut}"
                ))),
                None => Err(UpstreamError::ours("the walk never began")),
            };
            entry.end(walked, as_of, begun);
            walk.finish(WalkEnd::Done);
        });
    }

    /// Takes what a walk brought that began at `begun`, and begins the one that waits behind it.
    fn end(
        self: &Arc<Self>,
        walked: Result<WalkResult, UpstreamError>,
        as_of: Timestamp,
        begun: Instant,
    ) {
        let mut walks = self.lock();
        if walks.retired.is_some() {
            return;
        }
        let before = walks.failure.take().map_or(0, |failure| failure.count);
        let taken = begun.elapsed();
        walks.running = None;
        walks.taken = Some(taken);
        let outcome =
            walked.and_then(
                |brought| match self.shrunk(&walks, &brought, as_of, begun) {
                    Some(pending) => Ok(Kept::PendingShrink(pending)),
                    None => self.keep(brought, as_of).map(Kept::Replaced),
                },
            );
        match outcome {
            Ok(Kept::Replaced(cached)) => {
                tracing::info!(
                    source = %self.key.upstream,
                    groups = cached.snapshot.len(),
                    pages = cached.pages,
                    skipped = cached.counts.skipped,
                    repeated = cached.counts.repeated,
                    unparsed_timestamps = cached.counts.unparsed_timestamps,
                    drifted = cached.counts.drifted,
                    ?taken,
                    "walk finished"
                );
                walks.pending = None;
            }
            Ok(Kept::PendingShrink(pending)) => {
                tracing::warn!(
                    source = %self.key.upstream,
                    groups = pending.shown.groups,
                    served = pending.shown.served,
                    ?taken,
                    "walk brought a much shorter list, held back until another walk confirms it"
                );
                walks.pending = Some(pending);
            }
            Err(error) => {
                if error.kind == ErrorKind::Unauthorized {
                    walks.pending = None;
                }
                walks.failure = Some(self.failed(error, before + 1, taken));
            }
        }
        let insists = std::mem::take(&mut walks.queued_insists);
        match walks.queued.take() {
            // The upstream is left alone from now on: what follows would fail like this one.
            Some(queued) if walks.failure.is_some() && !insists => queued.finish(WalkEnd::Done),
            Some(queued) => self.begin(&mut walks, queued),
            None => {}
        }
        self.resources.epoch.advance();
        drop(walks);
        self.ended.notify_one();
    }

    /// Why a list is held back, if it is: it is much shorter than one that may still be served, and
    /// no earlier walk has brought as short a one.
    fn shrunk(
        &self,
        walks: &Walks,
        brought: &WalkResult,
        as_of: Timestamp,
        begun: Instant,
    ) -> Option<PendingConfirmation> {
        let now = Instant::now();
        let cached = self.resources.store.get(&self.key)?;
        let (served, groups) = (cached.snapshot.len(), brought.snapshot.len());
        if !is_suspicious(self.policy.shrink_guard, served, groups) {
            return None;
        }
        if self.age(&cached, now) == Age::Expired {
            tracing::warn!(
                source = %self.key.upstream,
                groups,
                served,
                "much shorter list believed, because the one before may be served no more"
            );
            return None;
        }
        let Some(pending) = walks.pending else {
            let shown = PendingShrink {
                groups,
                served,
                since: as_of,
            };
            let min_refresh = self.policy.freshness.min_refresh;
            return Some(PendingConfirmation::new(shown, min_refresh, now));
        };
        let is_in_time = begun >= pending.not_before;
        if is_in_time && !is_suspicious(self.policy.shrink_guard, pending.shown.groups, groups) {
            tracing::warn!(
                source = %self.key.upstream,
                groups,
                served,
                "much shorter list confirmed by another walk"
            );
            return None;
        }
        let shown = PendingShrink {
            groups,
            served,
            ..pending.shown
        };
        if is_in_time {
            // Much shorter again: a list that falls apart is confirmed once two walks agree.
            return Some(PendingConfirmation::new(
                shown,
                self.policy.freshness.min_refresh,
                now,
            ));
        }
        // Too soon to confirm anything: what waits stays so, for no longer than before.
        Some(PendingConfirmation { shown, ..pending })
    }

    fn keep(
        &self,
        brought: WalkResult,
        as_of: Timestamp,
    ) -> Result<Arc<CachedSnapshot>, UpstreamError> {
        let WalkResult {
            snapshot,
            counts,
            pages,
        } = brought;
        // The same content keeps the same memory.
        let snapshot = match self.resources.store.get(&self.key) {
            Some(before) if before.snapshot.hash() == snapshot.hash() => {
                Arc::clone(&before.snapshot)
            }
            Some(_) | None => Arc::new(snapshot),
        };
        let cached = Arc::new(CachedSnapshot {
            snapshot,
            counts,
            as_of,
            walked_at: self.resources.wall.now(),
            pages,
            got_at: Instant::now(),
            age_then: Duration::ZERO,
        });
        self.resources.store.put(&self.key, Arc::clone(&cached))?;
        let freshness = self.policy.freshness;
        self.resources.tier.save(&self.key, &cached, freshness);
        Ok(cached)
    }

    fn failed(&self, error: UpstreamError, count: u32, taken: Duration) -> Failure {
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
            failures = count,
            ?taken,
            "walk failed"
        );
        if error.kind == ErrorKind::Unauthorized {
            // What we may no longer see, we may no longer show.
            self.evict();
        }
        Failure {
            error: Arc::new(error),
            at: Instant::now(),
            count,
        }
    }

    /// When a walk is due that nobody asks for; none while one is under way.
    pub(in crate::catalog) fn due(&self, jitter: f64) -> Option<Instant> {
        let walks = self.lock();
        let is_idle = walks.running.is_none() && walks.retired.is_none();
        if !is_idle || walks.last_begun.is_none() {
            return None;
        }
        let freshness = self.policy.freshness;
        let retry = walks
            .failure
            .as_ref()
            .map(|failure| retry(failure.at, failure.until(freshness), jitter));
        if let Some(pending) = walks.pending {
            return Some(retry.map_or(pending.not_before, |retry| retry.max(pending.not_before)));
        }
        match self.policy.refresh {
            Refresh::OnDemand => None,
            Refresh::Background => retry.or_else(|| {
                let cached = self.resources.store.get(&self.key)?;
                let walked_at = cached.got_at.checked_sub(cached.age_then);
                Some(renewal(
                    walked_at.unwrap_or(cached.got_at),
                    freshness.ttl,
                    walks.taken.unwrap_or_default(),
                    jitter,
                ))
            }),
        }
    }

    /// Begins a walk, unless one is under way.
    pub(in crate::catalog) fn renew(self: &Arc<Self>) {
        self.begin_or_join(&mut self.lock());
    }

    /// Waits until a walk ends.
    pub(in crate::catalog) async fn walked(&self) {
        self.ended.notified().await;
    }
}
