//! An answer that is a page or the end of the list.

use http::{HeaderMap, StatusCode, Uri};

use crate::page::format::Page;

/// An answer that is no failure.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// The URI that it came from, where that is another one than was asked.
    pub uri: Option<Uri>,
    /// Its header section.
    pub headers: HeaderMap,
    /// Its decoded body; nothing where the list ends before it.
    pub page: Page,
    /// How large the body was.
    pub bytes: u64,
    /// Whether it means that the list has ended before it.
    pub is_past_end: bool,
}
