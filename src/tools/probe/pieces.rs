//! What was read of partitions, each kept until it is its turn.
//!
//! Their lists are read beside each other, and shown one after the other, in the order of the partitions.

use std::collections::BTreeMap;

use crate::observe::WalkPart;

use super::capture::CapturedAttempt;
use super::report::{NextReport, PageDetail, PageReport, WalkSummary};

/// What is shown of a list.
#[derive(Debug)]
pub(super) enum ShownPiece {
    Page(Box<ReadPage>),
    /// Where the walk reads on after the page before.
    Next(NextReport),
    /// The list is read again, for this reason.
    Restarted(String),
}

/// A page that was read, without its number.
#[derive(Debug)]
pub(super) struct ReadPage {
    pub(super) report: PageReport,
    /// The number of its records, less those of the page before.
    pub(super) listed: u64,
    /// What is shown of it in full, if that may be.
    pub(super) detail: Option<PageDetail>,
    pub(super) attempts: Vec<CapturedAttempt>,
}

/// What was read of partitions.
#[derive(Debug, Default)]
pub(super) struct PieceQueue {
    all: BTreeMap<u64, PartitionPieces>,
    /// The one whose turn it is.
    turn: u64,
}

#[derive(Debug, Default)]
struct PartitionPieces {
    values: String,
    /// How many of its pages were read.
    pages: u64,
    waiting: Vec<ShownPiece>,
    /// What was counted before its first page was shown.
    before: Option<WalkSummary>,
}

impl PieceQueue {
    /// One more, before anything of it is read.
    pub(super) fn add(&mut self, number: u64, values: String) {
        let pieces = PartitionPieces {
            values,
            ..PartitionPieces::default()
        };
        self.all.insert(number, pieces);
    }

    /// The one that an error names.
    pub(super) fn named_in(&self, detail: &str) -> Option<u64> {
        let label = |number: u64, values| WalkPart::Partition { number, values }.to_string();
        let mut all = self.all.iter();
        let named = all
            .find(|(number, one)| detail.contains(&format!("{}: ", label(**number, &one.values))));
        named.map(|(number, _)| *number)
    }

    /// How many pages of one were read.
    pub(super) fn pages_of(&self, number: u64) -> u64 {
        self.all.get(&number).map_or(0, |one| one.pages)
    }

    /// Takes a piece of one, and gives it back if it is its turn.
    pub(super) fn keep_until_its_turn(
        &mut self,
        number: u64,
        piece: ShownPiece,
    ) -> Option<ShownPiece> {
        let is_its_turn = number == self.turn;
        let Some(one) = self.all.get_mut(&number) else {
            return Some(piece);
        };
        match &piece {
            ShownPiece::Page(_) => one.pages += 1,
            ShownPiece::Restarted(_) => one.pages = 0,
            ShownPiece::Next(_) => {}
        }
        if is_its_turn {
            return Some(piece);
        }
        one.waiting.push(piece);
        None
    }

    /// Whose turn it is from now on, and what was kept of it.
    pub(super) fn turn_to(&mut self, number: u64) -> Vec<ShownPiece> {
        self.turn = number;
        let one = self.all.get_mut(&number);
        one.map_or_else(Vec::new, |one| std::mem::take(&mut one.waiting))
    }

    /// The values of the one whose turn it is, and whether its first page is shown now, `before` which so much was
    /// counted.
    pub(super) fn of_this_turn(&mut self, before: &WalkSummary) -> Option<(String, bool)> {
        let one = self.all.get_mut(&self.turn)?;
        let is_first = one.before.is_none();
        one.before.get_or_insert_with(|| before.clone());
        Some((one.values.clone(), is_first))
    }

    /// What had been counted before the one whose turn it is, of which all is read again; `None` without partitions.
    pub(super) fn restarted(&self, now: &WalkSummary) -> Option<WalkSummary> {
        let one = self.all.get(&self.turn)?;
        Some(one.before.clone().unwrap_or_else(|| now.clone()))
    }
}
