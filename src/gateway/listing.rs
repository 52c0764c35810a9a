//! What the gateway answers: one page of a view, and how each source stands.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::caller::{HiddenFields, NotVisible, VisibleSources};
use crate::catalog::{SourceEntry, SourceLookup};
use crate::error::ErrorKind;
use crate::snapshot::{ContentHash, RowRef, Snapshot};

use super::cursor::KeyId;
use super::matching_rows::MatchDigest;
use super::seen_row::SeenRow;
use super::view::{View, ViewPage};

/// How many rows are looked at at once, of all that a long answer has.
const ROWS_AT_ONCE: usize = 256;

/// One page of groups, and how each asked source stands.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The order that the page is cut from.
    pub view: Arc<View>,
    /// The page of it.
    pub page: ViewPage,
    /// The cursor of the next page; `None` on the last.
    pub next_cursor: Option<String>,
    /// The whole query string that asks for the next page: the cursor, and the query's parameters
    /// where the cursor is too small for them.
    pub next_query: Option<String>,
    /// The key that signed that cursor, where it can be retired.
    pub signed_by: Option<KeyId>,
    /// Whether every asked source contributed, on this page and on all before it.
    pub complete: bool,
    /// How each asked source stands, in order of name.
    pub sources: Vec<SourceReport>,
    /// How long the answer stays what it is: the smallest remaining freshness.
    pub max_age: Duration,
    /// What of the sources its caller may see.
    pub visible: VisibleSources,
    /// What stands for the groups of this page as its caller sees them, if something of them is hidden.
    pub seen: Option<SeenDigest>,
    /// What the time until now was spent on.
    pub spent: Spent,
}

/// What stands for the groups of a page as their caller sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenDigest(pub(super) [u8; 32]);

/// What the time of one listing was spent on: "is it the upstreams, or is it us?"
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Waiting for the slowest source.
    pub wait: Duration,
    /// Filtering and sorting, and waiting for a turn to do so.
    pub view: Duration,
}

/// How one asked source stands in a listing.
#[derive(Debug, Clone)]
pub struct SourceReport {
    /// What the catalog held.
    pub held: SourceLookup,
    /// Set when the source was missing on an earlier page of this sequence: why it was.
    pub missed: Option<ErrorKind>,
    /// What of its groups is in the listing, where another replica may hold another snapshot with
    /// the same matches.
    pub matched: Option<MatchDigest>,
}

/// One group, found by its id.
#[derive(Debug, Clone)]
pub struct FoundGroup {
    /// The list that the group is in.
    pub snapshot: Arc<Snapshot>,
    /// Which row of the list it is.
    pub index: usize,
    /// How its source stands.
    pub source: SourceReport,
    /// What of it the caller may not see.
    pub hidden: HiddenFields,
}

impl Listing {
    /// Whether it holds a list in whose place another one is served by now.
    pub(crate) fn is_overtaken(&self) -> bool {
        let snapshots = self.sources.iter();
        let mut snapshots = snapshots.filter_map(|source| source.held.snapshot.as_ref());
        snapshots.any(|snapshot| !snapshot.is_kept())
    }

    /// How many groups match in all.
    pub fn total(&self) -> usize {
        self.view.len()
    }

    /// The rows of this page, in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = SeenRow<'_>> {
        let rows = self.view.rows(&self.page).into_iter();
        rows.map(|row| self.see(row))
    }

    /// The next rows of a page, at most so many, which it has no more.
    pub fn next_rows(
        &self,
        page: &mut ViewPage,
        rows: usize,
    ) -> impl ExactSizeIterator<Item = SeenRow<'_>> {
        let rows = self.view.next_rows(page, rows).into_iter();
        rows.map(|row| self.see(row))
    }

    /// Whether something of the groups is hidden from the caller.
    pub fn hides(&self) -> bool {
        let mut sources = self.sources.iter();
        let visible = |source: &SourceReport| self.visible.hidden_of(&source.held.source);
        self.visible != VisibleSources::All
            && sources.any(|source| visible(source) != Some(HiddenFields::NONE))
    }

    /// What stands for the groups of this page as the caller sees them.
    pub(super) fn digest_seen(&self) -> Result<SeenDigest, serde_json::Error> {
        let mut digest = Sha256::new();
        let mut page = self.page.clone();
        while !page.is_empty() {
            for row in self.next_rows(&mut page, ROWS_AT_ONCE) {
                // An object tells where it ends.
                digest.update(row.json()?);
            }
        }
        Ok(SeenDigest(digest.finalize().into()))
    }

    fn see<'a>(&self, row: RowRef<'a>) -> SeenRow<'a> {
        let hidden = self.visible.hidden_of(row.source());
        SeenRow::new(row, hidden.unwrap_or(HiddenFields::ALL))
    }
}

impl SourceReport {
    /// A report on what the catalog held, on the first page of a sequence.
    pub const fn new(held: SourceLookup) -> Self {
        Self {
            held,
            missed: None,
            matched: None,
        }
    }

    /// A report on what came of asking `source`, on the first page of a sequence.
    pub(super) fn of(source: &SourceEntry, outcome: Result<SourceLookup, NotVisible>) -> Self {
        let not_askable =
            |NotVisible| SourceLookup::not_askable(&source.name, source.required, None);
        Self::new(outcome.unwrap_or_else(not_askable))
    }

    /// How many groups the source contributed: before any filter, unless it was asked by query.
    pub fn groups(&self) -> usize {
        if let Some(matched) = self.matched {
            return matched.groups;
        }
        let snapshot = self.held.snapshot.as_ref();
        snapshot.map_or(0, |snapshot| snapshot.len())
    }

    /// What the source contributed, as every replica sees it.
    pub fn content(&self) -> Option<ContentHash> {
        let matched = self.matched.map(|matched| matched.hash);
        matched.or_else(|| Some(self.held.snapshot.as_ref()?.hash()))
    }

    /// Whether the source's groups are in the answer. The snapshot itself says so, and not the
    /// state, so that a report never contradicts the rows that it comes with.
    pub const fn contributed(&self) -> bool {
        self.held.snapshot.is_some()
    }

    /// Why the source's groups are not in the answer.
    pub(super) fn failure(&self) -> Option<ErrorKind> {
        if self.contributed() {
            return None;
        }
        // A source that is still on its first walk did not answer in time either.
        let error = self.held.error.as_ref();
        Some(error.map_or(ErrorKind::Timeout, |error| error.kind))
    }
}

impl FoundGroup {
    /// The group.
    pub fn row(&self) -> SeenRow<'_> {
        SeenRow::new(self.snapshot.row(self.index), self.hidden)
    }
}
