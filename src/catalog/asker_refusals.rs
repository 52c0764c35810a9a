//! Callers whose credentials an upstream refuses again and again.
//!
//! What is forwarded is free text: whoever makes up new credentials for each request would ask the upstream
//! about each, for every one is a scope of its own that has never failed. So refusals count for the caller
//! too: after a few in a row, no new credentials of it are tried for a while.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::exponential;
use crate::caller::Asker;

/// How many refusals in a row cost nothing.
const FREE: u32 = 4;

/// How long new credentials wait after one more. It doubles with each that follows.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// How many callers are remembered. Beyond it, those that need not wait are forgotten.
const MANY: usize = 1024;

/// Counts the refusals of each caller.
#[derive(Debug, Default)]
pub(super) struct AskerRefusals(Mutex<HashMap<Asker, RefusalsInARow>>);

#[derive(Debug, Default)]
struct RefusalsInARow {
    count: u32,
    until: Option<Instant>,
}

impl AskerRefusals {
    /// How long new credentials of this caller have to wait, if they have to.
    pub(super) fn wait(&self, asker: Asker, now: Instant) -> Option<Duration> {
        let until = self.lock().get(&asker)?.until?;
        (until > now).then(|| until - now)
    }

    /// What the upstream made of credentials of this caller.
    pub(super) fn note(&self, asker: Asker, is_refused: bool, now: Instant) {
        let mut callers = self.lock();
        if !is_refused {
            callers.remove(&asker);
            return;
        }
        if callers.len() >= MANY {
            callers.retain(|_, row| row.until.is_some_and(|until| until > now));
        }
        let row = callers.entry(asker).or_default();
        row.count = row.count.saturating_add(1);
        if row.count > FREE {
            let wait = exponential(SHORTEST_WAIT, row.count - FREE - 1, LONGEST_WAIT);
            row.until = Some(now + wait);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Asker, RefusalsInARow>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::{Caller, Identity};

    fn asker(number: u8) -> Asker {
        Caller {
            identity: Identity::Authenticated([number; 32]),
            ..Caller::default()
        }
        .asker()
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_is_refused_again_and_again_waits_longer_each_time_and_no_other_does() {
        let refusals = AskerRefusals::default();
        let now = Instant::now();
        let waits = (0..7).map(|_| {
            refusals.note(asker(1), true, now);
            refusals
                .wait(asker(1), now)
                .map_or(0, |wait| wait.as_secs())
        });
        assert_eq!(waits.collect::<Vec<_>>(), [0, 0, 0, 0, 1, 2, 4]);
        assert_eq!(refusals.wait(asker(2), now), None);
        assert_eq!(refusals.wait(asker(1), now + LONGEST_WAIT), None);
        refusals.note(asker(1), false, now);
        assert_eq!(refusals.wait(asker(1), now), None);
    }
}
