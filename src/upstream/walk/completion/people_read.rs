//! What came of the lists of people in one role over a whole walk, and what of it looks wrong.
//!
//! One list without anybody says nothing, but a path or a value that is wrong empties all of them.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::group::ReadRow;
use crate::plan::{ListReading, RecordColumn};

/// What came of all lists in one role.
#[derive(Debug, Default)]
pub(super) struct PeopleRead {
    people: AtomicU64,
    /// Those of them that have a value in each column: id and email address.
    valued: [AtomicU64; 2],
    /// Items that `records.only` left out.
    left_out: AtomicU64,
}

/// What looks wrong in all lists of people in one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PeopleDoubt {
    /// `records.only` left all of so many items out.
    LeftOut(u64),
    /// None of so many people has a value for the field, which is mapped.
    Lacking(&'static str, u64),
}

impl PeopleRead {
    /// Takes note of one list.
    pub(super) fn note(&self, people: &[ReadRow], left_out: u64) {
        self.people
            .fetch_add(people.len() as u64, Ordering::Relaxed);
        self.left_out.fetch_add(left_out, Ordering::Relaxed);
        for (column, valued) in self.valued.iter().enumerate() {
            let has_value = |row: &&ReadRow| row.get(column).is_some_and(Option::is_some);
            let count = people.iter().filter(has_value).count() as u64;
            valued.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// What looks wrong of all lists that were read.
    pub(super) fn doubts(&self, list: &ListReading) -> Vec<PeopleDoubt> {
        let people = self.people.load(Ordering::Relaxed);
        if people == 0 {
            let left_out = self.left_out.load(Ordering::Relaxed);
            let doubt = (left_out > 0).then_some(PeopleDoubt::LeftOut(left_out));
            return doubt.into_iter().collect();
        }
        let columns = list.columns.iter().zip(["id", "email"]);
        let lacking = columns.zip(&self.valued).filter(|((column, _), valued)| {
            let is_mapped = matches!(column, RecordColumn::Value(field) if !field.0.is_empty());
            is_mapped && valued.load(Ordering::Relaxed) == 0
        });
        lacking
            .map(|((_, name), _)| PeopleDoubt::Lacking(name, people))
            .collect()
    }
}
