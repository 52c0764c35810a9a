//! The lists of people that the pages of another list bring too.
//!
//! Where to read on, the list decides whose requests they are answers to. What is read of each page for the others is
//! gathered here, and judged as if it had been read alone: each row counts once, and records of which none gives
//! anything, or headers that say that there are more, are an error of that list.

use crate::error::UpstreamError;
use crate::group::ReadRow;
use crate::page::fetched_page::FetchedPage;
use crate::page::mapping::{BroughtPage, MappedPage};
use crate::plan::{Limits, RelatedList, RelatedLists};
use crate::snapshot::Counts;

use super::account::{PartOfList, WalkEvidence, against_range};
use super::distinct_rows::{DistinctRows, RepeatedRows};
use super::records_read::{count_skips, is_of_another_kind, nothing_read, too_many_records};

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
    /// The number of records on the first page that had any.
    pub(super) first_page: u64,
}

/// What pages have brought so far of other lists.
#[derive(Debug)]
pub(super) struct BroughtLists(Vec<(RelatedList, Result<BroughtRows, UpstreamError>)>);

#[derive(Debug, Default)]
struct BroughtRows {
    rows: DistinctRows,
    records: u64,
    /// The number of those on the first page that had any.
    first_page: u64,
    counts: Counts,
    /// What the responses said of their place in the list.
    part: PartOfList,
    /// Whether a record is of another kind, by what it says of itself.
    has_marked: bool,
}

impl BroughtLists {
    /// Nothing of these lists yet.
    pub(super) fn new(lists: &[RelatedList]) -> Self {
        let lists = lists.iter().map(|list| (*list, Ok(BroughtRows::default())));
        Self(lists.collect())
    }

    /// Adds what a page brings, and says how many rows of the list that has most of them came before, and what memory
    /// those of all took.
    pub(super) fn add(&mut self, pages: Vec<BroughtPage>, limits: &Limits) -> RepeatedRows {
        let mut all = RepeatedRows::default();
        for BroughtPage { list, mapped } in pages {
            let own = self.0.iter_mut().find(|(own, _)| *own == list);
            let Some((_, read)) = own else { continue };
            let Ok(rows) = read else { continue };
            let mapped = mapped.map_err(UpstreamError::from);
            match mapped.and_then(|mapped| rows.add(mapped, limits)) {
                Ok(repeated) => {
                    all.count = repeated.count.max(all.count);
                    all.bytes += repeated.bytes;
                }
                Err(error) => *read = Err(error),
            }
        }
        all
    }

    /// Takes note of what a response says of its place in each of the lists.
    pub(super) fn note(&mut self, page: &FetchedPage) {
        for (list, read) in &mut self.0 {
            let Ok(rows) = read else { continue };
            let mut brought = page.mapped().brought.iter();
            let own = brought.find(|brought| brought.list == *list);
            let mapped = own.and_then(|own| own.mapped.as_ref().ok());
            let records = mapped.map_or(0, |mapped| mapped.records() as u64);
            rows.part.note_parts(page.status, &page.headers, records);
        }
    }

    /// Whether all records that a page brings came before.
    pub(super) fn have_all(&self, pages: &[BroughtPage]) -> bool {
        pages.iter().all(|BroughtPage { list, mapped }| {
            let own = self.0.iter().find(|(own, _)| own == list);
            match (own, mapped) {
                (Some((_, Ok(known))), Ok(mapped)) => {
                    mapped.rows.iter().all(|row| known.rows.contains(row))
                }
                (Some((_, Err(_))) | None, _) | (_, Err(_)) => false,
            }
        })
    }

    /// Holds each of the lists against what the responses say, where the list that their requests are for is whole by
    /// this evidence.
    pub(super) fn weigh(&mut self, evidence: &WalkEvidence) {
        for (_, read) in &mut self.0 {
            let Ok(rows) = read else { continue };
            let own = WalkEvidence {
                part: rows.part.clone(),
                listed: rows.records,
                distinct: rows.records.saturating_sub(rows.counts.repeated),
                ..evidence.clone()
            };
            if let Err(contradiction) = against_range(&own) {
                *read = Err(contradiction.into());
            }
        }
    }

    /// The lists, each whole if the pages were.
    pub(super) fn finish(self, related: &RelatedLists) -> Vec<BroughtList> {
        let lists = self.0.into_iter().map(|(list, rows)| BroughtList {
            list,
            read: rows.and_then(|rows| rows.finish(list, related)),
        });
        lists.collect()
    }
}

impl BroughtRows {
    fn add(&mut self, mapped: MappedPage, limits: &Limits) -> Result<RepeatedRows, UpstreamError> {
        let records = mapped.records() as u64;
        if self.records == 0 {
            self.first_page = records;
        }
        self.records += records;
        if self.records > limits.groups.into() {
            return Err(too_many_records(limits));
        }
        self.has_marked |= count_skips(&mut self.counts, &mapped.skipped, true);
        let repeated = self.rows.add(mapped.rows);
        self.counts.repeated += repeated.count;
        Ok(repeated)
    }

    fn finish(
        self,
        list: RelatedList,
        related: &RelatedLists,
    ) -> Result<ReadPeople, UpstreamError> {
        let which = (Some(list), related);
        let is_other = is_of_another_kind(self.has_marked, self.counts, which);
        if self.records > 0 && self.rows.is_empty() && !is_other {
            return Err(nothing_read(self.records, self.counts, which, None));
        }
        Ok(ReadPeople {
            rows: self.rows.into_rows(),
            counts: self.counts,
            first_page: self.first_page,
        })
    }
}
