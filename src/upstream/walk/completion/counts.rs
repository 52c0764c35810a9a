//! What it takes to complete the groups of a walk, counted by all that are completed at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::observe::CompletionProgress;
use crate::plan::RelatedList;
use crate::snapshot::Counts;
use crate::upstream::walk::marks::LongestPages;

use super::markers_read::MarkersRead;

/// What it takes to complete the groups of a walk.
#[derive(Debug)]
pub(super) struct CompletionCounts {
    pages: AtomicU64,
    asked: AtomicU64,
    reused: AtomicU64,
    kept: AtomicU64,
    differing: AtomicU64,
    miscounted: AtomicU64,
    longest: Mutex<LongestPages>,
    /// What the lists of people counted besides people.
    people: Mutex<Counts>,
    pub(super) markers: MarkersRead,
}

impl CompletionCounts {
    /// Nothing yet, where first pages were so long at most in the walk before.
    pub(super) fn new(longest: LongestPages) -> Self {
        Self {
            pages: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            reused: AtomicU64::new(0),
            kept: AtomicU64::new(0),
            differing: AtomicU64::new(0),
            miscounted: AtomicU64::new(0),
            longest: Mutex::new(longest),
            people: Mutex::default(),
            markers: MarkersRead::default(),
        }
    }

    /// How far it is.
    pub(super) fn progress(&self, done: u64, of: u64, gone: u64) -> CompletionProgress {
        let count = |counted: &AtomicU64| counted.load(Ordering::Relaxed);
        CompletionProgress {
            done,
            of,
            asked: count(&self.asked),
            reused: count(&self.reused),
            kept: count(&self.kept),
            gone,
            differing: count(&self.differing),
            miscounted: count(&self.miscounted),
        }
    }

    /// Takes note that so many pages were read.
    pub(super) fn note_pages(&self, pages: u64) {
        self.pages.fetch_add(pages, Ordering::Relaxed);
    }

    /// How many pages were read.
    pub(super) fn pages(&self) -> u64 {
        self.pages.load(Ordering::Relaxed)
    }

    /// Takes note that so many lists are asked for.
    pub(super) fn note_asked(&self, lists: u64) {
        self.asked.fetch_add(lists, Ordering::Relaxed);
    }

    /// Takes note that a list is used again.
    pub(super) fn note_reused(&self) {
        self.reused.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes note that a group is used again as a walk that failed had read it.
    pub(super) fn note_kept(&self) {
        self.kept.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes note that a group had changed although it would have been taken for unchanged.
    pub(super) fn note_differing(&self) {
        self.differing.fetch_add(1, Ordering::Relaxed);
    }

    /// How many groups had.
    pub(super) fn differing(&self) -> u64 {
        self.differing.load(Ordering::Relaxed)
    }

    /// Takes note that a group has another number of members than its record says.
    pub(super) fn note_miscounted(&self) {
        self.miscounted.fetch_add(1, Ordering::Relaxed);
    }

    /// How many groups have.
    pub(super) fn miscounted(&self) -> u64 {
        self.miscounted.load(Ordering::Relaxed)
    }

    /// Whether everything was asked for.
    pub(super) fn reuses_nothing(&self) -> bool {
        self.reused.load(Ordering::Relaxed) + self.kept.load(Ordering::Relaxed) == 0
    }

    /// Takes note of how many records came on the first page of a list.
    pub(super) fn note_length(&self, list: RelatedList, records: u64) {
        let mut longest = lock(&self.longest);
        let longest = longest.entry(list).or_default();
        *longest = records.max(*longest);
    }

    /// How long first pages were.
    pub(super) fn longest(&self) -> LongestPages {
        lock(&self.longest).clone()
    }

    /// Takes note of a list of the people of all groups.
    pub(super) fn note_common(&self, pages: u64, list: Counts) {
        self.note_pages(pages);
        self.note_people(list);
    }

    /// Takes note of what a list of people counted, of which an item that is skipped is nobody.
    pub(super) fn note_people(&self, list: Counts) {
        let counts = Counts {
            unread_people: list.skipped,
            unmarked_people: list.unmarked_people,
            repeated_people: list.repeated,
            drifted: list.drifted,
            ..Counts::default()
        };
        *lock(&self.people) += counts;
    }

    /// What the lists of people counted besides people.
    pub(super) fn people(&self) -> Counts {
        *lock(&self.people)
    }
}

fn lock<T>(counted: &Mutex<T>) -> MutexGuard<'_, T> {
    counted.lock().unwrap_or_else(PoisonError::into_inner)
}
