//! The progress of a walk.

use std::sync::atomic::{AtomicU64, Ordering};

use super::event::Event;
use super::observers::Observer;

/// How far a walk is, for whoever asks meanwhile.
#[derive(Debug, Default)]
pub struct Progress {
    pages: AtomicU64,
    records: AtomicU64,
}

impl Progress {
    /// The number of pages read so far.
    pub fn pages(&self) -> u64 {
        self.pages.load(Ordering::Relaxed)
    }

    /// The number of records read so far.
    pub fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }
}

impl Observer for Progress {
    fn observe(&self, event: &Event<'_>) {
        if let Event::PageRead(page) = event {
            self.pages.fetch_add(1, Ordering::Relaxed);
            self.records.fetch_add(page.records(), Ordering::Relaxed);
        }
    }
}
