//! The timeline of a walk: its pages, one by one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::error::ErrorKind;
use crate::page::position::Position;
use crate::plan::RelatedList;

use super::event::{CompletionProgress, Event, ListChanges};
use super::observers::Observer;

/// How many pages are noted at the beginning, and how many at the end. Those between are counted only.
const KEPT: usize = 8;

/// How many pages are asked for at once at most whose retries are told apart.
const RETRYING: usize = 256;

/// Takes notes of a walk, in memory that does not grow with it.
#[derive(Debug)]
pub struct Timeline {
    begun: Instant,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    pages: u64,
    records: u64,
    bytes: u64,
    retries: u64,
    restarts: u64,
    unchanged: u64,
    users: u64,
    completion: Option<CompletionProgress>,
    changes: Option<ListChanges>,
    first: Vec<PageNote>,
    last: VecDeque<PageNote>,
    /// The retries of pages that have not come.
    retrying: HashMap<Position, u64>,
}

/// What is known of a walk, page by page.
#[derive(Debug, Clone, Serialize)]
pub struct TimelineNotes {
    /// How many pages were read.
    pub pages: u64,
    /// How many records they have.
    pub records: u64,
    /// How large their bodies are together, in bytes.
    pub bytes: u64,
    /// How many requests were sent again, logins included.
    pub retries: u64,
    /// How often the walk started over because the list had changed.
    pub restarts: u64,
    /// How many pages had not changed since the walk before, so that they were not sent (304); absent if none.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_modified: u64,
    /// How many records the list of users has; absent if none.
    #[serde(skip_serializing_if = "is_zero")]
    pub users: u64,
    /// How far it came with what it asks for each group; absent if it asks for nothing, or did not come so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion: Option<CompletionProgress>,
    /// What it brought of a list that is kept up by walks for what has changed; absent for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<ListChanges>,
    /// The first pages.
    pub first: Vec<PageNote>,
    /// How many pages came between the first and the last.
    pub between: u64,
    /// The last pages, as far as they are not among the first.
    pub last: Vec<PageNote>,
}

/// What is known of one page.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PageNote {
    /// Its number in the order of reading, from 1.
    pub number: u64,
    /// When it was read, or could not be, in seconds since the walk was asked for.
    pub at_seconds: f64,
    /// How long its request took, retries included, in seconds.
    pub took_seconds: f64,
    /// How many records it has.
    pub records: u64,
    /// How large its body is, in bytes.
    pub bytes: u64,
    /// How often its request was sent again.
    pub retries: u64,
    /// Why it could not be read, if it could not.
    pub error: Option<ErrorKind>,
}

impl Timeline {
    /// The number of pages read so far.
    pub fn pages(&self) -> u64 {
        self.lock().pages
    }

    /// The number of records read so far.
    pub fn records(&self) -> u64 {
        self.lock().records
    }

    /// The number of records read so far of the list of users.
    pub fn users(&self) -> u64 {
        self.lock().users
    }

    /// How far it is with what it asks for each group, if it has come so far.
    pub fn completion(&self) -> Option<CompletionProgress> {
        self.lock().completion
    }

    /// All notes so far.
    pub fn notes(&self) -> TimelineNotes {
        let notes = self.lock();
        let listed = (notes.first.len() + notes.last.len()) as u64;
        let last = notes.last.back().or(notes.first.last());
        TimelineNotes {
            pages: notes.pages,
            records: notes.records,
            bytes: notes.bytes,
            retries: notes.retries,
            restarts: notes.restarts,
            not_modified: notes.unchanged,
            users: notes.users,
            completion: notes.completion,
            changes: notes.changes,
            first: notes.first.clone(),
            between: last.map_or(0, |last| last.number - listed),
            last: notes.last.iter().copied().collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            notes: Mutex::default(),
        }
    }
}

impl Observer for Timeline {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "it is told of all that happens, and needs some of it"
    )]
    fn observe(&self, event: &Event<'_>) {
        let at_seconds = || self.begun.elapsed().as_secs_f64();
        match event {
            Event::PageRead(page) => {
                let mut notes = self.lock();
                notes.pages += 1;
                notes.records += page.records();
                notes.bytes += page.bytes();
                notes.unchanged += u64::from(page.is_unchanged());
                let note = PageNote {
                    at_seconds: at_seconds(),
                    took_seconds: Duration::as_secs_f64(&page.elapsed),
                    records: page.records(),
                    bytes: page.bytes(),
                    ..PageNote::NOTHING
                };
                notes.add(&page.position, note);
            }
            Event::PageFailed { position, error } => {
                let note = PageNote {
                    at_seconds: at_seconds(),
                    error: Some(error.kind),
                    ..PageNote::NOTHING
                };
                self.lock().add(position, note);
            }
            Event::Retried { position, .. } => {
                let mut notes = self.lock();
                notes.retries += 1;
                if let Some(position) = position
                    && notes.retrying.len() < RETRYING
                {
                    *notes.retrying.entry((*position).clone()).or_default() += 1;
                }
            }
            Event::WalkRestarted(_) => self.lock().restarts += 1,
            Event::OfRelated {
                list,
                event: Event::PageRead(page),
            } => {
                let mut notes = self.lock();
                notes.pages += 1;
                notes.bytes += page.bytes();
                if *list == RelatedList::Users {
                    notes.users += page.records();
                }
            }
            Event::ListKeptUp(changes) => self.lock().changes = Some(*changes),
            Event::GroupsCompleted(progress) => self.lock().completion = Some(*progress),
            _ => {}
        }
    }
}

const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl PageNote {
    const NOTHING: Self = Self {
        number: 0,
        at_seconds: 0.0,
        took_seconds: 0.0,
        records: 0,
        bytes: 0,
        retries: 0,
        error: None,
    };
}

impl Notes {
    fn add(&mut self, position: &Position, note: PageNote) {
        let before = self.last.back().or(self.first.last());
        let note = PageNote {
            number: before.map_or(0, |before| before.number) + 1,
            retries: self.retrying.remove(position).unwrap_or_default(),
            ..note
        };
        if self.first.len() < KEPT {
            self.first.push(note);
            return;
        }
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(note);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::UpstreamError;

    #[test]
    fn a_long_walk_is_noted_at_both_ends_and_counted_between() {
        let timeline = Timeline::default();
        let error = UpstreamError::new(ErrorKind::Timeout, "late");
        for page in 0..20 {
            let position = Position::Page(page);
            let retried = Event::Retried {
                position: Some(&position),
                error: &error,
            };
            (0..page).for_each(|_| timeline.observe(&retried));
            timeline.observe(&Event::PageFailed {
                position: &position,
                error: &error,
            });
        }
        let notes = timeline.notes();
        let numbers = |notes: &[PageNote]| -> Vec<_> {
            let numbers = notes.iter().map(|note| (note.number, note.retries));
            numbers.collect()
        };
        assert_eq!(
            numbers(&notes.first),
            (1..=8).map(|n| (n, n - 1)).collect::<Vec<_>>()
        );
        assert_eq!(
            numbers(&notes.last),
            (13..=20).map(|n| (n, n - 1)).collect::<Vec<_>>()
        );
        assert_eq!((notes.between, notes.retries), (4, 190));
        assert!(
            notes
                .last
                .iter()
                .all(|note| note.error == Some(ErrorKind::Timeout))
        );
    }
}
