//! Which partitions a list was read for: with others, what has changed does not tell what the list is.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::group::ReadRow;
use crate::hex::hex;

/// The partitions that a list was read for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionSet {
    count: u64,
    /// Of the values of all of them, in whatever order they came.
    digest: String,
}

impl PartitionSet {
    pub(super) fn of(rows: &[ReadRow]) -> Self {
        let count = rows.len() as u64;
        let mut rows: Vec<&ReadRow> = rows.iter().collect();
        rows.sort_unstable_by_key(|row| {
            let values = row.iter().flatten();
            values.map(|value| &*value.text).collect::<Vec<_>>()
        });
        let mut digest = Sha256::new();
        for value in rows.into_iter().flatten().flatten() {
            digest.update((value.text.len() as u64).to_be_bytes());
            digest.update(&*value.text);
        }
        Self {
            count,
            digest: hex(&digest.finalize()),
        }
    }

    /// Whether there are several.
    pub(super) const fn are_several(&self) -> bool {
        self.count > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::ReadText;

    fn set(rows: &[&[&str]]) -> PartitionSet {
        let row = |row: &&[&str]| {
            let values = row.iter().map(|text| Some(ReadText::text(*text)));
            values.collect::<ReadRow>()
        };
        PartitionSet::of(&rows.iter().map(row).collect::<Vec<_>>())
    }

    #[test]
    fn the_order_of_partitions_makes_no_difference_and_their_values_do() {
        let two = set(&[&["a", "1"], &["b", "2"]]);
        assert_eq!(two, set(&[&["b", "2"], &["a", "1"]]));
        assert_ne!(two, set(&[&["a", "1"], &["b", "3"]]));
        assert_ne!(two, set(&[&["a1", ""], &["b", "2"]]));
        assert_ne!(two, set(&[&["a", "1"]]));
    }
}
