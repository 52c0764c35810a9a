//! How old a snapshot is, and what that makes of it: a plain function of two moments.

use std::time::Duration;

use tokio::time::Instant;

use crate::plan::Freshness;

use super::cached::CachedSnapshot;

/// How long after its walk a snapshot may be served at all. Then it is [`Age::Expired`], and leaves
/// its memory to others.
pub(super) fn serves(freshness: Freshness) -> Duration {
    let stale = freshness
        .stale_while_revalidate
        .max(freshness.stale_if_error);
    freshness.ttl.saturating_add(stale)
}

/// How long it may be served yet. `None`: no more.
pub(super) fn serves_for(
    cached: &CachedSnapshot,
    freshness: Freshness,
    now: Instant,
) -> Option<Duration> {
    let left = serves(freshness).checked_sub(cached.age(now))?;
    (!left.is_zero()).then_some(left)
}

/// How far a snapshot is past its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// Within its time to live, for so long still.
    Fresh(Duration),
    /// Served at once, while a refresh runs; for so long still.
    Revalidating(Duration),
    /// Served only if a refresh fails, for so long still.
    IfError(Duration),
    /// Served no more.
    Expired,
}

impl Age {
    /// The age of a snapshot `now`. One that was there before `since` was read under other settings:
    /// though they shape no list, it is not called fresh until a walk under the present ones ends.
    pub(super) fn of(
        cached: &CachedSnapshot,
        freshness: Freshness,
        since: Instant,
        now: Instant,
    ) -> Self {
        let age = cached.age(now);
        let Some(past) = age.checked_sub(freshness.ttl) else {
            let left = freshness.ttl.saturating_sub(age);
            return if cached.got_at < since {
                Self::Revalidating(left.saturating_add(freshness.stale_while_revalidate))
            } else {
                Self::Fresh(left)
            };
        };
        if past < freshness.stale_while_revalidate {
            Self::Revalidating(freshness.stale_while_revalidate.saturating_sub(past))
        } else if past < freshness.stale_if_error {
            Self::IfError(freshness.stale_if_error.saturating_sub(past))
        } else {
            Self::Expired
        }
    }

    /// How long until it is another one.
    pub(super) const fn left(self) -> Option<Duration> {
        match self {
            Self::Fresh(left) | Self::Revalidating(left) | Self::IfError(left) => Some(left),
            Self::Expired => None,
        }
    }
}
