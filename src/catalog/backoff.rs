//! How long an upstream is left alone after a walk failed.
//!
//! A struggling upstream must not be made worse: each failure in a row doubles the wait, up to a
//! bound, and what the upstream itself asks for counts too.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::exponential;
use crate::error::{ErrorKind, UpstreamError};
use crate::plan::Freshness;

/// The longest wait after failures, unless the upstream asks for more.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// The longest wait after our credentials were refused: trying those again and again locks accounts.
const LONGEST_WAIT_REFUSED: Duration = Duration::from_mins(10);

/// The wait after a walk for which the gateway itself had no room.
const WAIT_OVERLOADED: Duration = Duration::from_secs(1);

/// The last walk, which failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) error: Arc<UpstreamError>,
    pub(super) at: Instant,
    /// How many walks failed in a row, with this one.
    pub(super) count: u32,
}

impl Failure {
    /// How long the upstream is left alone after this failure, from now on.
    pub(super) fn wait(&self, freshness: Freshness, now: Instant) -> Option<Duration> {
        let until = self.until(freshness);
        (until > now).then(|| until - now)
    }

    /// Until when the upstream is left alone after this failure: twice as long with each one that
    /// follows, and as long as it asks for.
    pub(super) fn until(&self, freshness: Freshness) -> Instant {
        if self.error.kind == ErrorKind::Overloaded {
            // Nothing was asked of the upstream.
            return self.at + WAIT_OVERLOADED;
        }
        let longest = if self.error.kind == ErrorKind::Unauthorized {
            LONGEST_WAIT_REFUSED
        } else {
            LONGEST_WAIT
        };
        let wait = exponential(freshness.min_refresh, self.count.saturating_sub(1), longest);
        self.at + wait.max(self.error.retry_after.unwrap_or_default())
    }
}
