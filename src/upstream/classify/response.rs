//! A response that is a page or the end of the list.

use http::{HeaderMap, StatusCode, Uri};

use crate::page::format::Page;
use crate::page_memory::PageHold;

/// A response that is not an error.
#[derive(Debug)]
pub struct ClassifiedResponse {
    /// Its status.
    pub status: StatusCode,
    /// The URI that it came from, if the request was redirected.
    pub uri: Option<Uri>,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its decoded body; nothing if the list ends before it and it cannot be decoded.
    pub page: Page,
    /// The size of the body.
    pub bytes: u64,
    /// Whether it means that the list ended before it.
    pub is_past_end: bool,
    /// Whether it says that the page is what it was, and was asked to say so.
    pub is_unchanged: bool,
    /// The memory that its decoded body takes.
    pub(crate) hold: PageHold,
}
