//! The shrink guard: a list that is suddenly much shorter does not replace the current one at once.
//!
//! A sudden drop is usually an upstream fault, not a deletion. The shorter list waits, and the older
//! one stays in service, until a second walk that starts a little later brings the same groups. Another
//! short list confirms nothing: the upstream may be filling up again. The guard never
//! leaves callers without a list: once the older list has expired, the shorter one is served.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;

use crate::plan::Share;
use crate::snapshot::{RowRef, Snapshot};

/// Ordinary edits change shorter lists so much that only an empty one is suspicious.
const SMALL: usize = 10;

/// The shortest time between a walk and the one that may confirm it. A fault that lasts a moment is
/// still there a moment later.
const SOONEST: Duration = Duration::from_secs(1);

/// A list that waits for confirmation, because it is much shorter than the one that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PendingShrink {
    /// The number of groups in it.
    pub groups: usize,
    /// The number of groups in the list that is served instead.
    pub served: usize,
    /// When the first walk that brought so few began, RFC 3339 UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Timestamp,
}

/// A list that waits for confirmation, and when a walk may confirm it.
#[derive(Debug, Clone, Copy)]
pub(super) struct PendingConfirmation {
    pub(super) shown: PendingShrink,
    /// Which groups the list holds.
    pub(super) groups: u64,
    /// A walk that begins at this moment or later may confirm it.
    pub(super) not_before: Instant,
}

impl PendingConfirmation {
    /// A list that waits for confirmation from now on.
    pub(super) fn new(
        shown: PendingShrink,
        groups: u64,
        min_refresh: Duration,
        now: Instant,
    ) -> Self {
        Self {
            shown,
            groups,
            not_before: now + min_refresh.max(SOONEST),
        }
    }
}

/// Which groups a list holds, as a number that is equal for equal ids.
pub(super) fn groups(snapshot: &Snapshot) -> u64 {
    let mut ids: Vec<_> = snapshot.rows().map(RowRef::id).collect();
    ids.sort_unstable();
    let mut hasher = DefaultHasher::new();
    ids.hash(&mut hasher);
    hasher.finish()
}

/// Whether a list of `brought` groups is too short to replace one of `served` groups at once.
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
    fn a_list_that_has_lost_more_than_the_allowed_share_is_suspicious(
        #[case] served: usize,
        #[case] brought: usize,
        #[case] expected: bool,
    ) {
        assert_eq!(is_suspicious(Share::HALF, served, brought), expected);
        assert!(!is_suspicious(Share::NONE, served, brought));
    }
}
