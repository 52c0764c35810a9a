//! Records that stand under several parents on a page, and whether positions may count those.

use std::collections::HashSet;

use crate::page::fetched_page::FetchedPage;
use crate::upstream::pager::{Paging, Position};
use crate::upstream::walk::account::SeveralParents;

/// What was seen of parents.
#[derive(Default)]
pub(super) struct SeenParents {
    /// Whether the records of a page stand under several, not as many as records.
    pub(super) has_any: bool,
    /// Such pages, and how many those are, where positions count records.
    pages: Vec<(Position, SeveralParents)>,
    /// Whether it is known that positions do not count those.
    is_settled: bool,
}

impl SeenParents {
    pub(super) fn note(&mut self, page: &FetchedPage, paging: &Paging) {
        let Some(parents) = page.parents() else {
            return;
        };
        self.has_any = true;
        if paging.further(&page.position, 0).is_some() {
            let several = SeveralParents {
                records: page.listed(),
                parents: parents.count,
            };
            self.pages.push((page.position.clone(), several));
        }
    }

    /// Where a page would be that begins after the parents on an earlier one, if they were counted, and
    /// that was not read.
    pub(super) fn position_after(
        &self,
        paging: &Paging,
        read: &HashSet<Position>,
    ) -> Option<Position> {
        self.pages.iter().find_map(|(position, several)| {
            paging
                .further(position, several.parents)
                .filter(|position| !read.contains(position))
        })
    }

    /// From now on it is known that positions do not count parents.
    pub(super) const fn settle(&mut self) {
        self.is_settled = true;
    }

    /// The first page whose parents positions may count.
    pub(super) fn unsettled(&self) -> Option<SeveralParents> {
        let first = self.pages.first().filter(|_| !self.is_settled);
        first.map(|(_, several)| *several)
    }
}
