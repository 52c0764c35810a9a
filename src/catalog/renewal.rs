//! When a background walk is due.
//!
//! There are two reasons for one: `refresh = "background"` renews a list before it expires, and a
//! shrunk list waits for confirmation. Both times are plain functions of the walks so far; one task
//! per entry sleeps until then (`keep_fresh.rs`).

use std::time::Duration;

use tokio::time::Instant;

/// The part of the time to live that is left when a renewal starts. It is drawn from a wide range, so
/// that replicas that were started together soon walk at different times.
const LEAST_LEAD: f64 = 0.1;
const MOST_LEAD: f64 = 0.3;

/// How long after the backoff a failed walk may be tried again, as a part of the backoff.
const RETRY_SPREAD: f64 = 0.2;

/// When to renew a list that was read at `read`, in a walk that took `taken`, and is fresh for `ttl`.
///
/// The walk should end before the list expires, even if it takes a quarter longer than the last one.
/// A renewal never starts in the first half of the time to live, so a slow upstream is not walked
/// without pause. `jitter` is from 0 to 1.
pub(super) fn renewal(read: Instant, ttl: Duration, taken: Duration, jitter: f64) -> Instant {
    let lead = LEAST_LEAD + (MOST_LEAD - LEAST_LEAD) * jitter;
    let lead = ttl.mul_f64(lead) + taken.mul_f64(1.25);
    read + ttl.saturating_sub(lead).max(ttl / 2)
}

/// When to try an upstream again that failed at `failed`, with a backoff that ends at `until`.
pub(super) fn retry(failed: Instant, until: Instant, jitter: f64) -> Instant {
    let backoff = until.saturating_duration_since(failed);
    until + backoff.mul_f64(RETRY_SPREAD * jitter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TTL: Duration = Duration::from_secs(30);

    #[test]
    fn a_list_is_renewed_early_enough_for_its_walk_to_end() {
        let read = Instant::now();
        let at = |taken, jitter| renewal(read, TTL, taken, jitter) - read;
        assert_eq!(at(Duration::ZERO, 0.0), TTL.mul_f64(0.9));
        assert_eq!(at(Duration::ZERO, 1.0), TTL.mul_f64(0.7));
        assert_eq!(at(Duration::from_secs(4), 0.0), Duration::from_secs(22));
    }

    proptest! {
        #[test]
        fn a_list_is_never_renewed_before_half_of_its_time_nor_after_it(
            ttl in 1..100_000_u64,
            taken in 0..200_000_u64,
            jitter in 0.0..1.0,
        ) {
            let read = Instant::now();
            let ttl = Duration::from_millis(ttl);
            let at = renewal(read, ttl, Duration::from_millis(taken), jitter) - read;
            prop_assert!(at >= ttl / 2 && at < ttl);
        }

        #[test]
        fn an_upstream_that_failed_is_not_tried_before_its_backoff_ends(
            backoff in 1..100_000_u64,
            jitter in 0.0..1.0,
        ) {
            let failed = Instant::now();
            let until = failed + Duration::from_millis(backoff);
            let at = retry(failed, until, jitter);
            prop_assert!(at >= until);
            prop_assert!(at - failed <= Duration::from_millis(backoff).mul_f64(1.21));
        }
    }
}
