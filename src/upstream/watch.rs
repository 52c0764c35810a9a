//! Who watches a walk: told of every page, of what was decided after it and why, and of the end.
//!
//! The walk is the same whoever watches. What it tells is borrowed and told at once, so a walk that
//! nobody looks at pays for two counters. What goes over the wire for a page is told elsewhere
//! ([`Wire`]).
//!
//! [`Wire`]: super::wire::Wire

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::pager::{Decision, PagerError, Position};
use super::turn::Turn;
use crate::error::UpstreamError;

/// Someone who watches a walk.
pub trait Observer: fmt::Debug + Sync {
    /// Takes note of what the walk has just seen or done. The walk waits meanwhile.
    fn saw(&self, event: Event<'_>);
}

/// What a walk has just seen or done.
#[derive(Debug)]
pub enum Event<'a> {
    /// A request of its own told how many records there are.
    Counted(u64),
    /// A page came. Pages are told in the order of the list, however they were fetched.
    Read(&'a Turn),
    /// The pager said where to read on after the page that was read last.
    Decided(&'a Decision<'a>),
    /// A position or a page came again, which ends the walk one way or the other.
    Repeated {
        /// What came again.
        what: &'a PagerError,
        /// Whether that is a good end (`on_repeat`).
        is_end: bool,
    },
    /// A page did not come.
    Failed {
        /// Where it is.
        position: &'a Position,
        /// Why it did not.
        error: &'a UpstreamError,
    },
    /// The list changed while it was read. What was read is dropped, and the list is read again.
    Restarted(&'a UpstreamError),
    /// The list is whole, and is held against what was announced.
    Checked(Check),
}

/// A whole list beside what was announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// How many records there should be, if anyone said.
    pub announced: Option<u64>,
    /// How many the pages listed.
    pub listed: u64,
    /// How many of them came again on another page.
    pub repeated: u64,
}

/// How far a walk is, for whoever asks meanwhile.
#[derive(Debug, Default)]
pub struct Progress {
    pages: AtomicU64,
    records: AtomicU64,
}

impl Progress {
    /// Pages read so far.
    pub fn pages(&self) -> u64 {
        self.pages.load(Ordering::Relaxed)
    }

    /// Records read so far.
    pub fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }
}

impl Observer for Progress {
    fn saw(&self, event: Event<'_>) {
        if let Event::Read(turn) = event {
            self.pages.fetch_add(1, Ordering::Relaxed);
            self.records.fetch_add(turn.records(), Ordering::Relaxed);
        }
    }
}
