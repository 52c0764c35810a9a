//! How much memory a text may become, counted while it is read.
//!
//! A few million numbers or small objects become some thirty to sixty times as large as they are
//! written. Counted is what values take once they are there, to within a factor of two: how an
//! allocator rounds and how far ahead lists grow is not known here.

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
    pub(crate) fn value(&self, text: usize) -> Result<(), BudgetExceeded> {
        self.take(VALUE)?;
        self.text(text)
    }

    /// Takes what so many bytes of text need.
    pub(crate) fn text(&self, bytes: usize) -> Result<(), BudgetExceeded> {
        match bytes {
            0 => Ok(()),
            bytes => self.take(TEXT + bytes as u64),
        }
    }

    /// Takes what a member of an object needs, but for its value.
    pub(crate) fn member(&self, name: &str, is_first: bool) -> Result<(), BudgetExceeded> {
        self.text(name.len())?;
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
