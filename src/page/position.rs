//! Positions: where a page is, and how much there is in all.

use url::Url;

/// Where a page is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Position {
    /// The first page of a style that needs no position for it.
    Start,
    /// The cursor from the page before.
    Cursor(String),
    /// The cursor from the page before, which is a JSON number with these digits.
    NumberCursor(String),
    /// The cursor from the page before, which is this list or object of JSON.
    JsonCursor(String),
    /// Several values of the page before, each a cursor with its name.
    Cursors(Vec<(String, Position)>),
    /// The number of records before it.
    Offset(u64),
    /// Its number.
    Page(u64),
    /// Its URL.
    Url(Url),
}

/// Where to read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nowhere: that was the last page.
    End,
    /// At this one page.
    One(Position),
    /// At all of these, in any order: the page stated how many there are.
    Rest(Vec<Position>),
}

/// How much an upstream says there is in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Announcement {
    /// The number of records.
    pub records: Option<u64>,
    /// The number of pages.
    pub pages: Option<u64>,
}

impl Announcement {
    /// Whether both can be true of one list: what a page does not state contradicts nothing.
    pub fn agrees(self, other: Self) -> bool {
        let agree = |one: Option<u64>, other: Option<u64>| {
            one.zip(other).is_none_or(|(one, other)| one == other)
        };
        agree(self.records, other.records) && agree(self.pages, other.pages)
    }

    /// What this states, and else what the other does.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            records: self.records.or(other.records),
            pages: self.pages.or(other.pages),
        }
    }
}
