//! An element while it is open, and the texts in it.

use crate::page::format::tape::{EntryKind, OpenEntry, TapeBuilder, TapeEntry, TapeFull};

/// A part of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SourceRange {
    start: u32,
    length: u32,
}

/// A child that begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Child {
    /// It has the name of the one before.
    Again,
    /// It has the name that is expected next.
    Expected,
    Other,
}

/// A part of an element's text.
#[derive(Debug, Clone, Copy)]
pub(super) enum ContentPart {
    /// As it stands in the document, but for the ends of lines.
    Verbatim(SourceRange),
    /// What is written as a reference.
    Letter(char),
}

/// One element, while it is open.
#[derive(Debug)]
pub(super) struct Element {
    /// Its name, with the prefix.
    pub(super) name: SourceRange,
    pub(super) open: OpenEntry,
    /// How many texts there were when it began.
    pub(super) pieces: usize,
    /// Whether all of its text is white space.
    pub(super) is_blank: bool,
    pub(super) is_nil: bool,
    /// The name of the child that was begun last, and where the list of children of this name is.
    pub(super) last: SourceRange,
    pub(super) list: usize,
}

impl SourceRange {
    pub(super) const NONE: Self = Self {
        start: 0,
        length: 0,
    };

    #[inline]
    pub(super) const fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            length: (end - start) as u32,
        }
    }

    #[inline]
    pub(super) const fn end(self) -> usize {
        (self.start + self.length) as usize
    }

    /// The part that an entry names, if it is one of the document.
    #[inline]
    pub(super) const fn of_entry(entry: TapeEntry) -> Self {
        Self {
            start: entry.start,
            length: entry.length,
        }
    }

    #[inline]
    pub(super) fn bytes(self, source: &[u8]) -> &[u8] {
        source
            .get(self.start as usize..self.end())
            .unwrap_or_default()
    }

    #[inline]
    pub(super) fn of(self, source: &str) -> &str {
        source
            .get(self.start as usize..self.end())
            .unwrap_or_default()
    }

    /// The entry of this text.
    #[inline]
    pub(super) const fn entry(self) -> TapeEntry {
        TapeEntry {
            start: self.start,
            length: self.length,
            ..TapeEntry::bare(EntryKind::Text)
        }
    }
}

impl Element {
    pub(super) const fn new(open: OpenEntry, name: SourceRange, pieces: usize) -> Self {
        Self {
            name,
            open,
            pieces,
            is_blank: true,
            is_nil: false,
            last: SourceRange::NONE,
            list: 0,
        }
    }

    /// Whether any child has begun.
    pub(super) const fn has_children(&self) -> bool {
        self.last.length > 0
    }

    /// Takes note that the child that was begun last has ended.
    #[inline]
    pub(super) fn end_of_child(&self, tape: &mut TapeBuilder) {
        let next = tape.next();
        if let Some(entry) = tape.entry_mut(self.list) {
            entry.length += 1;
            entry.span = (next - self.list) as u32;
        }
    }
}

/// The entry of a text, which is a part of the document unless something in it is escaped.
pub(super) fn entry(
    source: &str,
    text: &str,
    tape: &mut TapeBuilder,
) -> Result<TapeEntry, TapeFull> {
    let start = text.as_ptr().addr().checked_sub(source.as_ptr().addr());
    if let Some(start) = start.filter(|start| start + text.len() <= source.len()) {
        return Ok(SourceRange::new(start, start + text.len()).entry());
    }
    let start = tape.beside_start();
    tape.write_beside(text)?;
    Ok(tape.beside_since(start))
}
