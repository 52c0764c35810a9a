//! A number that changes with everything that the catalog shows.
//!
//! An answer made from the catalog stays valid while the number is the same and no list reaches
//! another age. The number must be read before the catalog, so that a change in between is noticed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A counter of changes.
#[derive(Debug, Default)]
pub(super) struct Epoch {
    number: AtomicU64,
    /// What counts the same changes among others.
    whole: Option<Arc<Self>>,
}

impl Epoch {
    /// One that never shows a number which another one of these shows, unless that changes four billion
    /// times. `number` tells them apart.
    pub(super) const fn numbered(number: u32) -> Self {
        Self {
            number: AtomicU64::new((number as u64) << 32),
            whole: None,
        }
    }

    /// The same as a part: `whole` moves with it.
    pub(super) fn within(self, whole: Arc<Self>) -> Self {
        Self {
            whole: Some(whole),
            ..self
        }
    }

    /// The current number.
    pub(super) fn current(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// Counts a change, once it is visible.
    pub(super) fn advance(&self) {
        self.number.fetch_add(1, Ordering::Release);
        if let Some(whole) = &self.whole {
            whole.advance();
        }
    }
}
