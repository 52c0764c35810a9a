//! One turn of a walk: a position went in, a page and its groups came out.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use url::Url;

use super::pager::{Announcement, Look, Position};
use crate::page::format::Page;
use crate::page::mapping::{Mapped, Skip};

/// One turn of a walk: a page, and the groups on it.
#[derive(Debug)]
pub struct Turn {
    /// Where the page is.
    pub position: Position,
    /// What was sent; header values that carry secrets are marked sensitive.
    pub request: http::Request<bytes::Bytes>,
    /// The answer's status.
    pub status: StatusCode,
    /// The answer's header section.
    pub headers: HeaderMap,
    /// The answer's body.
    pub page: Page,
    /// How long the answer took.
    pub taken: Duration,
    pub(super) url: Url,
    pub(super) bytes: u64,
    pub(super) announcement: Announcement,
    pub(super) mark: Option<String>,
    pub(super) is_past_end: bool,
    pub(super) print: u64,
    pub(super) mapped_bytes: u64,
    pub(super) listed: u64,
    pub(super) outcomes: Vec<Result<Mapped, Skip>>,
}

impl Turn {
    /// What became of each record, in order.
    pub fn outcomes(&self) -> &[Result<Mapped, Skip>] {
        &self.outcomes
    }

    /// What became of each record, in order.
    pub fn into_outcomes(self) -> Vec<Result<Mapped, Skip>> {
        self.outcomes
    }

    /// How many records the page held, with those below others.
    pub fn records(&self) -> u64 {
        self.outcomes.len() as u64
    }

    /// How many records the page lists, without those below others: what paging counts in.
    pub const fn listed(&self) -> u64 {
        self.listed
    }

    /// How large the body was.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How much memory its groups take in a snapshot at least.
    pub const fn mapped_bytes(&self) -> u64 {
        self.mapped_bytes
    }

    /// How much the upstream says there is.
    pub const fn announcement(&self) -> Announcement {
        self.announcement
    }

    /// By which the walk knows a page that comes again.
    pub(super) const fn print(&self) -> u64 {
        self.print
    }

    /// Whether the answer means that the list has ended before it.
    pub const fn is_past_end(&self) -> bool {
        self.is_past_end
    }

    /// What the pager looks at.
    pub fn look(&self) -> Look<'_> {
        Look {
            page: &self.page,
            headers: &self.headers,
            url: &self.url,
            records: self.listed(),
            mark: self.mark.as_deref(),
            is_past_end: self.is_past_end,
        }
    }
}
