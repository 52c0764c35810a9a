//! What a walk counted besides groups.

use std::ops::AddAssign;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a walk counted besides groups. All zero is a clean walk. Of people it counts those in lists that it read, not
/// in those that it took from the list that was there (`reuse`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Records skipped because they have no id or no name, or an id that is too long.
    pub skipped: u64,
    /// Records left out because they are no groups, by what the adapter declares (`records.only`). Missing
    /// where there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// Records left out because their id had come before.
    pub repeated: u64,
    /// Times that could not be read; they are null and kept under `attributes`.
    pub unparsed_timestamps: u64,
    /// Items of lists of people that were skipped because they have neither an id nor an email address where the
    /// adapter says. Missing where there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unread_people: u64,
    /// Items of lists of people that were left out because they have nothing at the path that `only` compares. Missing
    /// where there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unmarked_people: u64,
    /// Items of lists of people of their own that were left out because the same had come before in that list. Missing
    /// where there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeated_people: u64,
    /// People whom groups name by an id that the list of users does not have, so that they have no address. Missing
    /// where there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unknown_people: u64,
    /// Whether the list changed while it was walked, also on the second try, or one of those that belong to it.
    pub drifted: bool,
    /// Groups left out because they were gone when their details or people were asked for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gone: u64,
    /// Partitions left out with their groups because they were gone (`partitions.gone`). Missing where there are
    /// none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub partitions_gone: u64,
    /// Partitions left out with their groups because they refused the credentials (`partitions.refused`). Missing
    /// where there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub partitions_refused: u64,
    /// Groups that have changed since the walk before, where it asked only for those; absent if it asked for
    /// everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<u64>,
    /// Groups that it took out of the list, where it asked only for what has changed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub removed: u64,
    /// Groups in which a walk for everything differed from what walks for changes had made of the list, or had changed
    /// although they would have been taken for unchanged.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub differing: u64,
}

impl AddAssign for Counts {
    /// Adds what a list of other groups counted.
    fn add_assign(&mut self, other: Self) {
        let Self {
            skipped,
            left_out,
            repeated,
            unparsed_timestamps,
            unread_people,
            unmarked_people,
            repeated_people,
            unknown_people,
            drifted,
            gone,
            partitions_gone,
            partitions_refused,
            changed,
            removed,
            differing,
        } = other;
        self.skipped += skipped;
        self.left_out += left_out;
        self.repeated += repeated;
        self.unparsed_timestamps += unparsed_timestamps;
        self.unread_people += unread_people;
        self.unmarked_people += unmarked_people;
        self.repeated_people += repeated_people;
        self.unknown_people += unknown_people;
        self.drifted |= drifted;
        self.gone += gone;
        self.partitions_gone += partitions_gone;
        self.partitions_refused += partitions_refused;
        self.changed = match (self.changed, changed) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
        self.removed += removed;
        self.differing += differing;
    }
}

const fn is_zero(count: &u64) -> bool {
    *count == 0
}
