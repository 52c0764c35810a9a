//! JSON text onto a tape, in one pass and without recursion.
//!
//! It says only whether a text can be read. What is wrong with one that cannot, and where, is asked of
//! [`crate::json::flaw`], which reads the same texts.

use crate::json::special;
use crate::page::format::limits::Bounds;
use crate::page::format::tape::{
    EntryKind, OpenEntry, RepeatRule, TapeBuilder, TapeEntry, TapeFull,
};

mod same_name;
use same_name::name_again;

/// Why a text was not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ScanStop {
    /// It is no JSON, too deep, or too long.
    Unread,
    /// It takes more memory than there is from a byte on.
    Full(usize),
}

/// Reads one document within `bounds`.
pub(super) fn scan(text: &str, bounds: Bounds) -> Result<TapeBuilder, ScanStop> {
    let tape = TapeBuilder::new(text, bounds);
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        at: 0,
        depth: bounds.depth as usize,
        tape: tape.ok_or(ScanStop::Unread)?,
        is_full: false,
        open: Vec::new(),
        unlike: 0,
    };
    match scanner.document() {
        Some(()) => Ok(scanner.tape),
        None if scanner.is_full => Err(ScanStop::Full(scanner.at)),
        None => Err(ScanStop::Unread),
    }
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    tape: TapeBuilder,
    is_full: bool,
    open: Vec<OpenEntry>,
    /// Up to where at least something is not as it would be written again.
    unlike: usize,
}

impl Scanner<'_> {
    fn document(&mut self) -> Option<()> {
        loop {
            let is_open = self.value()?;
            if is_open {
                continue;
            }
            // A value has ended, and with it perhaps what it stands in.
            loop {
                let next = self.skip_space();
                let Some(open) = self.open.last_mut() else {
                    return next.is_none().then_some(());
                };
                self.at += 1;
                match (next?, open.kind) {
                    (b',', EntryKind::List) => {
                        open.count += 1;
                        break;
                    }
                    (b',', _) => {
                        self.skip_space();
                        if self.members()? {
                            break;
                        }
                    }
                    (b']', EntryKind::List) => {
                        open.count += 1;
                        self.close()?;
                    }
                    (b'}', EntryKind::Object) => self.close()?,
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
                self.push(entry)?;
            }
            b'{' => {
                self.begin(EntryKind::Object)?;
                if self.skip_space()? != b'}' {
                    return self.members();
                }
                self.at += 1;
                self.close()?;
            }
            b'[' => {
                self.begin(EntryKind::List)?;
                if self.skip_space()? != b']' {
                    return Some(true);
                }
                self.at += 1;
                self.close()?;
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
            self.unlike = self.at;
        }
    }

    /// What was put on the tape, if there was memory for it.
    #[inline]
    fn fits<T>(&mut self, put: Result<T, TapeFull>) -> Option<T> {
        if put.is_err() {
            self.is_full = true;
        }
        put.ok()
    }

    #[inline]
    fn push(&mut self, entry: TapeEntry) -> Option<()> {
        let pushed = self.tape.push(entry);
        self.fits(pushed)
    }

    fn begin(&mut self, kind: EntryKind) -> Option<()> {
        if self.open.len() >= self.depth {
            return None;
        }
        let open = self.tape.open(kind, self.at as u32, self.open.last());
        let open = self.fits(open)?;
        self.open.push(open);
        self.at += 1;
        Some(())
    }

    fn close(&mut self) -> Option<()> {
        let mut closed = self.open.pop()?;
        if closed.may_repeat {
            self.unlike = self.at;
        }
        let start = closed.start as usize;
        if start >= self.unlike {
            closed.verbatim = (self.at - start).try_into().unwrap_or_default();
        }
        let parent = self.open.last_mut();
        let closed = self
            .tape
            .close(&mut closed, parent, self.text, RepeatRule::Last);
        self.fits(closed)
    }

    /// Reads a member's name, and those that follow as long as each value is a plain text behind a name that was
    /// expected, as most are. Says whether a value comes next, of the last name.
    fn members(&mut self) -> Option<bool> {
        let Self { bytes, tape, .. } = self;
        let object = self.open.last_mut()?;
        let mut at = self.at;
        while let Some(&name) = tape.expected(object)
            && let Some(length) = name_again(bytes, at, &name)
        {
            // One text stands for all names like it, so readers need not compare them.
            at += length;
            tape.meet(object);
            tape.reach(at);
            let end = if bytes.get(at) == Some(&b'"') {
                special(bytes, at + 1)
            } else {
                at
            };
            if end == at || bytes.get(end) != Some(&b'"') {
                self.at = at;
                self.push(name)?;
                return Some(true);
            }
            if tape.push_member([name, plain_text(at + 1, end)]).is_err() {
                (self.at, self.is_full) = (at, true);
                return None;
            }
            at = end + 1;
            if bytes.get(at..)?.first_chunk() != Some(b",\"") {
                self.at = at;
                return Some(false);
            }
            at += 1;
        }
        self.at = at;
        self.name()?;
        Some(true)
    }

    /// A member's name and the colon behind it.
    fn name(&mut self) -> Option<()> {
        if self.bytes.get(self.at)? != &b'"' {
            return None;
        }
        let name = self.string()?;
        self.tape.note(self.open.last_mut()?, name, self.text);
        if self.skip_space()? != b':' {
            return None;
        }
        self.at += 1;
        self.push(name)
    }

    fn word(&mut self, word: &str, kind: EntryKind) -> Option<()> {
        let rest = self.bytes.get(self.at..)?;
        if !rest.starts_with(word.as_bytes()) {
            return None;
        }
        self.at += word.len();
        self.push(TapeEntry::bare(kind))
    }

    /// A number (RFC 8259, section 6), which keeps its digits.
    fn number(&mut self) -> Option<()> {
        let start = self.at;
        let mut kind = EntryKind::Number;
        if self.skip(|byte| byte == b'-', 1) > 0 {
            kind = EntryKind::Decimal;
        }
        match self.bytes.get(self.at)? {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.skip(|byte| byte == b'.', 1) > 0 {
            kind = EntryKind::Decimal;
            self.digits()?;
        }
        if self.skip(|byte| matches!(byte, b'e' | b'E'), 1) > 0 {
            kind = EntryKind::Decimal;
            self.skip(|byte| matches!(byte, b'+' | b'-'), 1);
            self.digits()?;
        }
        let length = self.at - start;
        self.push(TapeEntry {
            start: start as u32,
            length: length as u32,
            ..TapeEntry::bare(kind)
        })
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
        let start = self.at + 1;
        let end = special(self.bytes, start);
        if self.bytes.get(end)? != &b'"' {
            return self.escaped(start, end);
        }
        self.at = end + 1;
        Some(plain_text(start, end))
    }

    /// A string with escapes, the first of which is at `escape`.
    fn escaped(&mut self, start: usize, escape: usize) -> Option<TapeEntry> {
        self.unlike = escape;
        let beside = self.tape.beside_start();
        let (mut from, mut at) = (start, escape);
        loop {
            let text = self.text.get(from..at)?;
            self.write_beside(text)?;
            match self.bytes.get(at)? {
                b'"' => {
                    self.at = at + 1;
                    return Some(self.tape.beside_since(beside));
                }
                b'\\' => {
                    let (letter, length) = self.escape(at)?;
                    self.write_beside(letter.encode_utf8(&mut [0; 4]))?;
                    from = at + length;
                    at = special(self.bytes, from);
                }
                _ => return None,
            }
        }
    }

    fn write_beside(&mut self, text: &str) -> Option<()> {
        let written = self.tape.write_beside(text);
        self.fits(written)
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

/// A text that stands in the page as it is, between two bytes.
const fn plain_text(start: usize, end: usize) -> TapeEntry {
    TapeEntry {
        start: start as u32,
        length: (end - start) as u32,
        ..TapeEntry::bare(EntryKind::PlainText)
    }
}

#[cfg(test)]
mod tests;
