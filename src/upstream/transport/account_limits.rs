//! What an upstream has said of how often it may be asked with one account.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::pacing::Pacing;

/// What an upstream has said in its responses of one account. Clones share it; set as an extension of the requests of an
/// account that only one caller has.
#[derive(Debug, Clone, Default)]
pub(in crate::upstream) struct AccountLimits(Arc<Mutex<Requested>>);

/// What the upstream has requested in its responses.
#[derive(Debug, Default)]
pub(super) struct Requested {
    blocked_until: Option<Instant>,
    pub(super) pacing: Option<Pacing>,
}

impl AccountLimits {
    pub(super) fn lock(&self) -> MutexGuard<'_, Requested> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Delays all requests for so long.
    pub(super) fn block(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let blocked = &mut self.lock().blocked_until;
        *blocked = Some(blocked.map_or(until, |earlier| earlier.max(until)));
    }
}

impl Requested {
    /// When the next request may be sent, if not at once.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        let blocked = self.blocked_until.filter(|&until| until > now);
        blocked.or_else(|| self.pacing.and_then(|pacing| pacing.due(now)))
    }

    pub(super) fn take(&mut self, now: Instant) {
        if let Some(pacing) = &mut self.pacing {
            pacing.take(now);
        }
    }
}
