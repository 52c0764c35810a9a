//! How old a snapshot is, and what that makes of it: a plain function of two moments.

use std::time::Duration;

use tokio::time::Instant;

use crate::upstream::adapter::Freshness;

use super::store::CachedSnapshot;

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
    /// The age of a snapshot `now`.
    pub(super) fn of(stored: &CachedSnapshot, freshness: Freshness, now: Instant) -> Self {
        let age = now.saturating_duration_since(stored.at);
        if let Some(before) = stored.restored {
            // It stands in until the first walk succeeds, whatever its age.
            let serves = freshness.ttl.saturating_add(freshness.stale_if_error);
            let left = serves.saturating_sub(age.saturating_add(before));
            return if left.is_zero() {
                Self::Expired
            } else {
                Self::Revalidating(left)
            };
        }
        let Some(past) = age.checked_sub(freshness.ttl) else {
            return Self::Fresh(freshness.ttl.saturating_sub(age));
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
