//! What becomes of what a walk of an entry brings.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use opentelemetry::Context;
use tokio::time::Instant;

use crate::error::{ErrorKind, Fault, UpstreamError};
use crate::trace;

use super::super::age::Age;
use super::super::backoff::Failure;
use super::super::cached::CachedSnapshot;
use super::super::fetch::WalkResult;
use super::super::shrink_guard::{self, PendingConfirmation, PendingShrink, is_suspicious};
use super::state::{Entry, Walks};

/// What becomes of the result of a walk.
pub(super) enum Kept {
    /// It is served from now on.
    Replaced(Arc<CachedSnapshot>),
    /// It waits for confirmation.
    PendingShrink(PendingConfirmation),
}

impl Entry {
    /// Whether a list must wait for confirmation: it is much shorter than one that may still be
    /// served, and no walk that began long enough before returned the same groups. Another short list
    /// waits anew, for as long as the first one did: it takes two walks that agree, some time apart.
    /// A list that changes with every walk waits until the one that is served expires.
    pub(super) fn shrunk(
        &self,
        walks: &Walks,
        cached: &CachedSnapshot,
        result: &WalkResult,
        as_of: Timestamp,
        begun: Instant,
    ) -> Option<PendingConfirmation> {
        let now = Instant::now();
        let (served, groups) = (cached.snapshot.len(), result.snapshot.len());
        if cached.is_of_another_shape || !is_suspicious(self.terms().shrink_guard, served, groups) {
            return None;
        }
        if self.age(cached, now) == Age::Expired {
            tracing::warn!(
                source = %self.key.upstream,
                groups,
                served,
                "much shorter list accepted, because the previous one has expired"
            );
            return None;
        }
        let which = shrink_guard::groups(&result.snapshot);
        let min_refresh = self.terms().freshness.min_refresh;
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

    pub(super) fn keep(
        &self,
        walks: &Walks,
        before: Option<Arc<CachedSnapshot>>,
        result: WalkResult,
        as_of: Timestamp,
    ) -> Result<Arc<CachedSnapshot>, UpstreamError> {
        let WalkResult {
            snapshot,
            counts,
            pages,
            known_pages,
            marks,
            upkeep,
            ended_by,
            oldest: _,
        } = result;
        // The same content keeps the same memory.
        let snapshot = match before {
            Some(before) if before.snapshot.hash() == snapshot.hash() => {
                Arc::clone(&before.snapshot)
            }
            // The cache lets go of the other one when it takes this.
            other => {
                drop(other);
                snapshot
            }
        };
        let cached = Arc::new(CachedSnapshot {
            snapshot,
            counts,
            as_of,
            walked_at: self.resources.wall.now(),
            pages,
            known_pages,
            marks,
            upkeep,
            is_of_another_shape: false,
            ended_by: Some(ended_by),
            got_at: Instant::now(),
            age_then: Duration::ZERO,
        });
        if walks.is_dropped {
            return Ok(cached);
        }
        self.resources.store.put(&self.key, Arc::clone(&cached))?;
        let freshness = self.terms().freshness;
        self.resources.tier().save(&self.key, &cached, freshness);
        Ok(cached)
    }

    pub(super) fn failed(&self, error: UpstreamError, count: u32, taken: Duration) -> Failure {
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
}
