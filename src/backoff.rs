//! Exponential backoff: one rule for retries, breakers and failed walks.

use std::time::Duration;

/// `first`, doubled so many times, up to `longest`; never less than `first`.
pub(crate) fn exponential(first: Duration, doublings: u32, longest: Duration) -> Duration {
    let doubled = first.saturating_mul(2_u32.saturating_pow(doublings));
    doubled.min(longest.max(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_its_bound_and_never_starts_above_it() {
        let seconds = |first, doublings, longest| {
            let (first, longest) = (Duration::from_secs(first), Duration::from_secs(longest));
            exponential(first, doublings, longest).as_secs()
        };
        assert_eq!([0, 1, 2, 3].map(|n| seconds(5, n, 30)), [5, 10, 20, 30]);
        assert_eq!(seconds(5, u32::MAX, 30), 30);
        assert_eq!(seconds(90, 3, 60), 90);
    }
}
