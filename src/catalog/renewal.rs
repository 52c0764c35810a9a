//! When the next walk begins that nobody asked for.
//!
//! Two things call for one: a list that is renewed before it expires (`refresh = "background"`),
//! and a list that is held back until another walk confirms it. Both are a plain function of what
//! is known of the walks so far; a task per entry sleeps until the moment that it names
//! (`keep_fresh.rs`).

use std::time::Duration;

use tokio::time::Instant;

/// How much of its time to live is left when a list is renewed: some lead for the walk to end in,
/// drawn from a range so wide that replicas which were started together soon walk apart.
const LEAST_LEAD: f64 = 0.1;
const MOST_LEAD: f64 = 0.3;

/// How much later than allowed a failed walk is tried again, as a part of the rest.
const RETRY_SPREAD: f64 = 0.2;

/// When a list is renewed that was read at `read` by a walk of `taken`, and is fresh for `ttl`.
///
/// The walk should have ended before the list expires, even if it takes a quarter longer than the
/// last one. One that takes too long for that begins after half of the time to live: the upstream
/// is never asked all the time. `jitter` is from 0 to 1.
pub(super) fn renewal(read: Instant, ttl: Duration, taken: Duration, jitter: f64) -> Instant {
    let lead = LEAST_LEAD + (MOST_LEAD - LEAST_LEAD) * jitter;
    let lead = ttl.mul_f64(lead) + taken.mul_f64(1.25);
    read + ttl.saturating_sub(lead).max(ttl / 2)
}

/// When an upstream is tried again that rests from `failed` until `rested`.
pub(super) fn retry(failed: Instant, rested: Instant, jitter: f64) -> Instant {
    let rest = rested.saturating_duration_since(failed);
    rested + rest.mul_f64(RETRY_SPREAD * jitter)
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
        fn an_upstream_that_failed_is_not_tried_before_its_rest_is_over(
            rest in 1..100_000_u64,
            jitter in 0.0..1.0,
        ) {
            let failed = Instant::now();
            let rested = failed + Duration::from_millis(rest);
            let at = retry(failed, rested, jitter);
            prop_assert!(at >= rested);
            prop_assert!(at - failed <= Duration::from_millis(rest).mul_f64(1.21));
        }
    }
}
