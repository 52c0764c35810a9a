//! The lists of people that the pages of another list bring too.
//!
//! Where to read on, and whether the pages are all, the list decides whose requests they are answers to. What is read of
//! each page for the others is gathered here, by the same rules: each row once, and records of which none gives anything
//! are an error, of that list alone.

use crate::error::UpstreamError;
use crate::group::ReadRow;
use crate::page::mapping::{BroughtPage, MappedPage};
use crate::plan::{Limits, RelatedList};
use crate::snapshot::Counts;

use super::distinct_rows::DistinctRows;
use super::records_read::{count_skips, nothing_read, too_many_records};

/// A list that the pages of another one brought too.
#[derive(Debug)]
pub(super) struct BroughtList {
    /// Which list.
    pub(super) list: RelatedList,
    /// What was read of it.
    pub(super) read: Result<ReadPeople, UpstreamError>,
}

/// What was read of a list of people.
#[derive(Debug)]
pub(super) struct ReadPeople {
    pub(super) rows: Vec<ReadRow>,
    pub(super) counts: Counts,
}

/// What pages have brought so far of other lists.
#[derive(Debug)]
pub(super) struct BroughtLists(Vec<(RelatedList, Result<BroughtRows, UpstreamError>)>);

#[derive(Debug, Default)]
struct BroughtRows {
    rows: DistinctRows,
    records: u64,
    counts: Counts,
    /// Whether a record is of another kind, by what it says of itself.
    has_marked: bool,
}

impl BroughtLists {
    /// Nothing of these lists yet.
    pub(super) fn new(lists: &[RelatedList]) -> Self {
        let lists = lists.iter().map(|list| (*list, Ok(BroughtRows::default())));
        Self(lists.collect())
    }

    /// Adds what a page brings, and says how much of the list that has most of it came before.
    pub(super) fn add(&mut self, pages: Vec<BroughtPage>, limits: &Limits) -> u64 {
        let mut most_repeated = 0;
        for BroughtPage { list, mapped } in pages {
            let own = self.0.iter_mut().find(|(own, _)| *own == list);
            let Some((_, read)) = own else { continue };
            let Ok(rows) = read else { continue };
            let mapped = mapped.map_err(UpstreamError::from);
            match mapped.and_then(|mapped| rows.add(mapped, limits)) {
                Ok(repeated) => most_repeated = repeated.max(most_repeated),
                Err(error) => *read = Err(error),
            }
        }
        most_repeated
    }

    /// The lists, each whole if the pages were.
    pub(super) fn finish(self) -> Vec<BroughtList> {
        let lists = self.0.into_iter().map(|(list, rows)| BroughtList {
            list,
            read: rows.and_then(|rows| rows.finish(list)),
        });
        lists.collect()
    }
}

impl BroughtRows {
    fn add(&mut self, mapped: MappedPage, limits: &Limits) -> Result<u64, UpstreamError> {
        self.records += mapped.records() as u64;
        if self.records > limits.groups.into() {
            return Err(too_many_records(limits));
        }
        self.has_marked |= count_skips(&mut self.counts, &mapped.skipped, true);
        let repeated = self.rows.add(mapped.rows);
        self.counts.repeated += repeated;
        Ok(repeated)
    }

    fn finish(self, list: RelatedList) -> Result<ReadPeople, UpstreamError> {
        if self.records > 0 && self.rows.is_empty() && !self.has_marked {
            return Err(nothing_read(self.records, self.counts, Some(list), None));
        }
        Ok(ReadPeople {
            rows: self.rows.into_rows(),
            counts: self.counts,
        })
    }
}
