//! The latest moment for an answer.
//!
//! `server.deadline` counts from the request, and no caller waits past it. A share of it is kept
//! back: sources are waited for until that share begins, and what they gave is merged, rendered
//! and written in it. The gateway answers with what it has by then; the layer is the backstop for
//! whatever does not. It bounds the time until the response begins, not a streamed body.

use std::time::Duration;

use tokio::time::Instant;

/// What is kept back of the time for an answer: a twentieth, within these bounds. Less would be
/// lost on a busy machine; more would only shorten the wait.
const LEAST_KEPT: Duration = Duration::from_millis(50);
const MOST_KEPT: Duration = Duration::from_millis(500);

/// The latest moments in the life of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallerDeadline {
    /// Until when sources are waited for.
    pub(crate) wait_until: Instant,
    /// When the answer is given up. A moment before the caller's deadline: that, too, is an answer
    /// that has to be written.
    pub(crate) answer: Instant,
}

impl CallerDeadline {
    /// The deadline of a request that came at `begun` and may take this long.
    pub(crate) fn new(begun: Instant, allowed: Duration) -> Self {
        let kept = (allowed / 20).clamp(LEAST_KEPT, MOST_KEPT).min(allowed / 2);
        Self {
            wait_until: begun + allowed.saturating_sub(kept),
            answer: begun + allowed.saturating_sub(kept / 4),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_twentieth(4_000, 3_800, 3_950)]
    #[case::but_not_less_than_50_ms(400, 350, 388)]
    #[case::nor_more_than_500_ms(60_000, 59_500, 59_875)]
    #[case::nor_more_than_a_half(40, 20, 35)]
    #[tokio::test(start_paused = true)]
    async fn a_share_of_the_time_is_kept_back_for_the_answer(
        #[case] allowed: u64,
        #[case] wait: u128,
        #[case] answer: u128,
    ) {
        let begun = Instant::now();
        let deadline = CallerDeadline::new(begun, Duration::from_millis(allowed));
        assert_eq!((deadline.wait_until - begun).as_millis(), wait);
        // Rounded up: what is a fraction before the moment is not after it.
        let latest = (deadline.answer - begun).as_micros().div_ceil(1000);
        assert_eq!(latest, answer);
    }
}
