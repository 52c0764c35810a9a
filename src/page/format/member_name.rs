//! The name of a member in a page.

use std::fmt;

use crate::json::{push_quoted, push_text};

use super::tape::{EntryKind, Tape, TapeEntry};

/// The name of a member.
#[derive(Clone, Copy)]
pub(crate) struct MemberName<'a> {
    tape: &'a Tape,
    entry: TapeEntry,
}

impl<'a> MemberName<'a> {
    /// The name at an entry of a tape.
    pub(super) const fn of(tape: &'a Tape, entry: TapeEntry) -> Self {
        Self { tape, entry }
    }

    /// The name itself.
    #[inline]
    pub(crate) fn text(self) -> &'a str {
        self.tape.text(self.entry)
    }

    /// Whether it is the same as another one: mostly both stand at one place of the page.
    #[inline]
    pub(crate) fn is(self, other: Self) -> bool {
        self.is_at_place_of(other) || self.text() == other.text()
    }

    /// Whether it stands where another one does.
    #[inline]
    pub(crate) fn is_at_place_of(self, other: Self) -> bool {
        let place = |name: Self| (name.entry.start, name.entry.length);
        std::ptr::eq(self.tape, other.tape) && place(self) == place(other)
    }

    /// Writes the name as JSON.
    pub(crate) fn write(self, out: &mut String) {
        if self.entry.kind == EntryKind::PlainText {
            push_quoted(out, self.text());
        } else {
            push_text(out, self.text());
        }
    }
}

/// Without the page.
impl fmt::Debug for MemberName<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.text(), formatter)
    }
}
