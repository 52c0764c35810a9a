//! A whole list, in default order, and what it can be asked.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::fold::fold;
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
        let mut keyed: Vec<_> = groups
            .into_iter()
            .map(|group| {
                let key = name_key(&group.name).len();
                (fold(&group.name[..key]).into_owned(), key, group)
            })
            .collect();
        keyed.sort_unstable_by(
            |(left_fold, left_key, left), (right_fold, right_key, right)| {
                left_fold
                    .cmp(right_fold)
                    .then_with(|| left.name[..*left_key].cmp(&right.name[..*right_key]))
                    .then_with(|| left.id.cmp(&right.id))
            },
        );
        let mut layout = Layout::default();
        // Each group is let go of once it is laid out.
        let rows = keyed
            .into_iter()
            .map(|(folded, _, group)| layout.row(&folded, &group))
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
        let mut counter = Counter(0);
        let rendered = serde_json::to_writer(&mut counter, group);
        debug_assert!(rendered.is_ok(), "a group always renders");
        counter.0 + size_of::<Row>()
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
        let mut rows: Vec<_> = (0..self.rows.len() as u32).collect();
        rows.sort_unstable_by_key(|&row| self.row(row as usize).id());
        rows
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

/// Counts what is written to it.
struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
