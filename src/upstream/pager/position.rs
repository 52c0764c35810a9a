//! Where a page is, and what one says.

use http::HeaderMap;
use url::Url;

use crate::page::format::Page;

/// Where a page is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Position {
    /// The first page of a style that needs no position for it.
    Start,
    /// What the page before named.
    Cursor(String),
    /// How many records come before it.
    Offset(u64),
    /// Its number.
    Page(u64),
    /// Its URL.
    Url(Url),
}

/// What the pager looks at in an answer.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// The decoded body.
    pub page: &'a Page,
    /// The header section.
    pub headers: &'a HeaderMap,
    /// The URL that was asked.
    pub url: &'a Url,
    /// How many records the page holds.
    pub records: u64,
    /// What its last record holds where the style reads on from there ([`Pager::mark`]).
    ///
    /// [`Pager::mark`]: super::Pager::mark
    pub mark: Option<&'a str>,
    /// Whether the answer means that the list has ended before it.
    pub is_past_end: bool,
}

/// What the walk knows of the pages up to the one at hand, which is among them.
#[derive(Debug, Clone, Copy)]
pub struct SoFar {
    /// How many records the first page held: so far reaches a page, whatever was asked for.
    pub granted: u64,
    /// How many records all of them held.
    pub received: u64,
    /// How many there are in all, where a request of its own has told.
    pub counted: Option<u64>,
}

impl SoFar {
    /// After a first page of so many records.
    pub const fn first(records: u64, counted: Option<u64>) -> Self {
        Self {
            granted: records,
            received: records,
            counted,
        }
    }
}

/// How much an upstream says there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Announcement {
    /// Records in all.
    pub records: Option<u64>,
    /// Pages in all.
    pub pages: Option<u64>,
}

impl Announcement {
    /// Whether both may be said of one list: what a page does not say contradicts nothing.
    pub fn agrees(self, other: Self) -> bool {
        let agree = |one: Option<u64>, other: Option<u64>| {
            one.zip(other).is_none_or(|(one, other)| one == other)
        };
        agree(self.records, other.records) && agree(self.pages, other.pages)
    }

    /// What both allow to hold against a list: the smaller where they differ, and all that only
    /// one of them says.
    #[must_use]
    pub fn least(self, other: Self) -> Self {
        let least = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
        Self {
            records: least(self.records, other.records),
            pages: least(self.pages, other.pages),
        }
    }
}
