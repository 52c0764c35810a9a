//! What a list brings that is not one of groups, each once.

use std::hash::BuildHasher as _;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use crate::group::{ReadRow, row_bytes};

/// What was read of the records of a list, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct DistinctRows {
    rows: Vec<ReadRow>,
    /// Where each stands, by its hash.
    places: HashTable<u32>,
    state: RandomState,
}

/// The rows of a page that came before, and are dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RepeatedRows {
    pub(super) count: u64,
    /// The memory that they took.
    pub(super) bytes: u64,
}

impl DistinctRows {
    /// Adds what a page brings, and says how much of it came before.
    pub(super) fn add(&mut self, rows: Vec<ReadRow>) -> RepeatedRows {
        let mut repeated = RepeatedRows::default();
        for row in rows {
            let (known, state) = (&self.rows, &self.state);
            let at = |place: &u32| known.get(*place as usize);
            let is_same = |place: &u32| at(place) == Some(&row);
            let hash = |place: &u32| at(place).map_or(0, |row| state.hash_one(row));
            match self.places.entry(state.hash_one(&row), is_same, hash) {
                hashbrown::hash_table::Entry::Occupied(_) => {
                    repeated.count += 1;
                    repeated.bytes += row_bytes(&row);
                }
                hashbrown::hash_table::Entry::Vacant(entry) => {
                    entry.insert(known.len() as u32);
                    self.rows.push(row);
                }
            }
        }
        repeated
    }

    /// Whether this came before.
    pub(super) fn contains(&self, row: &ReadRow) -> bool {
        let is_same = |place: &u32| self.rows.get(*place as usize) == Some(row);
        self.places
            .find(self.state.hash_one(row), is_same)
            .is_some()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn into_rows(self) -> Vec<ReadRow> {
        self.rows
    }
}
