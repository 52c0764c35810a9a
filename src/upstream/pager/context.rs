//! What a pager decides by: the page at hand, and the totals of the walk.

use http::{HeaderMap, Uri};
use url::Url;

use crate::page::fetched_page::FetchedPage;
use crate::page::format::{Page, Parents};
use crate::page::position::Position;
use crate::upstream::links::{LinkError, requested};

/// The page that the pager looks at.
#[derive(Debug, Clone, Copy)]
pub struct PageContext<'a> {
    /// The decoded body.
    pub page: &'a Page,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The URL that was requested, after redirects.
    pub url: &'a Uri,
    /// The number of records on the page.
    pub records: u64,
    /// What its last record holds if the style reads on from there
    /// ([`Paging::last_record_key`](super::Paging::last_record_key)).
    pub last_record_key: Option<&'a Position>,
    /// What its last record holds where a flag is, if it is there
    /// ([`Paging::last_record_flag`](super::Paging::last_record_flag)).
    pub last_record_flag: Option<&'a str>,
    /// The parents of its records, if there are several and not as many as records.
    pub parents: Option<Parents>,
    /// Whether the response means that the list ended before it.
    pub is_past_end: bool,
}

impl PageContext<'_> {
    /// The URL that was requested, for links that are relative to it.
    pub(super) fn requested(self) -> Result<Url, LinkError> {
        requested(self.url)
    }
}

impl<'a> From<&'a FetchedPage> for PageContext<'a> {
    fn from(page: &'a FetchedPage) -> Self {
        Self {
            page: &page.page,
            headers: &page.headers,
            url: &page.url,
            records: page.listed(),
            last_record_key: page.last_record_key.as_ref(),
            last_record_flag: page.last_record_flag.as_deref(),
            parents: page.parents(),
            is_past_end: page.is_past_end(),
        }
    }
}

/// The totals of a walk, up to and including the page at hand.
#[derive(Debug, Clone, Copy)]
pub struct WalkTotals {
    /// The number of records on the first page: pages are this long, whatever was requested.
    pub granted: u64,
    /// The number of records on all pages.
    pub received: u64,
    /// The total that a request of its own returned.
    pub counted: Option<u64>,
    /// The total that was stated last, by whatever.
    pub announced: Option<u64>,
    /// Whether the page before has no records, and named this one.
    pub is_after_empty: bool,
}

impl WalkTotals {
    /// After a first page of so many records.
    pub const fn first(records: u64, counted: Option<u64>) -> Self {
        Self {
            granted: records,
            received: records,
            counted,
            announced: counted,
            is_after_empty: false,
        }
    }
}
