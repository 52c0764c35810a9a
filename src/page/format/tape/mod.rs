//! A decoded page as it lies in memory: its text, and one entry for each value in it.
//!
//! ```text
//! text     {"id": "a", "tags": [1, null]}
//! entries  object ▸ name ▸ text ▸ name ▸ list ▸ number ▸ null
//! ```
//!
//! A value of its own for every text and number, and a table for every object, would cost more than all
//! that is done with a page afterwards. An entry says where in the text its own text is, and how many
//! entries it takes with all that is in it. What is not written in the page as it is meant (escapes,
//! names of attributes) stands beside that text.

mod builder;
pub(super) use builder::{OpenEntry, TapeBuilder, TapeFull};

mod repeated;
pub(super) use repeated::RepeatRule;

mod spare;
mod write;

use std::mem;

use serde_json::{Map, Value};

use crate::json::number;

/// What an entry takes, in bytes.
pub(super) const ENTRY: usize = size_of::<TapeEntry>();

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    Null,
    False,
    True,
    /// A number of digits alone.
    Number,
    /// A number with anything else: a sign, a fraction, an exponent.
    Decimal,
    Text,
    /// A text that stands in JSON as it is, between quotes.
    PlainText,
    List,
    /// The entries in it are names, each followed by its value. No name comes twice.
    Object,
}

/// One value.
#[derive(Debug, Clone, Copy)]
pub(super) struct TapeEntry {
    pub(super) kind: EntryKind,
    /// How long a list or an object is in the page, if it stands there as it would be written again and is not
    /// too long for this number; else 0.
    pub(super) verbatim: u16,
    /// Where the text of a text or a number begins, and a list or an object that is verbatim.
    pub(super) start: u32,
    /// How long that text is, or how many items or members there are.
    pub(super) length: u32,
    /// How many entries this is, with all that is in it.
    pub(super) span: u32,
}

impl TapeEntry {
    pub(super) const NULL: Self = Self::bare(EntryKind::Null);

    /// A value without text and without anything in it.
    pub(super) const fn bare(kind: EntryKind) -> Self {
        Self {
            kind,
            verbatim: 0,
            start: 0,
            length: 0,
            span: 1,
        }
    }

    pub(super) const fn is_text(self) -> bool {
        matches!(self.kind, EntryKind::Text | EntryKind::PlainText)
    }
}

/// A decoded page. An empty one is null.
#[derive(Debug, Clone, Default)]
pub(super) struct Tape {
    text: String,
    /// What the page writes in another way than it is meant. It counts from the end of the page's text.
    beside: String,
    entries: Vec<TapeEntry>,
    pub(super) is_xml: bool,
    /// The columns of a table.
    pub(super) columns: Option<Box<[String]>>,
}

impl Tape {
    /// Nothing at all.
    pub(super) const fn nothing() -> Self {
        Self {
            text: String::new(),
            beside: String::new(),
            entries: Vec::new(),
            is_xml: false,
            columns: None,
        }
    }

    /// A page that is one text.
    pub(super) fn of_text(text: String) -> Self {
        let length = text.len() as u32;
        let entry = TapeEntry {
            length,
            ..TapeEntry::bare(EntryKind::Text)
        };
        Self {
            text,
            beside: String::new(),
            entries: vec![entry],
            is_xml: false,
            columns: None,
        }
    }

    /// How long the page's own text is.
    pub(super) const fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// The entry at an index.
    #[inline]
    pub(super) fn entry(&self, index: u32) -> TapeEntry {
        match self.entries.get(index as usize) {
            Some(entry) => *entry,
            None => TapeEntry::NULL,
        }
    }

    /// The text of a text or a number.
    #[inline]
    pub(super) fn text(&self, entry: TapeEntry) -> &str {
        let (start, length) = (entry.start as usize, entry.length as usize);
        let text = match start.checked_sub(self.text.len()) {
            None => self.text.get(start..start + length),
            Some(start) => self.beside.get(start..start + length),
        };
        text.unwrap_or_default()
    }

    /// The items of a list; nothing for anything else.
    pub(super) fn items(&self, index: u32) -> impl Iterator<Item = u32> {
        let list = self.entry(index);
        let count = if list.kind == EntryKind::List {
            list.length
        } else {
            0
        };
        let mut next = index + 1;
        (0..count).map(move |_| {
            let item = next;
            next += self.entry(item).span;
            item
        })
    }

    /// The members of an object: the entries of their names, and of their values. Nothing for anything
    /// else.
    #[inline]
    pub(super) fn members(&self, index: u32) -> impl Iterator<Item = (TapeEntry, u32)> {
        let object = self.entry(index);
        let count = if object.kind == EntryKind::Object {
            object.length
        } else {
            0
        };
        let mut next = index + 1;
        (0..count).map(move |_| {
            let name = self.entry(next);
            let value = next + 1;
            next = value + self.entry(value).span;
            (name, value)
        })
    }

    /// The member of an object that has this name.
    #[inline]
    pub(super) fn member(&self, index: u32, name: &str) -> Option<u32> {
        let is_named = |entry: TapeEntry| {
            entry.length as usize == name.len()
                && text(entry, &self.text, &self.beside) == name.as_bytes()
        };
        let mut members = self.members(index);
        members
            .find(|(entry, _)| is_named(*entry))
            .map(|(_, value)| value)
    }

    /// The value in serde_json's form.
    pub(super) fn value(&self, index: u32) -> Value {
        let entry = self.entry(index);
        match entry.kind {
            EntryKind::Null => Value::Null,
            EntryKind::False => Value::Bool(false),
            EntryKind::True => Value::Bool(true),
            EntryKind::Number | EntryKind::Decimal => {
                number(self.text(entry)).map_or(Value::Null, Value::Number)
            }
            EntryKind::Text | EntryKind::PlainText => Value::String(self.text(entry).to_owned()),
            EntryKind::List => self.items(index).map(|item| self.value(item)).collect(),
            EntryKind::Object => {
                let members = self.members(index);
                let members =
                    members.map(|(name, value)| (self.text(name).to_owned(), self.value(value)));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        spare::keep(mem::take(&mut self.text), mem::take(&mut self.entries));
    }
}

/// The bytes of a text or a number, wherever it stands.
#[inline]
fn text<'a>(entry: TapeEntry, source: &'a str, beside: &'a str) -> &'a [u8] {
    let (start, length) = (entry.start as usize, entry.length as usize);
    let text = match start.checked_sub(source.len()) {
        None => source.as_bytes().get(start..start + length),
        Some(start) => beside.as_bytes().get(start..start + length),
    };
    text.unwrap_or_default()
}
