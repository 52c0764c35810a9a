//! Callers whose credentials an upstream refuses again and again.
//!
//! What is forwarded is free text: whoever makes up new credentials for each request would ask the upstream
//! about each, for every one is a scope of its own that has never failed. So refusals count for the caller
//! too: after a few, no new credentials of it are tried for a while. What counts are credentials that are new: one
//! that is refused again is left alone by its own backoff, and one that is known to be good proves nothing of others.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::time::Instant;

use crate::backoff::exponential;
use crate::caller::Asker;

/// How many refusals more than acceptances cost nothing.
const FREE: u32 = 4;

/// How long new credentials wait after one more. It doubles with each that follows.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// How many callers are remembered. Beyond it, the one of whom nothing was heard for longest is forgotten.
const MANY: u64 = 4096;

/// How long a caller is remembered that asks for nothing new.
const IDLE: Duration = Duration::from_mins(2);

/// Counts the refusals of each caller.
pub(super) struct AskerRefusals(Cache<Asker, Arc<Mutex<RefusalCount>>>);

#[derive(Debug, Default)]
struct RefusalCount {
    count: u32,
    until: Option<Instant>,
}

impl Default for AskerRefusals {
    fn default() -> Self {
        let rows = Cache::builder()
            .eviction_policy(EvictionPolicy::lru())
            .max_capacity(MANY)
            .time_to_idle(IDLE);
        Self(rows.build())
    }
}

impl AskerRefusals {
    /// How long new credentials of this caller have to wait, if they have to.
    pub(super) fn wait(&self, asker: Asker, now: Instant) -> Option<Duration> {
        let row = self.0.get(&asker)?;
        let until = row.lock().unwrap_or_else(PoisonError::into_inner).until?;
        (until > now).then(|| until - now)
    }

    /// What the upstream made of new credentials of this caller. One that it takes makes up for one that it refuses.
    pub(super) fn note(&self, asker: Asker, is_refused: bool, now: Instant) {
        if !is_refused && !self.0.contains_key(&asker) {
            return;
        }
        let row = self.0.get_with(asker, Arc::default);
        let mut row = row.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_refused {
            row.count = row.count.saturating_sub(1);
            row.until = row.until.filter(|_| row.count > FREE);
            return;
        }
        row.count = row.count.saturating_add(1);
        if row.count > FREE {
            let wait = exponential(SHORTEST_WAIT, row.count - FREE - 1, LONGEST_WAIT);
            row.until = Some(now + wait);
        }
    }
}

impl fmt::Debug for AskerRefusals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AskerRefusals")
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::{Caller, Identity};

    fn asker(number: u64) -> Asker {
        let mut identity = [0; 32];
        identity[..8].copy_from_slice(&number.to_be_bytes());
        Caller {
            identity: Identity::Authenticated(identity),
            ..Caller::default()
        }
        .asker()
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_is_refused_again_and_again_waits_longer_each_time_and_no_other_does() {
        let refusals = AskerRefusals::default();
        let now = Instant::now();
        let waits = (0..14).map(|_| {
            refusals.note(asker(1), true, now);
            refusals
                .wait(asker(1), now)
                .map_or(0, |wait| wait.as_secs())
        });
        assert_eq!(
            waits.collect::<Vec<_>>(),
            [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
        );
        assert_eq!(refusals.wait(asker(2), now), None);
        assert_eq!(refusals.wait(asker(1), now + LONGEST_WAIT), None);
    }

    #[tokio::test(start_paused = true)]
    async fn new_credentials_that_are_taken_make_up_for_one_refusal_each() {
        let refusals = AskerRefusals::default();
        let now = Instant::now();
        let wait_after = |is_refused| {
            refusals.note(asker(1), is_refused, now);
            refusals.wait(asker(1), now).map(|wait| wait.as_secs())
        };
        let noted = [
            true, true, true, true, false, true, true, true, false, false,
        ];
        let waits = noted.map(wait_after);
        let none = None;
        assert_eq!(
            waits,
            [
                none,
                none,
                none,
                none,
                none,
                none,
                Some(1),
                Some(2),
                Some(2),
                none
            ]
        );
        // Nobody is remembered who was never refused.
        refusals.note(asker(2), false, now);
        refusals.0.run_pending_tasks();
        assert_eq!(refusals.0.entry_count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn few_callers_are_remembered_and_the_last_of_them_have_to_wait() {
        let refusals = AskerRefusals::default();
        let now = Instant::now();
        for number in 0..MANY + 500 {
            for _ in 0..=FREE {
                refusals.note(asker(number), true, now);
            }
        }
        refusals.0.run_pending_tasks();
        assert_eq!(refusals.0.entry_count(), MANY);
        assert!(refusals.wait(asker(MANY + 499), now).is_some());
        assert!(refusals.wait(asker(0), now).is_none());
    }
}
