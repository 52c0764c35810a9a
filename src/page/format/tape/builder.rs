//! Builds a tape, value by value, in the order of the page.

use super::repeated::{self, RepeatRule, SeenNames};
use super::{EntryKind, Tape, TapeEntry};

/// A tape that is being built.
#[derive(Debug)]
pub(in crate::page::format) struct TapeBuilder {
    /// How long the page's own text is.
    source: usize,
    /// What the page writes in another way than it is meant.
    beside: String,
    entries: Vec<TapeEntry>,
}

/// A list or an object that is open.
#[derive(Debug)]
pub(in crate::page::format) struct OpenEntry {
    pub(in crate::page::format) kind: EntryKind,
    pub(in crate::page::format) index: usize,
    /// How many items or members it has so far.
    pub(in crate::page::format) count: u32,
    pub(in crate::page::format) names: SeenNames,
}

impl TapeBuilder {
    /// For the page of this text; `None` if it is too long for any.
    pub(in crate::page::format) fn new(source: &str) -> Option<Self> {
        // What stands beside a text is no longer than it is.
        let fits = source.len() < u32::MAX as usize / 2;
        fits.then(|| Self {
            source: source.len(),
            beside: String::new(),
            entries: Vec::with_capacity(source.len() / 16 + 2),
        })
    }

    /// The index of the entry that comes next.
    pub(in crate::page::format) const fn next(&self) -> usize {
        self.entries.len()
    }

    #[inline]
    pub(in crate::page::format) fn push(&mut self, entry: TapeEntry) {
        self.entries.push(entry);
    }

    pub(in crate::page::format) fn entry_mut(&mut self, index: usize) -> Option<&mut TapeEntry> {
        self.entries.get_mut(index)
    }

    /// Forgets everything from an index on.
    pub(in crate::page::format) fn truncate(&mut self, index: usize) {
        self.entries.truncate(index);
    }

    /// The entry of a text that the page does not hold as it is meant.
    pub(in crate::page::format) fn beside(&mut self, text: &str) -> TapeEntry {
        let start = self.beside_start();
        self.beside.push_str(text);
        self.beside_since(start)
    }

    /// Where the next text beside the page begins, and where it is written to.
    pub(in crate::page::format) const fn beside_start(&self) -> usize {
        self.beside.len()
    }

    pub(in crate::page::format) const fn beside_text(&mut self) -> &mut String {
        &mut self.beside
    }

    /// The entry of what was written beside the page since `start`.
    pub(in crate::page::format) const fn beside_since(&self, start: usize) -> TapeEntry {
        TapeEntry {
            start: (self.source + start) as u32,
            length: (self.beside.len() - start) as u32,
            ..TapeEntry::bare(EntryKind::Text)
        }
    }

    /// Opens a list or an object.
    #[inline]
    pub(in crate::page::format) fn open(&mut self, kind: EntryKind) -> OpenEntry {
        let index = self.entries.len();
        self.entries.push(TapeEntry::bare(kind));
        OpenEntry {
            kind,
            index,
            count: 0,
            names: SeenNames::default(),
        }
    }

    /// Closes it. Of members with one name that count which `counts` says.
    #[inline]
    pub(in crate::page::format) fn close(
        &mut self,
        open: OpenEntry,
        source: &str,
        counts: RepeatRule,
    ) {
        let mut count = open.count;
        if open.names.may_repeat() {
            count = self.settle(&open, source, counts);
        }
        let span = self.entries.len() - open.index;
        if let Some(entry) = self.entries.get_mut(open.index) {
            entry.length = count;
            entry.span = span as u32;
        }
    }

    /// Sees to it that no name comes twice in an object of which nothing else was begun since, and
    /// says how many there are.
    #[cold]
    pub(in crate::page::format) fn settle(
        &mut self,
        open: &OpenEntry,
        source: &str,
        counts: RepeatRule,
    ) -> u32 {
        let beside = &self.beside;
        let text = |entry: &TapeEntry| {
            let (start, length) = (entry.start as usize, entry.length as usize);
            let text = match start.checked_sub(source.len()) {
                Some(start) => beside.get(start..start + length),
                None => source.get(start..start + length),
            };
            text.unwrap_or_default()
        };
        let members = &self.entries[open.index + 1..];
        let Some((members, count)) = repeated::settled(members, text, counts) else {
            return open.count;
        };
        self.entries.truncate(open.index + 1);
        self.entries.extend(members);
        count
    }

    /// The tape of the page of this text, the one that it was begun with.
    pub(in crate::page::format) fn finish(self, source: String, is_xml: bool) -> Tape {
        let mut text = source;
        text.push_str(&self.beside);
        Tape {
            text,
            entries: self.entries,
            is_xml,
        }
    }
}
