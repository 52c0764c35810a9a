//! A number that moves whenever a walk has changed what the catalog shows.
//!
//! Whatever was made from the catalog holds as long as the number stands still and no list passes
//! into another age. It must be read before the catalog is, so that a change in between is noticed.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that moves with every change.
#[derive(Debug, Default)]
pub(super) struct Epoch(AtomicU64);

impl Epoch {
    /// The present number.
    pub(super) fn current(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Moves on, once a change can be seen.
    pub(super) fn advance(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}
