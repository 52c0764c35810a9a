//! The rows of each snapshot that pass a filter, in the order of a sort: numbers.
//!
//! Snapshots are not merged here. Each has its own order, and a page is merged from them
//! ([`super::merge`]), so that a list of a million groups is never sorted as a whole.
//!
//! [`MatchingRows`] hold no snapshot, so those that are kept never hold an outdated list in memory. They
//! fit any snapshots with the content that they were made from, for equal content hashes mean equal rows
//! at equal indexes.

use std::sync::Arc;

use crate::snapshot::{ContentHash, Snapshot};

use super::filter::Filter;
use super::order::Sort;

/// The rows of several snapshots that pass a filter, in the order of a sort within each snapshot.
#[derive(Debug)]
pub(super) struct MatchingRows {
    of: Box<[Matching]>,
    match_digests: Vec<(usize, MatchDigest)>,
}

/// The rows of one snapshot.
#[derive(Debug)]
enum Matching {
    /// All of them, as the snapshot has them. Most queries ask for nothing else.
    All(usize),
    /// These.
    Some(Box<[u32]>),
}

/// Which groups of one snapshot are in a view. It is the same for a whole list as for a part of it
/// that holds all matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatchDigest {
    /// How many groups.
    pub groups: usize,
    /// What they are.
    pub hash: ContentHash,
}

impl MatchingRows {
    /// The rows of `snapshots`, if they are known without a look at any of them: most queries ask for all in default
    /// order.
    pub(super) fn known(snapshots: &[Arc<Snapshot>], filter: &Filter, sort: &Sort) -> Option<Self> {
        if !sort.is_of_snapshots() {
            return None;
        }
        let all = |snapshot: &Arc<Snapshot>| {
            let picks_all = filter.picks_all_of(snapshot);
            picks_all.then(|| Matching::All(snapshot.len()))
        };
        Some(Self {
            of: snapshots.iter().map(all).collect::<Option<_>>()?,
            match_digests: Vec::new(),
        })
    }

    /// Picks and sorts rows of `snapshots`.
    pub(super) fn new(snapshots: &[Arc<Snapshot>], filter: &Filter, sort: &Sort) -> Self {
        let matcher = filter.matcher();
        let of = snapshots.iter().map(|snapshot| {
            let mut rows = matcher.pick(snapshot);
            sort.arrange(snapshot, &mut rows);
            let is_as_it_was = rows.len() == snapshot.len() && rows.is_sorted();
            if is_as_it_was {
                Matching::All(rows.len())
            } else {
                Matching::Some(rows.into_boxed_slice())
            }
        });
        Self {
            of: of.collect(),
            match_digests: Vec::new(),
        }
    }

    /// The same rows of `snapshots`, with the match digests of those with these `numbers`.
    #[must_use]
    pub(super) fn with_match_digests(
        mut self,
        snapshots: &[Arc<Snapshot>],
        numbers: &[usize],
    ) -> Self {
        let digest = |&number: &usize| {
            let snapshot = &snapshots[number];
            let groups = self.count(number);
            let rows = (0..groups).map(|place| snapshot.row(self.row(number, place)).packed());
            let hash = ContentHash::of(rows);
            (number, MatchDigest { groups, hash })
        };
        self.match_digests = numbers.iter().map(digest).collect();
        self
    }

    /// The match digest of the snapshot with this `number`, if it has one.
    pub(super) fn match_digest(&self, number: usize) -> Option<MatchDigest> {
        let mut digests = self.match_digests.iter();
        digests.find_map(|(of, digest)| (*of == number).then_some(*digest))
    }

    /// How many snapshots there are.
    pub(super) const fn snapshots(&self) -> usize {
        self.of.len()
    }

    /// How many rows of a snapshot pass.
    pub(super) fn count(&self, snapshot: usize) -> usize {
        match &self.of[snapshot] {
            Matching::All(count) => *count,
            Matching::Some(rows) => rows.len(),
        }
    }

    /// Which row of a snapshot is at this `place` among those that pass.
    pub(super) fn row(&self, snapshot: usize, place: usize) -> usize {
        match &self.of[snapshot] {
            Matching::All(_) => place,
            Matching::Some(rows) => rows[place] as usize,
        }
    }

    /// How many rows pass.
    pub(super) fn len(&self) -> usize {
        (0..self.snapshots()).map(|number| self.count(number)).sum()
    }

    /// How much memory they take.
    pub(super) fn bytes(&self) -> usize {
        let rows = self.of.iter().map(|of| match of {
            Matching::All(_) => 0,
            Matching::Some(rows) => size_of_val(&**rows),
        });
        size_of::<Self>()
            + size_of_val(&*self.of)
            + rows.sum::<usize>()
            + size_of_val(&*self.match_digests)
    }
}
