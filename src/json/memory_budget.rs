//! How much memory a text may become, counted while it is read.
//!
//! A few million numbers or small objects become some thirty to sixty times as large as they are
//! written. Counted is what values take once they are there, to within a factor of two: how an
//! allocator rounds and how far ahead lists grow is not known here. A page on its tape takes less, a
//! quarter to a half; it is counted as before, for the groups that are made of it stand beside it.

use std::cell::Cell;
use std::mem::size_of;

use serde_json::Value;
use thiserror::Error;

/// What a value takes in the list or object that holds it.
const VALUE: u64 = size_of::<Value>() as u64;
/// What a member takes besides: its name, the name's hash, and its place in the table.
const MEMBER: u64 = (size_of::<String>() + 2 * size_of::<u64>()) as u64;
/// What an object takes besides as soon as it has a member: it makes budget for three.
const OBJECT: u64 = 2 * (VALUE + MEMBER);
/// What a text takes besides its bytes, unless it is empty.
const TEXT: u64 = 16;

/// Memory that may still be taken.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    left: Cell<u64>,
    is_short: Cell<bool>,
}

/// About how much memory a text takes once it is read, JSON or XML, without reading it. Lists grow in
/// steps, and what is made of the values stands beside them for a while.
pub(crate) fn weight(text: &[u8]) -> u64 {
    let first = text
        .iter()
        .find(|byte| !b" \t\r\n\xef\xbb\xbf\xff\xfe\0".contains(byte));
    let values = if first == Some(&b'<') {
        xml_weight(text)
    } else {
        json_weight(text)
    };
    values + values / 2 + 2 * text.len() as u64
}

fn json_weight(text: &[u8]) -> u64 {
    let (mut values, mut members, mut objects, mut texts) = (1_u64, 0_u64, 0_u64, 0_u64);
    // The last byte that is neither white space nor in a text.
    let mut last = b',';
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => continue,
            b'"' => {
                texts += TEXT;
                while let Some(&byte) = rest.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => {
                            texts += 2;
                            rest.next();
                        }
                        _ => texts += 1,
                    }
                }
            }
            b',' | b'[' => values += 1,
            b':' => members += 1,
            b'{' => {
                values += 1;
                objects += 1;
            }
            b']' if last == b'[' => values -= 1,
            b'}' if last == b'{' => {
                values -= 1;
                objects -= 1;
            }
            b']' | b'}' => {}
            // A number, or a word.
            _ if b",:[{".contains(&last) => texts += TEXT + 1,
            _ => texts += 1,
        }
        last = byte;
    }
    values * VALUE + members * MEMBER + objects * OBJECT + texts
}

fn xml_weight(text: &[u8]) -> u64 {
    let (mut elements, mut parents, mut attributes) = (0_u64, 0_u64, 0_u64);
    // Whether an element was opened that has neither ended nor held another one yet.
    let mut is_open = false;
    for pair in text.windows(2) {
        match (pair[0], pair[1]) {
            (b'<', b'/') | (b'/', b'>') => is_open = false,
            (b'<', b'!' | b'?') => {}
            (b'<', _) => {
                elements += 1;
                parents += u64::from(is_open);
                is_open = true;
            }
            (b'=', _) => attributes += 1,
            _ => {}
        }
    }
    elements * (2 * VALUE + MEMBER + 2 * TEXT)
        + parents * OBJECT
        + attributes * (VALUE + OBJECT + 2 * TEXT)
        + text.len() as u64
}

/// What so many bytes of text take.
const fn text(bytes: usize) -> u64 {
    match bytes {
        0 => 0,
        bytes => TEXT + bytes as u64,
    }
}

/// There was not enough budget.
#[derive(Debug, Error)]
#[error("too large")]
pub(crate) struct BudgetExceeded;

impl MemoryBudget {
    /// So many bytes.
    pub(crate) const fn of(bytes: u64) -> Self {
        Self {
            left: Cell::new(bytes),
            is_short: Cell::new(false),
        }
    }

    /// Takes what a value needs, with so many bytes of text or digits, but for what is in it.
    #[inline]
    pub(crate) fn value(&self, text: usize) -> Result<(), BudgetExceeded> {
        self.take(VALUE)?;
        self.text(text)
    }

    /// Takes what so many bytes of text need.
    pub(crate) fn text(&self, bytes: usize) -> Result<(), BudgetExceeded> {
        self.take(text(bytes))
    }

    /// Takes what a member of an object needs whose name has so many bytes, but for its value.
    pub(crate) fn member(&self, name: usize, is_first: bool) -> Result<(), BudgetExceeded> {
        self.text(name)?;
        self.take(if is_first { OBJECT + MEMBER } else { MEMBER })
    }

    /// Whether more was asked for than there was.
    pub(crate) const fn is_short(&self) -> bool {
        self.is_short.get()
    }

    fn take(&self, bytes: u64) -> Result<(), BudgetExceeded> {
        let Some(left) = self.left.get().checked_sub(bytes) else {
            self.is_short.set(true);
            return Err(BudgetExceeded);
        };
        self.left.set(left);
        Ok(())
    }
}
