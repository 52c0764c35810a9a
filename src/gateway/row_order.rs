//! The rows of several snapshots that pass a filter, in the order of a sort: pairs of numbers.
//!
//! It holds no snapshot, so a cached order never keeps an outdated list in memory. It fits any
//! snapshots with the content that it was made from, for equal content hashes mean equal rows at equal
//! indexes.

use std::sync::Arc;

use crate::snapshot::{ContentHash, RowRef, Snapshot};

use super::filter::Filter;
use super::order::Sort;

/// The rows of several snapshots that pass a filter, in the order of a sort.
#[derive(Debug)]
pub(super) struct RowOrder {
    places: Box<[RowPlace]>,
    match_digests: Vec<(usize, MatchDigest)>,
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

/// Where a row is: in which snapshot, and there at which index.
#[derive(Debug, Clone, Copy)]
struct RowPlace {
    snapshot: u32,
    row: u32,
}

impl RowOrder {
    /// Picks and sorts rows of `snapshots`.
    pub(super) fn new(snapshots: &[Arc<Snapshot>], filter: &Filter, sort: &Sort) -> Self {
        let mut places = pick(snapshots, filter);
        // Snapshots stand in the default order. A stable sort finds such runs and merges them, so
        // the default order costs little more than one pass, and needs no merge of its own.
        places.sort_by(|left, right| {
            sort.compare(&resolve(snapshots, *left), &resolve(snapshots, *right))
        });
        Self {
            places: places.into_boxed_slice(),
            match_digests: Vec::new(),
        }
    }

    /// The same order of `snapshots`, with the match digests of those with these `numbers`.
    #[must_use]
    pub(super) fn with_match_digests(
        mut self,
        snapshots: &[Arc<Snapshot>],
        numbers: &[usize],
    ) -> Self {
        let digest = |&number| (number, self.digest_of(snapshots, number));
        self.match_digests = numbers.iter().map(digest).collect();
        self
    }

    fn digest_of(&self, snapshots: &[Arc<Snapshot>], number: usize) -> MatchDigest {
        let mut groups = 0;
        let places = self.places.iter();
        let own = places.filter(|place| place.snapshot as usize == number);
        let rows = own.map(|place| resolve(snapshots, *place).json());
        let hash = ContentHash::of(rows.inspect(|_| groups += 1));
        MatchDigest { groups, hash }
    }

    /// The match digest of the snapshot with this `number`, if it has one.
    pub(super) fn match_digest(&self, number: usize) -> Option<MatchDigest> {
        let mut digests = self.match_digests.iter();
        digests.find_map(|(of, digest)| (*of == number).then_some(*digest))
    }

    /// How many rows pass.
    pub(super) const fn len(&self) -> usize {
        self.places.len()
    }

    /// The row at `index`, of the same `snapshots`.
    pub(super) fn row<'a>(&self, snapshots: &'a [Arc<Snapshot>], index: usize) -> RowRef<'a> {
        resolve(snapshots, self.places[index])
    }

    /// The index of the first row that does not come `before`, of the same `snapshots`.
    pub(super) fn partition_point<'a>(
        &self,
        snapshots: &'a [Arc<Snapshot>],
        before: impl Fn(RowRef<'a>) -> bool,
    ) -> usize {
        let places = &self.places;
        places.partition_point(|place| before(resolve(snapshots, *place)))
    }

    /// Whether no row passes.
    pub(super) const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.places) + size_of_val(&*self.match_digests)
    }
}

fn pick(snapshots: &[Arc<Snapshot>], filter: &Filter) -> Vec<RowPlace> {
    let matcher = filter.matcher();
    let mut places = Vec::new();
    for (number, snapshot) in snapshots.iter().enumerate() {
        let matching = |row: &usize| matcher.matches(snapshot.row(*row));
        let place = |row: usize| RowPlace {
            snapshot: number as u32,
            row: row as u32,
        };
        match &filter.ids {
            // A lookup by id need not scan.
            Some(ids) => places.extend(
                ids.iter()
                    .filter_map(|id| snapshot.find(id))
                    .filter(matching)
                    .map(place),
            ),
            None => places.extend((0..snapshot.len()).filter(matching).map(place)),
        }
    }
    places
}

fn resolve(snapshots: &[Arc<Snapshot>], place: RowPlace) -> RowRef<'_> {
    snapshots[place.snapshot as usize].row(place.row as usize)
}
