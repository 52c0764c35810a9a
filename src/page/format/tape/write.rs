//! Writes values as JSON: without white space, texts with no escape that need not be, numbers with the
//! digits that they came with.

use std::collections::BTreeSet;

use super::{EntryKind, Tape, TapeEntry};
use crate::json::{push_quoted, push_text};

impl Tape {
    /// Writes a value.
    pub(in crate::page::format) fn write(&self, index: u32, out: &mut String) {
        let entry = self.entry(index);
        if entry.verbatim > 0 {
            let length = entry.verbatim.into();
            out.push_str(self.text(TapeEntry { length, ..entry }));
            return;
        }
        match entry.kind {
            EntryKind::Null => out.push_str("null"),
            EntryKind::False => out.push_str("false"),
            EntryKind::True => out.push_str("true"),
            EntryKind::Number | EntryKind::Decimal => out.push_str(self.text(entry)),
            EntryKind::PlainText => push_quoted(out, self.text(entry)),
            EntryKind::Text => push_text(out, self.text(entry)),
            EntryKind::List => self.write_list(index, out, |item, out| self.write(item, out)),
            EntryKind::Object => self.write_object(index, out, |value, out| self.write(value, out)),
        }
    }

    /// Writes a value in which the texts at `places` stand without quotes, as the JSON that they are.
    pub(in crate::page::format) fn write_unquoted(
        &self,
        index: u32,
        places: &BTreeSet<u32>,
        out: &mut String,
    ) {
        let entry = self.entry(index);
        let inner = |value, out: &mut String| self.write_unquoted(value, places, out);
        match entry.kind {
            _ if places.range(index..index + entry.span).next().is_none() => {
                self.write(index, out);
            }
            EntryKind::List => self.write_list(index, out, inner),
            EntryKind::Object => self.write_object(index, out, inner),
            EntryKind::Null
            | EntryKind::False
            | EntryKind::True
            | EntryKind::Number
            | EntryKind::Decimal
            | EntryKind::Text
            | EntryKind::PlainText => out.push_str(self.text(entry)),
        }
    }

    #[inline]
    fn write_list(&self, index: u32, out: &mut String, item: impl Fn(u32, &mut String)) {
        out.push('[');
        for (place, at) in self.items(index).enumerate() {
            if place > 0 {
                out.push(',');
            }
            item(at, out);
        }
        out.push(']');
    }

    #[inline]
    fn write_object(&self, index: u32, out: &mut String, member: impl Fn(u32, &mut String)) {
        out.push('{');
        for (place, (name, value)) in self.members(index).enumerate() {
            if place > 0 {
                out.push(',');
            }
            if name.kind == EntryKind::PlainText {
                push_quoted(out, self.text(name));
            } else {
                push_text(out, self.text(name));
            }
            out.push(':');
            member(value, out);
        }
        out.push('}');
    }
}
