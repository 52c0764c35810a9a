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

    /// What counts of a page past the end: what is less may be all that there is on it, or count something else, and
    /// contradicts no page `before`.
    #[must_use]
    pub fn past_end(self, before: Self) -> Self {
        let counts = |stated: Option<u64>, before: Option<u64>| {
            stated.filter(|&stated| before.is_none_or(|before| stated >= before))
        };
        Self {
            records: counts(self.records, before.records),
            pages: counts(self.pages, before.pages),
        }
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::the_only_word(0, None, Some(0))]
    #[case::of_the_page_alone(0, Some(3), None)]
    #[case::less_than_before(2, Some(3), None)]
    #[case::more_than_before(4, Some(3), Some(4))]
    fn a_total_past_the_end_counts_unless_it_is_less_than_before(
        #[case] stated: u64,
        #[case] before: Option<u64>,
        #[case] counts: Option<u64>,
    ) {
        let announcement = |records| Announcement {
            records,
            pages: None,
        };
        let stated = announcement(Some(stated)).past_end(announcement(before));
        assert_eq!(stated, announcement(counts));
    }
}
