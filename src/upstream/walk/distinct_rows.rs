//! What a list brings that is not one of groups, each once.

use std::hash::BuildHasher as _;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use crate::group::ReadRow;

/// What was read of the records of a list, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct DistinctRows {
    rows: Vec<ReadRow>,
    /// Where each stands, by its hash.
    places: HashTable<u32>,
    state: RandomState,
}

impl DistinctRows {
    /// Adds what a page brings, and says how much of it came before.
    pub(super) fn add(&mut self, rows: Vec<ReadRow>) -> u64 {
        let mut repeated = 0;
        for row in rows {
            let (known, state) = (&self.rows, &self.state);
            let at = |place: &u32| known.get(*place as usize);
            let is_same = |place: &u32| at(place) == Some(&row);
            let hash = |place: &u32| at(place).map_or(0, |row| state.hash_one(row));
            match self.places.entry(state.hash_one(&row), is_same, hash) {
                hashbrown::hash_table::Entry::Occupied(_) => repeated += 1,
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
