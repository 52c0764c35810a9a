//! Writes values as JSON: without white space, texts with no escape that need not be, numbers with the
//! digits that they came with.

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
            EntryKind::Number => out.push_str(self.text(entry)),
            EntryKind::PlainText => push_quoted(out, self.text(entry)),
            EntryKind::Text => push_text(out, self.text(entry)),
            EntryKind::List => {
                out.push('[');
                for (place, item) in self.items(index).enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    self.write(item, out);
                }
                out.push(']');
            }
            EntryKind::Object => {
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
                    self.write(value, out);
                }
                out.push('}');
            }
        }
    }
}
