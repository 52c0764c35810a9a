//! A page as it was fetched: what was requested, what came back, and the groups in it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Uri};
use url::Url;

use super::format::{Page, Parents};
use super::mapping::{MappedPage, Skip};
use super::page_outcome::{PageKey, PageOutcome};
use super::position::{Announcement, Position};
use crate::group::Group;
use crate::page_memory::PageHold;
use crate::snapshot::GroupPage;

/// A page, and the groups on it.
#[derive(Debug)]
pub struct FetchedPage {
    /// Where the page is.
    pub position: Position,
    /// The request; header values that carry secrets are marked sensitive.
    pub request: Request<Bytes>,
    /// The status of the response.
    pub status: StatusCode,
    /// The headers of the response.
    pub headers: HeaderMap,
    /// The body of the response.
    pub page: Page,
    /// How long the response took.
    pub elapsed: Duration,
    /// The URL that was requested, after redirects.
    pub(crate) url: Uri,
    pub(crate) bytes: u64,
    pub(crate) announcement: Announcement,
    pub(crate) last_record_key: Option<Position>,
    pub(crate) last_record_flag: Option<String>,
    pub(crate) is_past_end: bool,
    pub(crate) parents: Option<Parents>,
    pub(crate) linked: Option<String>,
    pub(crate) fingerprint: u64,
    /// By which the records that are no groups are recognized.
    pub(crate) skipped: Vec<u64>,
    /// What the first of them is that was expected to be a group, in a sentence.
    pub(crate) first_skipped: Option<String>,
    pub(crate) listed: u64,
    pub(crate) mapped: MappedPage,
    pub(crate) hold: PageHold,
    /// By what the next walk asks for it only if it has changed.
    pub(crate) outcome: Option<(PageKey, Arc<PageOutcome>)>,
    pub(crate) is_unchanged: bool,
    /// The link for what changes from now on.
    pub(crate) since_link: Option<Url>,
}

impl FetchedPage {
    /// What its records have become.
    pub const fn mapped(&self) -> &MappedPage {
        &self.mapped
    }

    /// Its groups.
    pub fn into_groups(self) -> GroupPage {
        self.mapped.groups
    }

    /// What its records have become.
    pub(crate) fn into_mapped(self) -> MappedPage {
        self.mapped
    }

    /// The outcome of each record, in order: for whoever shows a few.
    pub fn outcomes(&self) -> Vec<Result<Group, Skip>> {
        self.mapped.outcomes()
    }

    /// The number of records on the page, including nested ones.
    pub fn records(&self) -> u64 {
        self.mapped.records() as u64
    }

    /// The number of records that the page lists, without nested ones: the unit of paging.
    pub const fn listed(&self) -> u64 {
        self.listed
    }

    /// The size of the body.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The least memory that its groups take in a snapshot, or what was read in place of groups.
    pub(crate) fn mapped_bytes(&self) -> u64 {
        self.mapped.groups.least_bytes() + self.mapped.row_bytes()
    }

    /// The totals that it states.
    pub const fn announcement(&self) -> Announcement {
        self.announcement
    }

    /// Gives back the memory that the decoded body was counted with, and lets go of a body that is not
    /// `needed`: the page is about to wait for others, which may wait for memory.
    pub(crate) fn settle(&mut self, needed: bool) {
        if self.hold.bytes().is_some() && !needed {
            self.page = Page::nothing();
        }
        self.hold = PageHold::default();
    }

    /// By which the walk recognizes a repeated page.
    pub(crate) const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The parents of its records, if there are several and not as many as records.
    pub const fn parents(&self) -> Option<Parents> {
        self.parents
    }

    /// The next page that its `Link` header names, if the adapter does not go by that.
    pub(crate) fn linked(&self) -> Option<&str> {
        self.linked.as_deref()
    }

    /// Whether the upstream said that it is what it was in the walk before, and did not send it.
    pub const fn is_unchanged(&self) -> bool {
        self.is_unchanged
    }

    /// Whether the response means that the list ended before it.
    pub const fn is_past_end(&self) -> bool {
        self.is_past_end
    }
}
