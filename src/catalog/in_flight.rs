//! A walk that is under way or about to be, as those see it who wait for it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::observe::{CompletionProgress, SettledWalk, Timeline};

use super::cached::CachedSnapshot;

/// How far a walk is that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RunningWalk {
    /// For how many seconds it has been under way.
    pub seconds: u64,
    /// How many pages it has read.
    pub pages: u64,
    /// How many records they hold.
    pub records: u64,
    /// How many records it has read of the list of users; absent if none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub users: u64,
    /// How far it is with what it asks for each group; absent if it asks for nothing, or has not come so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion: Option<CompletionProgress>,
}

const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// How a walk came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WalkEnd {
    /// It ran to its end, good or bad.
    Done,
    /// It was ended, because other settings took the place of those that it ran under.
    Superseded,
}

/// When a walk began: what it brings is as old as that.
#[derive(Debug, Clone, Copy)]
pub(super) struct WalkBegin {
    /// For freshness and pacing.
    pub(super) at: Instant,
    /// For clients.
    pub(super) as_of: Timestamp,
}

impl WalkBegin {
    /// When a list was read of which something is as old as `oldest`: with the beginning of the walk, or before it.
    pub(super) fn list_as_of(&self, oldest: Option<Instant>) -> Timestamp {
        let earlier = oldest.map_or(Duration::ZERO, |oldest| {
            self.at.saturating_duration_since(oldest)
        });
        self.as_of.checked_sub(earlier).unwrap_or(self.as_of)
    }
}

/// A walk that somebody can wait for.
#[derive(Debug, Clone)]
pub(super) struct InFlightWalk {
    begun: Arc<OnceLock<WalkBegin>>,
    end: Arc<watch::Sender<Option<WalkEnd>>>,
    /// What it has brought. Whoever waits for it is given that, even where it is too old to be kept.
    brought: Arc<OnceLock<Arc<CachedSnapshot>>>,
    pub(super) timeline: Arc<Timeline>,
    /// Its span, or at least its trace.
    pub(super) span: Context,
}

impl InFlightWalk {
    /// A walk that has not ended, in this span.
    pub(super) fn new(span: Context) -> Self {
        Self {
            begun: Arc::default(),
            end: Arc::new(watch::Sender::new(None)),
            brought: Arc::default(),
            timeline: Arc::default(),
            span,
        }
    }

    /// It begins now, unless it has begun before.
    pub(super) fn begin(&self, as_of: Timestamp) {
        let at = Instant::now();
        self.begun.get_or_init(|| WalkBegin { at, as_of });
    }

    /// When it began. `None`: it waits for its turn.
    pub(super) fn begun(&self) -> Option<WalkBegin> {
        self.begun.get().copied()
    }

    /// It has brought this.
    pub(super) fn bring(&self, cached: &Arc<CachedSnapshot>) {
        // A walk ends once.
        let _ = self.brought.set(Arc::clone(cached));
    }

    /// Somebody who waits for it.
    pub(super) fn waiter(&self) -> WalkWaiter {
        WalkWaiter {
            end: self.end.subscribe(),
            brought: Arc::clone(&self.brought),
            span: self.span.span().span_context().clone(),
        }
    }

    /// Whether somebody waits for it.
    pub(super) fn is_awaited(&self) -> bool {
        self.end.receiver_count() > 0
    }

    /// Waits until nobody waits for it.
    pub(super) async fn unawaited(&self) {
        self.end.closed().await;
    }

    /// Says in its span what came of it.
    pub(super) fn tell(&self, outcome: &SettledWalk<'_>) {
        let outcome = KeyValue::new("groupgate.walk.outcome", outcome.as_str());
        self.span.span().set_attribute(outcome);
    }

    /// Tells whoever waits that it has ended.
    pub(super) fn finish(&self, end: WalkEnd) {
        self.end.send_replace(Some(end));
        self.span.span().end();
    }
}

/// Somebody who waits for a walk, for as long as this is not dropped.
#[derive(Debug)]
pub(super) struct WalkWaiter {
    end: watch::Receiver<Option<WalkEnd>>,
    brought: Arc<OnceLock<Arc<CachedSnapshot>>>,
    /// The span of the walk.
    pub(super) span: SpanContext,
}

impl WalkWaiter {
    /// Waits for the walk's end, at most until `deadline`. `None`: it did not come by then.
    pub(super) async fn end(&mut self, deadline: Instant) -> Option<WalkEnd> {
        let ended = timeout_at(deadline, self.end.wait_for(Option::is_some)).await;
        *ended.ok()?.ok()?
    }

    /// What it has brought, if it is over.
    pub(super) fn brought(self) -> Option<Arc<CachedSnapshot>> {
        self.brought.get().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_list_is_as_old_as_what_is_oldest_in_it() {
        let failed = Instant::now();
        tokio::time::advance(Duration::from_mins(10)).await;
        let begin = WalkBegin {
            at: Instant::now(),
            as_of: "2026-11-21T09:30:00Z".parse().unwrap(),
        };
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(begin.list_as_of(None), begin.as_of);
        assert_eq!(begin.list_as_of(Some(Instant::now())), begin.as_of);
        let expected: Timestamp = "2026-11-21T09:20:00Z".parse().unwrap();
        assert_eq!(begin.list_as_of(Some(failed)), expected);
    }
}
