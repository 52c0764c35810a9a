//! A number that changes with everything that the catalog shows.
//!
//! An answer made from the catalog stays valid while the number is the same and no list reaches
//! another age. The number must be read before the catalog, so that a change in between is noticed.

use std::sync::atomic::{AtomicU64, Ordering};

/// A counter of changes.
#[derive(Debug, Default)]
pub(super) struct Epoch(AtomicU64);

impl Epoch {
    /// One that never shows a number which another one of these shows, unless that changes four billion
    /// times. `number` tells them apart.
    pub(super) const fn numbered(number: u32) -> Self {
        Self(AtomicU64::new((number as u64) << 32))
    }

    /// The current number.
    pub(super) fn current(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Counts a change, once it is visible.
    pub(super) fn advance(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}
