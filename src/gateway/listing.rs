//! What the gateway answers: one page of a view, and how each source stands.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::upstream::catalog::{Held, State};
use crate::upstream::snapshot::RowRef;

use super::view::View;

/// One page of groups, and how each asked source stands.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The order that the page is cut from.
    pub view: Arc<View>,
    /// Which rows of the view the page holds.
    pub range: Range<usize>,
    /// The cursor of the next page; `None` on the last.
    pub next_cursor: Option<String>,
    /// Whether every asked source contributed, on this page and on all before it.
    pub complete: bool,
    /// How each asked source stands, in order of name.
    pub sources: Vec<SourceReport>,
    /// How long the answer stays what it is: the smallest remaining freshness.
    pub max_age: Duration,
}

/// How one asked source stands in a listing.
#[derive(Debug, Clone)]
pub struct SourceReport {
    /// What the catalog held.
    pub held: Held,
    /// Set when the source was missing on an earlier page of this sequence: why it was.
    pub missed: Option<crate::upstream::ErrorKind>,
}

impl SourceReport {
    /// How many groups the source contributed, before any filter.
    pub fn groups(&self) -> usize {
        self.held
            .snapshot
            .as_ref()
            .map_or(0, |snapshot| snapshot.len())
    }

    /// Whether the source's groups are in the answer.
    pub fn contributed(&self) -> bool {
        matches!(self.held.state, State::Fresh | State::Stale)
    }
}

impl Listing {
    /// How many groups match in all.
    pub fn total(&self) -> usize {
        self.view.len()
    }

    /// The rows of this page, in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = RowRef<'_>> {
        self.range.clone().map(|index| self.view.row(index))
    }
}
