//! JSON text onto a tape, in one pass and without recursion.
//!
//! It says only whether a text can be read. What is wrong with one that cannot, and where, is asked of
//! [`crate::json::read`], which reads the same texts.

use crate::json::{MemoryBudget, special};
use crate::page::format::tape::{EntryKind, OpenEntry, RepeatRule, TapeBuilder, TapeEntry};

/// Reads one document in which at most `depth` lists and objects stand in each other, and whose values
/// take at most so many bytes of memory.
pub(super) fn scan(text: &str, depth: u32, bytes: u64) -> Option<TapeBuilder> {
    let scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        at: 0,
        depth: depth as usize,
        budget: MemoryBudget::of(bytes),
        tape: TapeBuilder::new(text)?,
        open: Vec::new(),
    };
    scanner.document()
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    budget: MemoryBudget,
    tape: TapeBuilder,
    open: Vec<OpenEntry>,
}

impl Scanner<'_> {
    fn document(mut self) -> Option<TapeBuilder> {
        loop {
            let is_open = self.value()?;
            if is_open {
                continue;
            }
            // A value has ended, and with it perhaps what it stands in.
            loop {
                let next = self.skip_space();
                let Some(open) = self.open.last_mut() else {
                    return next.is_none().then_some(self.tape);
                };
                self.at += 1;
                match (next?, open.kind) {
                    (b',', EntryKind::List) => {
                        open.count += 1;
                        break;
                    }
                    (b',', _) => {
                        self.skip_space();
                        self.name()?;
                        break;
                    }
                    (b']', EntryKind::List) => {
                        open.count += 1;
                        self.close();
                    }
                    (b'}', EntryKind::Object) => self.close(),
                    _ => return None,
                }
            }
        }
    }

    /// Reads a value, and says whether it is one in which another one comes next.
    fn value(&mut self) -> Option<bool> {
        match self.skip_space()? {
            b'"' => {
                let entry = self.string()?;
                self.budget.value(entry.length as usize).ok()?;
                self.tape.push(entry);
            }
            b'{' => {
                self.begin(EntryKind::Object)?;
                if self.skip_space()? != b'}' {
                    self.name()?;
                    return Some(true);
                }
                self.at += 1;
                self.close();
            }
            b'[' => {
                self.begin(EntryKind::List)?;
                if self.skip_space()? != b']' {
                    return Some(true);
                }
                self.at += 1;
                self.close();
            }
            b'n' => self.word("null", EntryKind::Null)?,
            b't' => self.word("true", EntryKind::True)?,
            b'f' => self.word("false", EntryKind::False)?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ => return None,
        }
        Some(false)
    }

    /// The next byte that is no white space, which stays to be read.
    #[inline]
    fn skip_space(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    fn begin(&mut self, kind: EntryKind) -> Option<()> {
        if self.open.len() >= self.depth {
            return None;
        }
        self.budget.value(0).ok()?;
        self.at += 1;
        let open = self.tape.open(kind);
        self.open.push(open);
        Some(())
    }

    fn close(&mut self) {
        if let Some(open) = self.open.pop() {
            self.tape.close(open, self.text, RepeatRule::Last);
        }
    }

    /// A member's name and the colon behind it.
    #[inline]
    fn name(&mut self) -> Option<()> {
        let entry = self.string()?;
        if self.skip_space()? != b':' {
            return None;
        }
        self.at += 1;
        let object = self.open.last_mut()?;
        let length = entry.length as usize;
        self.budget.member(length, object.count == 0).ok()?;
        object.count += 1;
        if entry.kind == EntryKind::PlainText {
            let start = entry.start as usize;
            object.names.note(self.bytes.get(start..start + length)?);
        } else {
            // Another one may be written in another way and mean the same.
            object.names.doubt();
        }
        self.tape.push(entry);
        Some(())
    }

    fn word(&mut self, word: &str, kind: EntryKind) -> Option<()> {
        let rest = self.bytes.get(self.at..)?;
        if !rest.starts_with(word.as_bytes()) {
            return None;
        }
        self.budget.value(0).ok()?;
        self.at += word.len();
        self.tape.push(TapeEntry::bare(kind));
        Some(())
    }

    /// A number (RFC 8259, section 6), which keeps its digits.
    fn number(&mut self) -> Option<()> {
        let start = self.at;
        self.skip(|byte| byte == b'-', 1);
        match self.bytes.get(self.at)? {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        let mut is_whole = true;
        if self.skip(|byte| byte == b'.', 1) > 0 {
            self.digits()?;
            is_whole = false;
        }
        if self.skip(|byte| matches!(byte, b'e' | b'E'), 1) > 0 {
            is_whole = false;
            self.skip(|byte| matches!(byte, b'+' | b'-'), 1);
            self.digits()?;
        }
        let length = self.at - start;
        self.budget.value(if is_whole { 0 } else { length }).ok()?;
        self.tape.push(TapeEntry {
            start: start as u32,
            length: length as u32,
            ..TapeEntry::bare(EntryKind::Number)
        });
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        (self.skip(|byte| byte.is_ascii_digit(), usize::MAX) > 0).then_some(())
    }

    /// Skips bytes that fit, at most so many, and says how many these were.
    #[inline]
    fn skip(&mut self, fits: impl Fn(u8) -> bool, most: usize) -> usize {
        let start = self.at;
        while self.at - start < most && self.bytes.get(self.at).is_some_and(|byte| fits(*byte)) {
            self.at += 1;
        }
        self.at - start
    }

    /// A string, from its first quote on.
    #[inline]
    fn string(&mut self) -> Option<TapeEntry> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        let end = special(self.bytes, start);
        if self.bytes.get(end)? != &b'"' {
            return self.escaped(start, end);
        }
        self.at = end + 1;
        Some(TapeEntry {
            start: start as u32,
            length: (end - start) as u32,
            ..TapeEntry::bare(EntryKind::PlainText)
        })
    }

    /// A string with escapes, the first of which is at `escape`.
    fn escaped(&mut self, start: usize, escape: usize) -> Option<TapeEntry> {
        let beside = self.tape.beside_start();
        let (mut from, mut at) = (start, escape);
        loop {
            let text = self.text.get(from..at)?;
            self.tape.beside_text().push_str(text);
            match self.bytes.get(at)? {
                b'"' => {
                    self.at = at + 1;
                    return Some(self.tape.beside_since(beside));
                }
                b'\\' => {
                    let (letter, length) = self.escape(at)?;
                    self.tape.beside_text().push(letter);
                    from = at + length;
                    at = special(self.bytes, from);
                }
                _ => return None,
            }
        }
    }

    /// What the escape at a byte means, and how long it is. A half of a character without the other is
    /// U+FFFD.
    fn escape(&self, at: usize) -> Option<(char, usize)> {
        let letter = match self.bytes.get(at + 1)? {
            b'u' => {
                let unit = self.unit(at)?;
                let other = (0xd800..0xdc00).contains(&unit).then(|| self.unit(at + 6));
                return Some(match other.flatten() {
                    Some(low @ 0xdc00..=0xdfff) => {
                        let code = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                        (char::from_u32(code)?, 12)
                    }
                    _ => (
                        char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER),
                        6,
                    ),
                });
            }
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            same @ (b'"' | b'\\' | b'/') => char::from(*same),
            _ => return None,
        };
        Some((letter, 2))
    }

    /// The UTF-16 code unit that an escape at a byte names.
    fn unit(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_hex.then(|| u32::from_str_radix(digits, 16).ok())?
    }
}

#[cfg(test)]
mod tests;
