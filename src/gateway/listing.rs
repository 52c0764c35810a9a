//! What the gateway answers: one page of a view, and how each source stands.

use std::sync::Arc;
use std::time::Duration;

use crate::caller::NotVisible;
use crate::catalog::{SourceEntry, SourceLookup};
use crate::error::ErrorKind;
use crate::snapshot::Snapshot;
use crate::snapshot::{ContentHash, RowRef};

use super::cursor::KeyId;
use super::matching_rows::MatchDigest;
use super::view::{View, ViewPage};

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
    /// What the time until now was spent on.
    pub spent: Spent,
}

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
    pub fn rows(&self) -> impl ExactSizeIterator<Item = RowRef<'_>> {
        self.view.rows(&self.page).into_iter()
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
    pub fn row(&self) -> RowRef<'_> {
        self.snapshot.row(self.index)
    }
}
