//! The walks of an entry: when one begins, and what becomes of what it brings.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use opentelemetry::trace::FutureExt as _;
use opentelemetry::{Context, KeyValue};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::error::{ErrorKind, Fault, UpstreamError};
use crate::observe::{Event, SettledWalk};
use crate::page::ended_by::EndedBy;
use crate::plan::Refresh;
use crate::trace;

use super::super::age::{Age, serves_for};
use super::super::backoff::Failure;
use super::super::cached::CachedSnapshot;
use super::super::fetch::WalkResult;
use super::super::history::WalkRecord;
use super::super::in_flight::{InFlightWalk, WalkBegin, WalkEnd};
use super::super::renewal::{renewal, retry};
use super::super::shrink_guard::{self, PendingConfirmation, PendingShrink, is_suspicious};
use super::state::{Entry, Walks};

/// Whether the caller who has a walk begin waits for its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    Yes,
    No,
}

/// What becomes of the result of a walk.
enum Kept {
    /// It is served from now on.
    Replaced(Arc<CachedSnapshot>),
    /// It waits for confirmation.
    PendingShrink(PendingConfirmation),
}

impl Entry {
    /// A walk that has not begun, in the trace of whoever waits for it.
    pub(super) fn new_walk(&self, awaited: Awaited) -> InFlightWalk {
        let is_awaited = awaited == Awaited::Yes;
        InFlightWalk::new(trace::walk(&self.key.upstream, is_awaited))
    }

    /// The running walk or a new one, and whether it was running already.
    pub(super) fn begin_or_join(
        self: &Arc<Self>,
        walks: &mut Walks,
        awaited: Awaited,
    ) -> (InFlightWalk, bool) {
        if let Some(walk) = &walks.running {
            return (walk.clone(), true);
        }
        let walk = self.new_walk(awaited);
        self.begin(walks, walk.clone());
        (walk, false)
    }

    /// A walk that begins from now on: right after the running one, never the running one itself if that
    /// began before the caller came. With `insists`, the queued walk begins even if the running one
    /// fails.
    pub(super) fn begin_or_queue(
        self: &Arc<Self>,
        walks: &mut Walks,
        insists: bool,
    ) -> (InFlightWalk, bool) {
        let has_begun = |walk: &InFlightWalk| walk.begun().is_some();
        if !walks.running.as_ref().is_some_and(has_begun) {
            return self.begin_or_join(walks, Awaited::Yes);
        }
        walks.queued_insists |= insists;
        if let Some(walk) = &walks.queued {
            return (walk.clone(), true);
        }
        let walk = self.new_walk(Awaited::Yes);
        walks.queued = Some(walk.clone());
        (walk, false)
    }

    pub(super) fn begin(self: &Arc<Self>, walks: &mut Walks, walk: InFlightWalk) {
        if walks.retired.is_some() {
            return walk.finish(WalkEnd::Superseded);
        }
        walks.running = Some(walk.clone());
        if !self.policy.takes_turns {
            walk.begin(self.resources.wall.now_in_milliseconds());
        }
        let (entry, asker) = (Arc::clone(self), walks.asker);
        let span = walk.span.clone();
        let run = async move {
            loop {
                // A task within the task: a panic in it fails this walk, and nobody waits for ever.
                // In a set, so that it is aborted with the task around it.
                let mut task = JoinSet::new();
                let fetch = (entry.fetch)(walk.clone(), asker);
                task.spawn(fetch.with_current_context());
                let walked = match task.join_next().await {
                    Some(Ok(Some(walked))) => walked,
                    Some(Ok(None)) if entry.is_given_up(&walk) => break,
                    // Somebody has come meanwhile.
                    Some(Ok(None)) => continue,
                    Some(Err(error)) => Err(UpstreamError::ours(format!(
                        "the walk was aborted: {error}"
                    ))),
                    None => Err(UpstreamError::ours("the walk did not start")),
                };
                entry.end(walked, &walk);
                break;
            }
            walk.finish(WalkEnd::Done);
        };
        let is_spawned = self.tasks.spawn(run.with_context(span));
        // The upstream may be retired before an entry that a query has just made.
        if !is_spawned && let Some(walk) = walks.running.take() {
            walk.finish(WalkEnd::Superseded);
        }
    }

    /// Whether nobody waits any more for a walk that has not had its turn: then there is none.
    fn is_given_up(self: &Arc<Self>, walk: &InFlightWalk) -> bool {
        let mut walks = self.lock();
        if walk.is_awaited() {
            return false;
        }
        walks.running = None;
        if let Some(queued) = walks.queued.take() {
            self.begin(&mut walks, queued);
        }
        true
    }

    /// Takes the result of a walk, and begins the queued one. A walk may fail before it begins.
    fn end(self: &Arc<Self>, walked: Result<WalkResult, UpstreamError>, walk: &InFlightWalk) {
        let begun = walk.begun();
        let mut walks = self.lock();
        if walks.retired.is_some() {
            return;
        }
        let before = walks.failure.take().map_or(0, |failure| failure.count);
        walks.last_begun = begun.map(|begun| begun.at).or(walks.last_begun);
        let WalkBegin { at: begun, as_of } = begun.unwrap_or_else(|| WalkBegin {
            at: Instant::now(),
            as_of: self.resources.wall.now_in_milliseconds(),
        });
        let taken = begun.elapsed();
        walks.running = None;
        walks.taken = Some(taken);
        let ended_by = walked.as_ref().map(|result| result.ended_by);
        let ended_by = ended_by.unwrap_or(EndedBy::WholeList);
        let outcome = walked.and_then(|result| match self.shrunk(&walks, &result, as_of, begun) {
            Some(pending) => Ok(Kept::PendingShrink(pending)),
            None => self.keep(result, as_of).map(Kept::Replaced),
        });
        let settled = match &outcome {
            Ok(Kept::Replaced(cached)) => SettledWalk::Replaced {
                ended_by,
                groups: cached.snapshot.len() as u64,
                skipped: cached.counts.skipped,
            },
            Ok(Kept::PendingShrink(pending)) => SettledWalk::PendingShrink {
                ended_by,
                groups: pending.shown.groups as u64,
            },
            Err(error) => SettledWalk::Failed(error),
        };
        let (is_filtered, notes) = (!self.key.filters.is_none(), walk.timeline.notes());
        self.history()
            .add(WalkRecord::new(as_of, taken, is_filtered, &settled, notes));
        self.observers.notify(&Event::WalkSettled {
            outcome: settled,
            elapsed: taken,
        });
        match outcome {
            Ok(Kept::Replaced(cached)) => {
                tracing::info!(
                    source = %self.key.upstream,
                    groups = cached.snapshot.len(),
                    pages = cached.pages,
                    ended_by = cached.ended_by.map(<&str>::from),
                    skipped = cached.counts.skipped,
                    repeated = cached.counts.repeated,
                    unparsed_timestamps = cached.counts.unparsed_timestamps,
                    drifted = cached.counts.drifted,
                    ?taken,
                    "walk finished"
                );
                trace::describe(|| {
                    let mut attributes = vec![
                        trace::count("groupgate.walk.groups", cached.snapshot.len() as u64),
                        trace::count("groupgate.walk.pages", cached.pages),
                        trace::count("groupgate.walk.skipped", cached.counts.skipped),
                    ];
                    let ended_by = cached.ended_by.map(<&str>::from);
                    attributes
                        .extend(ended_by.map(|end| KeyValue::new("groupgate.walk.ended_by", end)));
                    attributes
                });
                walks.pending = None;
            }
            Ok(Kept::PendingShrink(pending)) => {
                trace::event("pending shrink", || {
                    vec![
                        trace::count("groupgate.walk.groups", pending.shown.groups as u64),
                        trace::count("groupgate.walk.served", pending.shown.served as u64),
                    ]
                });
                tracing::warn!(
                    source = %self.key.upstream,
                    groups = pending.shown.groups,
                    served = pending.shown.served,
                    ?taken,
                    "walk returned a much shorter list, which waits for confirmation by another walk"
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
            // The backoff has just begun, and holds for the queued walk too.
            Some(queued) if walks.failure.is_some() && !insists => queued.finish(WalkEnd::Done),
            Some(queued) => self.begin(&mut walks, queued),
            None => {}
        }
        self.resources.epoch.advance();
        drop(walks);
        self.ended.notify_one();
    }

    /// Whether a list must wait for confirmation: it is much shorter than one that may still be
    /// served, and no walk that began long enough before returned the same groups. Another short list
    /// waits anew, for as long as the first one did: it takes two walks that agree, some time apart.
    /// A list that changes with every walk waits until the one that is served expires.
    fn shrunk(
        &self,
        walks: &Walks,
        result: &WalkResult,
        as_of: Timestamp,
        begun: Instant,
    ) -> Option<PendingConfirmation> {
        let now = Instant::now();
        let cached = self.resources.store.get(&self.key)?;
        let (served, groups) = (cached.snapshot.len(), result.snapshot.len());
        if cached.is_of_another_shape || !is_suspicious(self.policy.shrink_guard, served, groups) {
            return None;
        }
        if self.age(&cached, now) == Age::Expired {
            tracing::warn!(
                source = %self.key.upstream,
                groups,
                served,
                "much shorter list accepted, because the previous one has expired"
            );
            return None;
        }
        let which = shrink_guard::groups(&result.snapshot);
        let min_refresh = self.policy.freshness.min_refresh;
        let shown = PendingShrink {
            groups,
            served,
            since: walks.pending.map_or(as_of, |pending| pending.shown.since),
        };
        let Some(pending) = walks.pending.filter(|pending| pending.groups == which) else {
            return Some(PendingConfirmation::new(shown, which, min_refresh, now));
        };
        if begun >= pending.not_before {
            tracing::warn!(
                source = %self.key.upstream,
                groups,
                served,
                "much shorter list confirmed by another walk"
            );
            return None;
        }
        // Too soon to confirm anything. It goes on waiting, for no longer than before.
        Some(PendingConfirmation { shown, ..pending })
    }

    fn keep(
        &self,
        result: WalkResult,
        as_of: Timestamp,
    ) -> Result<Arc<CachedSnapshot>, UpstreamError> {
        let WalkResult {
            snapshot,
            counts,
            pages,
            ended_by,
        } = result;
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
            is_of_another_shape: false,
            ended_by: Some(ended_by),
            got_at: Instant::now(),
            age_then: Duration::ZERO,
        });
        self.resources.store.put(&self.key, Arc::clone(&cached))?;
        let freshness = self.policy.freshness;
        self.resources.tier().save(&self.key, &cached, freshness);
        Ok(cached)
    }

    fn failed(&self, error: UpstreamError, count: u32, taken: Duration) -> Failure {
        if error.fault() == Fault::Gateway {
            tracing::error!(
                source = %self.key.upstream,
                error.detail = error.detail,
                "walk failed because of an internal error"
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
        trace::fail(&Context::current(), error.kind.as_str(), &error.detail);
        if error.kind == ErrorKind::Unauthorized {
            // What the account may no longer see, nobody may.
            self.evict();
        }
        Failure {
            error: Arc::new(error),
            at: Instant::now(),
            count,
        }
    }

    /// When the next background walk is due. None while one is running.
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

    /// When its list may be served no more.
    pub(in crate::catalog) fn expires(&self) -> Option<Instant> {
        let walks = self.lock();
        let cached = self.cached(&walks).filter(|_| walks.retired.is_none())?;
        let now = Instant::now();
        let left = serves_for(&cached, self.policy.freshness, now).unwrap_or_default();
        now.checked_add(left)
    }

    /// Lets go of a list that may be served no more, so that others find room.
    pub(in crate::catalog) fn expire(&self) {
        let walks = self.lock();
        let cached = self.cached(&walks);
        let is_expired = cached.is_some_and(|cached| {
            serves_for(&cached, self.policy.freshness, Instant::now()).is_none()
        });
        if is_expired && walks.retired.is_none() {
            self.resources.store.remove(&self.key);
            self.resources.epoch.advance();
        }
    }

    /// Begins a walk, unless one is running.
    pub(in crate::catalog) fn renew(self: &Arc<Self>) {
        self.begin_or_join(&mut self.lock(), Awaited::No);
    }

    /// Waits until a walk ends.
    pub(in crate::catalog) async fn walked(&self) {
        self.ended.notified().await;
    }
}
