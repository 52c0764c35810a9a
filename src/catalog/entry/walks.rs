//! The walks of an entry: when one begins, and how it ends.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use opentelemetry::KeyValue;
use opentelemetry::trace::FutureExt as _;
use tokio::time::Instant;

use crate::error::{ErrorKind, UpstreamError, panic_message};
use crate::observe::{Event, SettledWalk};
use crate::page::ended_by::EndedBy;
use crate::plan::{ListTerms, Refresh};
use crate::trace;

use super::super::age::serves_for;
use super::super::fetch::WalkResult;
use super::super::history::WalkRecord;
use super::super::in_flight::{InFlightWalk, WalkBegin, WalkEnd};
use super::super::renewal::{renewal, retry};
use super::results::Kept;
use super::state::{Entry, Walks};

/// Whether the caller who has a walk begin waits for its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    Yes,
    No,
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
            return self.settle_unread(&walk, SettledWalk::Superseded);
        }
        walks.running = Some(walk.clone());
        if !self.policy.takes_turns {
            walk.begin(self.resources.wall.now_in_milliseconds());
        }
        let (entry, asker) = (Arc::clone(self), walks.asker);
        let span = walk.span.clone();
        let run = async move {
            loop {
                let fetch = async { (entry.fetch)(walk.clone(), asker).await };
                // A panic fails this walk, and nobody waits for ever.
                let walked = match AssertUnwindSafe(fetch).catch_unwind().await {
                    Ok(Some(walked)) => walked,
                    Ok(None) if entry.is_given_up(&walk) => break,
                    // Somebody has come meanwhile.
                    Ok(None) => continue,
                    Err(panic) => Err(UpstreamError::ours(format!(
                        "the walk panicked: {}",
                        panic_message(&*panic)
                    ))),
                };
                entry.end(walked, &walk);
                break;
            }
            walk.finish(WalkEnd::Done);
        };
        let is_spawned = self.tasks.spawn(run.with_context(span));
        // The upstream may be retired before an entry that a query has just made.
        if !is_spawned && let Some(walk) = walks.running.take() {
            self.settle_unread(&walk, SettledWalk::Superseded);
        }
    }

    /// Ends a walk that brings nothing, and says why.
    pub(super) fn settle_unread(&self, walk: &InFlightWalk, outcome: SettledWalk<'_>) {
        let begun = walk.begun();
        walk.tell(&outcome);
        self.observers.notify(&Event::WalkSettled {
            outcome,
            elapsed: begun.map_or(Duration::ZERO, |begun| begun.at.elapsed()),
        });
        let is_superseded = matches!(outcome, SettledWalk::Superseded);
        walk.finish(if is_superseded {
            WalkEnd::Superseded
        } else {
            WalkEnd::Done
        });
    }

    /// Whether nobody waits any more for a walk that has not had its turn: then there is none.
    fn is_given_up(self: &Arc<Self>, walk: &InFlightWalk) -> bool {
        let mut walks = self.lock();
        if walk.is_awaited() {
            return false;
        }
        walks.running = None;
        self.settle_unread(walk, SettledWalk::GivenUp);
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
        let times = begun.unwrap_or_else(|| WalkBegin {
            at: Instant::now(),
            as_of: self.resources.wall.now_in_milliseconds(),
        });
        let WalkBegin { at: begun, as_of } = times;
        let taken = begun.elapsed();
        walks.running = None;
        walks.taken = Some(taken);
        let ended_by = walked.as_ref().map(|result| result.ended_by);
        let ended_by = ended_by.unwrap_or(EndedBy::WholeList);
        let skipped = walked.as_ref().map_or(0, |result| result.counts.skipped);
        let outcome = walked.and_then(|result| {
            let as_of = times.list_as_of(result.oldest);
            let before = self.resources.store.get(&self.key);
            let shrunk = before
                .as_ref()
                .and_then(|before| self.shrunk(&walks, before, &result, as_of, begun));
            match shrunk {
                Some(pending) => Ok(Kept::PendingShrink(pending)),
                None => self.keep(&walks, before, result, as_of).map(Kept::Replaced),
            }
        });
        let settled = match &outcome {
            Ok(Kept::Replaced(cached)) => SettledWalk::Replaced {
                ended_by,
                groups: cached.snapshot.len() as u64,
                skipped,
                differing: cached.counts.differing,
            },
            Ok(Kept::PendingShrink(pending)) => SettledWalk::PendingShrink {
                ended_by,
                groups: pending.shown.groups as u64,
                skipped,
            },
            Err(error) => SettledWalk::Failed(error),
        };
        walk.tell(&settled);
        let (is_filtered, notes) = (!self.key.filters.is_none(), walk.timeline.notes());
        self.history()
            .add(WalkRecord::new(as_of, taken, is_filtered, &settled, notes));
        self.observers.notify(&Event::WalkSettled {
            outcome: settled,
            elapsed: taken,
        });
        match outcome {
            Ok(Kept::Replaced(cached)) => {
                walk.bring(&cached);
                let completion = walk.timeline.completion();
                let counts = &cached.counts;
                tracing::info!(
                    source = %self.key.upstream,
                    groups = cached.snapshot.len(),
                    pages = cached.pages,
                    ended_by = cached.ended_by.map(<&str>::from),
                    skipped = if_any(counts.skipped),
                    left_out = if_any(counts.left_out),
                    repeated = if_any(counts.repeated),
                    unparsed_timestamps = if_any(counts.unparsed_timestamps),
                    unread_people = if_any(counts.unread_people),
                    unmarked_people = if_any(counts.unmarked_people),
                    repeated_people = if_any(counts.repeated_people),
                    unknown_people = if_any(counts.unknown_people),
                    drifted = counts.drifted.then_some(true),
                    gone = completion.and_then(|completion| if_any(completion.gone)),
                    partitions_gone = if_any(counts.partitions_gone),
                    partitions_refused = if_any(counts.partitions_refused),
                    asked = completion.and_then(|completion| if_any(completion.asked)),
                    reused = completion.and_then(|completion| if_any(completion.reused)),
                    kept = completion.and_then(|completion| if_any(completion.kept)),
                    differing = if_any(counts.differing),
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
            Some(queued) if walks.failure.is_some() && !insists => {
                self.settle_unread(&queued, SettledWalk::GivenUp);
            }
            Some(queued) => self.begin(&mut walks, queued),
            None => {}
        }
        self.resources.epoch.advance();
        drop(walks);
        self.changed.notify_one();
    }

    /// When the next background walk is due. None while one is running.
    pub(in crate::catalog) fn due(&self, jitter: f64) -> Option<Instant> {
        let walks = self.lock();
        let is_idle = walks.running.is_none() && walks.retired.is_none();
        if !is_idle || walks.last_begun.is_none() {
            return None;
        }
        let ListTerms {
            freshness, refresh, ..
        } = self.terms();
        let retry = walks
            .failure
            .as_ref()
            .map(|failure| retry(failure.at, failure.until(freshness), jitter));
        if let Some(pending) = walks.pending {
            return Some(retry.map_or(pending.not_before, |retry| retry.max(pending.not_before)));
        }
        match refresh {
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
        let left = serves_for(&cached, self.terms().freshness, now).unwrap_or_default();
        now.checked_add(left)
    }

    /// Lets go of a list that may be served no more, so that others find room.
    pub(in crate::catalog) fn expire(&self) {
        let walks = self.lock();
        let cached = self.cached(&walks);
        let is_expired = cached.is_some_and(|cached| {
            serves_for(&cached, self.terms().freshness, Instant::now()).is_none()
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

    /// Waits until a walk ends, or other terms hold.
    pub(in crate::catalog) async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// A count that a log line mentions only where there is something to say.
fn if_any(count: u64) -> Option<u64> {
    (count > 0).then_some(count)
}
