//! A whole list, in default order, and what it can be asked.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::fold::push_fold;
use crate::group::Group;
use crate::list_memory::ListHold;

use super::content_hash::ContentHash;
use super::layout::{Buffers, Layout, Row, name_key};
use super::row::RowRef;

/// The whole group list of one upstream and credential scope.
pub struct Snapshot {
    pub(super) source: Arc<str>,
    pub(super) rows: Vec<Row>,
    pub(super) buffers: Buffers,
    pub(super) by_id: Vec<u32>,
    pub(super) hash: ContentHash,
    /// The memory that it is counted with.
    pub(super) hold: ListHold,
}

impl Snapshot {
    /// Normalizes the order of `groups` and lays them out. Ids must be unique; the walk sees to
    /// that.
    pub fn new(source: Arc<str>, groups: Vec<Group>) -> Self {
        let mut folds = String::new();
        let mut order: Vec<_> = (groups.iter().enumerate())
            .map(|(index, group)| OrderedRow::new(index, group, &mut folds))
            .collect();
        // Groups stay where they are: they are much larger than what they are ordered by.
        let rest = |left: &OrderedRow, right: &OrderedRow| {
            let (one, other) = (&groups[left.index], &groups[right.index]);
            (folds[left.folded()].cmp(&folds[right.folded()]))
                .then_with(|| name_key(&one.name).cmp(name_key(&other.name)))
                .then_with(|| one.id.cmp(&other.id))
        };
        sort_by_start(&mut order, |row| row.start, rest);
        let mut layout = Layout::default();
        let mut groups: Vec<_> = groups.into_iter().map(Some).collect();
        // Each group is let go of once it is laid out.
        let rows = order
            .iter()
            .filter_map(|row| {
                let group = groups.get_mut(row.index)?.take()?;
                Some(layout.row(&folds[row.folded()], &group))
            })
            .collect();
        let buffers = layout.finish();
        let hash = ContentHash::of([&*buffers.json]);
        let mut snapshot = Self {
            source,
            rows,
            buffers,
            by_id: Vec::new(),
            hash,
            hold: ListHold::default(),
        };
        snapshot.by_id = snapshot.rows_by_id();
        snapshot
    }

    /// Counts it with this memory as long as anybody has it.
    pub(crate) fn count_with(&mut self, hold: ListHold) {
        self.hold = hold;
    }

    /// Says whether it is what is served to whoever asks now.
    pub(crate) fn keep(&self, is_kept: bool) {
        self.hold.keep(is_kept);
    }

    /// Whether it is.
    pub(crate) fn is_kept(&self) -> bool {
        self.hold.is_kept()
    }

    /// The upstream that the groups came from.
    pub const fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the upstream has no group at all.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What the content is, by which snapshots compare.
    pub const fn hash(&self) -> ContentHash {
        self.hash
    }

    /// The groups' JSON, one after the other in default order.
    pub fn json(&self) -> &[u8] {
        &self.buffers.json
    }

    /// How much memory a group takes in a snapshot at least: walks need not go on once the groups
    /// that they have take more than there is.
    pub fn least_bytes(group: &Group) -> usize {
        group.least_json() + size_of::<Row>()
    }

    /// How much memory the snapshot takes.
    pub fn bytes(&self) -> usize {
        self.buffers.bytes()
            + self.rows.len() * size_of::<Row>()
            + self.by_id.len() * size_of::<u32>()
            + size_of::<Self>()
    }

    /// The row at `index`, in default order.
    ///
    /// # Panics
    ///
    /// When there is no such row.
    pub fn row(&self, index: usize) -> RowRef<'_> {
        self.row_ref(&self.rows[index])
    }

    /// The index of the row with this normalized id.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.by_id
            .binary_search_by(|&row| self.row(row as usize).id().cmp(id))
            .ok()
            .map(|place| self.by_id[place] as usize)
    }

    /// All rows, in default order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = RowRef<'_>> {
        self.rows.iter().map(|row| self.row_ref(row))
    }

    /// For each row, which place its name has among the names: equal for equal names.
    pub fn name_ranks(&self) -> Vec<u32> {
        let mut rank = 0;
        let mut before: Option<RowRef<'_>> = None;
        let ranks = self.rows().map(|row| {
            if before.is_some_and(|before| before.name() != row.name()) {
                rank += 1;
            }
            before = Some(row);
            rank
        });
        ranks.collect()
    }

    /// For each row, which place its id has among the ids.
    pub fn id_ranks(&self) -> Vec<u32> {
        let mut ranks = vec![0; self.by_id.len()];
        for (rank, &row) in self.by_id.iter().enumerate() {
            ranks[row as usize] = rank as u32;
        }
        ranks
    }

    fn row_ref<'a>(&'a self, row: &'a Row) -> RowRef<'a> {
        RowRef {
            source: &self.source,
            buffers: &self.buffers,
            row,
        }
    }

    fn rows_by_id(&self) -> Vec<u32> {
        // All begin with the source.
        let rest = |row: u32| {
            let id = self.row(row as usize).id();
            id.get(self.source.len()..).unwrap_or(id)
        };
        let rows = 0..self.rows.len() as u32;
        let mut rows: Vec<_> = rows.map(|row| (start_of(rest(row)), row)).collect();
        let order = |(_, one): &(_, u32), (_, other): &(_, u32)| rest(*one).cmp(rest(*other));
        sort_by_start(&mut rows, |(start, _)| *start, order);
        // Not by value: the vector would keep the room of the texts.
        rows.iter().map(|&(_, row)| row).collect()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Snapshot")
            .field("source", &self.source)
            .field("groups", &self.rows.len())
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

/// What a group is ordered by.
struct OrderedRow {
    /// The first bytes of its folded name, which decide most comparisons.
    start: u128,
    index: usize,
    fold: usize,
    length: u32,
}

impl OrderedRow {
    fn new(index: usize, group: &Group, folds: &mut String) -> Self {
        let fold = folds.len();
        push_fold(folds, name_key(&group.name));
        Self {
            start: start_of(&folds[fold..]),
            index,
            fold,
            length: (folds.len() - fold) as u32,
        }
    }

    const fn folded(&self) -> Range<usize> {
        self.fold..self.fold + self.length as usize
    }
}

/// Sorts by the numbers that texts start with, and what has equal ones by the `rest`.
fn sort_by_start<T>(rows: &mut [T], start: impl Fn(&T) -> u128, rest: impl Fn(&T, &T) -> Ordering) {
    rows.sort_unstable_by_key(|row| start(row));
    for equal in rows.chunk_by_mut(|left, right| start(left) == start(right)) {
        equal.sort_unstable_by(|left, right| rest(left, right));
    }
}

/// The first bytes of a text as a number that is in the same order.
fn start_of(text: &str) -> u128 {
    let mut start = [0; 16];
    let bytes = text.as_bytes();
    let length = bytes.len().min(start.len());
    start[..length].copy_from_slice(&bytes[..length]);
    u128::from_be_bytes(start)
}
