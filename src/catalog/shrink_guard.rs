//! The shrink guard: a list that has suddenly become much shorter is not believed at once.
//!
//! An upstream that loses half of its groups from one walk to the next has more often lost its
//! mind than its groups. The shorter list is held back and the older one serves on, until a second
//! walk, begun a while later, agrees. A guard never leaves callers without a list: where the older
//! one may be served no more, the shorter one serves.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;

use crate::config::Share;

/// Lists below this change so much by ordinary work that only an empty one is suspicious.
const SMALL: usize = 10;

/// The shortest time between a walk that is held back and one that may confirm it. What is wrong
/// with an upstream for a moment is still wrong a moment later.
const SOONEST: Duration = Duration::from_secs(1);

/// A list that was read and is held back, because it is much shorter than the one that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PendingShrink {
    /// How many groups it has.
    pub groups: usize,
    /// How many the list has that is served instead.
    pub served: usize,
    /// When the first walk began that brought so few, RFC 3339 UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Timestamp,
}

/// A list that is held back, and when another walk may confirm it.
#[derive(Debug, Clone, Copy)]
pub(super) struct PendingConfirmation {
    pub(super) shown: PendingShrink,
    /// A walk that begins from here on is believed.
    pub(super) not_before: Instant,
}

impl PendingConfirmation {
    /// A list held back from now on.
    pub(super) fn new(shown: PendingShrink, min_refresh: Duration, now: Instant) -> Self {
        Self {
            shown,
            not_before: now + min_refresh.max(SOONEST),
        }
    }
}

/// Whether a list of `brought` groups is too short to replace one of `served` at once.
pub(super) fn is_suspicious(share: Share, served: usize, brought: usize) -> bool {
    let least = served as f64 * share.get();
    (brought as f64) < least && (served >= SMALL || brought == 0)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::half_is_enough(100, 50, false)]
    #[case::less_than_half_is_not(100, 49, true)]
    #[case::growth(10, 1000, false)]
    #[case::nothing_left(100, 0, true)]
    #[case::nothing_left_of_one(1, 0, true)]
    #[case::a_small_list_may_shrink(3, 1, false)]
    #[case::the_smallest_that_is_guarded(10, 4, true)]
    #[case::the_largest_that_is_not(9, 1, false)]
    #[case::empty_before_and_after(0, 0, false)]
    fn a_list_is_suspicious_that_has_lost_more_than_its_share(
        #[case] served: usize,
        #[case] brought: usize,
        #[case] expected: bool,
    ) {
        assert_eq!(is_suspicious(Share::HALF, served, brought), expected);
        assert!(!is_suspicious(Share::NONE, served, brought));
    }
}
