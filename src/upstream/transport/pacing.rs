//! Pacing: spreads the few requests that an upstream still allows, before it refuses any.

use std::time::Duration;

use tokio::time::Instant;

use crate::upstream::classify::delay::LONGEST_DELAY;
use crate::upstream::classify::rate_limit_headers::RateLimitStatus;

/// The longest that a successful response delays a request. It may be wrong about what remains, or
/// state only the next hour's limit; a request that is refused later says itself when to come back.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Resets that are no further apart belong to one window: they are stated in whole seconds.
const SAME_WINDOW: Duration = Duration::from_millis(1500);

/// The remaining requests, pacing over the time until the limit resets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pacing {
    remaining: u64,
    ends: Instant,
    next: Instant,
    /// The longest interval between two requests.
    longest: Duration,
}

impl Pacing {
    /// The pacing after a response that states `limits`, given the pacing before it. No request
    /// waits longer than `longest` after the one before.
    pub(super) fn after(
        earlier: Option<Self>,
        limits: &[RateLimitStatus],
        now: Instant,
        longest: Duration,
    ) -> Option<Self> {
        let earlier = earlier.filter(|pacing| pacing.ends > now);
        let is_same = |pacing: &Self, status: &RateLimitStatus| {
            let ends = now + status.resets_in;
            let apart = ends.max(pacing.ends) - ends.min(pacing.ends);
            apart <= SAME_WINDOW
        };
        let scarce = limits.iter().filter(|status| status.is_scarce());
        let tightest = scarce.max_by_key(|status| match status.remaining {
            0 => (true, status.resets_in),
            _ => (false, status.interval()),
        });
        match (earlier, tightest) {
            // Responses may arrive out of order: the one with fewer remaining is the newer one.
            (Some(pacing), Some(status)) if is_same(&pacing, status) => Some(Self {
                remaining: pacing.remaining.min(status.remaining),
                next: match status.remaining {
                    0 => pacing.next.max(now + status.interval().min(longest)),
                    _ => pacing.next,
                },
                longest,
                ..pacing
            }),
            (earlier, Some(status)) => {
                let soon = now + status.interval().min(longest);
                Some(Self {
                    remaining: status.remaining,
                    ends: now + status.resets_in.min(LONGEST_DELAY),
                    next: match (status.remaining, earlier) {
                        (0, _) => soon,
                        (_, Some(pacing)) => pacing.next.min(soon).max(now),
                        (_, None) => now,
                    },
                    longest,
                })
            }
            (Some(pacing), None) => {
                let is_over = limits.iter().any(|status| !is_same(&pacing, status));
                (!is_over).then_some(pacing)
            }
            (None, None) => None,
        }
    }

    /// When the next request may be sent, if not now.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        if now >= self.ends {
            return None;
        }
        let due = self.next.min(self.ends);
        (due > now).then_some(due)
    }

    /// Counts a request that is sent now.
    pub(super) fn take(&mut self, now: Instant) {
        let Some(left) = self.ends.checked_duration_since(now) else {
            return;
        };
        let remaining = u32::try_from(self.remaining.max(1)).unwrap_or(u32::MAX);
        self.next = now + (left / remaining).min(self.longest);
        self.remaining = self.remaining.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(remaining: u64, limit: u64, seconds: u64) -> [RateLimitStatus; 1] {
        [RateLimitStatus {
            remaining,
            limit: Some(limit),
            resets_in: Duration::from_secs(seconds),
        }]
    }

    fn after(earlier: Option<Pacing>, limits: &[RateLimitStatus], now: Instant) -> Option<Pacing> {
        Pacing::after(earlier, limits, now, LONGEST_DELAY)
    }

    fn seconds(mut pacing: Pacing, count: usize) -> Vec<u64> {
        let start = Instant::now();
        let mut now = start;
        let next = || {
            if let Some(due) = pacing.due(now) {
                now = due;
            }
            pacing.take(now);
            (now - start).as_secs()
        };
        std::iter::repeat_with(next).take(count).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_paced_while_many_requests_remain() {
        assert!(after(None, &limit(21, 100, 30), Instant::now()).is_none());
        assert!(after(None, &limit(20, 100, 30), Instant::now()).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_remaining_requests_are_spread_evenly_until_the_reset() {
        let pacing = after(None, &limit(3, 100, 30), Instant::now()).unwrap();
        assert_eq!(seconds(pacing, 5), [0, 10, 20, 30, 30]);
        let pacing = after(None, &limit(0, 100, 30), Instant::now()).unwrap();
        assert_eq!(seconds(pacing, 1), [30]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_a_long_window_delays_no_request_for_too_long() {
        let now = Instant::now();
        for (remaining, expected) in [(0, [60, 120, 180]), (2, [0, 60, 120])] {
            let pacing = Pacing::after(None, &limit(remaining, 100, 600), now, LONGEST_PAUSE);
            assert_eq!(seconds(pacing.unwrap(), 3), expected);
        }
        // Repeated in each response, it gets no longer.
        let pacing = Pacing::after(None, &limit(0, 100, 600), now, LONGEST_PAUSE);
        let again = Pacing::after(pacing, &limit(0, 100, 600), now, LONGEST_PAUSE);
        assert_eq!(seconds(again.unwrap(), 2), [60, 120]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_tightest_of_several_limits_applies() {
        let both = [
            limit(5, 100, 5)[0],
            limit(2, 100, 60)[0],
            limit(90, 100, 600)[0],
        ];
        let pacing = after(None, &both, Instant::now()).unwrap();
        assert_eq!(seconds(pacing, 2), [0, 30]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_out_of_order_does_not_give_back_requests() {
        let now = Instant::now();
        let pacing = after(None, &limit(0, 100, 30), now);
        let pacing = after(pacing, &limit(1, 100, 30), now);
        assert_eq!(seconds(pacing.unwrap(), 1), [30]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_window_starts_over() {
        let now = Instant::now();
        let pacing = after(None, &limit(1, 100, 2), now);
        let later = now + Duration::from_secs(3);
        assert!(after(pacing, &limit(99, 100, 60), later).is_none());
        let early = now + Duration::from_secs(1);
        assert!(after(pacing, &limit(99, 100, 60), early).is_none());
        assert!(after(pacing, &[], early).is_some());
    }
}
