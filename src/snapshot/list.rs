//! A whole list, in default order, and what it can be asked.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::group::Group;
use crate::list_memory::ListHold;

use super::assembly::{Assembly, take_over};
use super::content_hash::ContentHash;
use super::group_page::GroupPage;
use super::layout::{Buffers, Row};
use super::paged_groups::PagedGroups;
use super::row::RowRef;
use super::text_order::rows_in_order;

/// The whole group list of one upstream and credential scope.
pub struct Snapshot {
    pub(super) source: Arc<str>,
    pub(super) rows: Vec<Row>,
    pub(super) buffers: Buffers,
    pub(super) by_id: Vec<u32>,
    pub(super) hash: ContentHash,
    pub(super) has_deleted: bool,
    /// The memory that it is counted with.
    pub(super) hold: ListHold,
}

/// How many rows are looked up together.
const AT_ONCE: usize = 64;

impl Snapshot {
    /// Puts groups that do not come from pages in order and lays them out. Ids must be unique.
    pub fn new(source: Arc<str>, groups: Vec<Group>) -> Self {
        Self::of(source, groups.into())
    }

    /// Puts the groups of a walk in order and lays them out. Ids must be unique; the walk sees to that.
    pub fn of(source: Arc<str>, groups: PagedGroups) -> Self {
        Self::of_walk(source, groups, None).0
    }

    /// The same, and where each of the groups stands, in the order in which they came. It may hold the same groups as
    /// the list `before`.
    pub(crate) fn of_walk(
        source: Arc<str>,
        groups: PagedGroups,
        before: Option<&Self>,
    ) -> (Self, Vec<u32>) {
        let PagedGroups { mut pages } = groups;
        let packed = take_over(&mut pages);
        let mut unordered = Vec::with_capacity(pages.iter().map(GroupPage::len).sum());
        for (number, page) in pages.iter().enumerate() {
            unordered.extend(page.distinct().map(|row| (number, row)));
        }
        let text = |row: u32, of: fn(&Row) -> Range<usize>| {
            let (number, row) = unordered[row as usize];
            &pages[number].text.as_bytes()[of(&row.row)]
        };
        let folded = |row| text(row, Row::folded);
        let order = rows_in_order(unordered.len(), folded, |left, right| {
            let order = |of| text(left, of).cmp(text(right, of));
            order(Row::folded)
                .then_with(|| order(Row::name))
                .then_with(|| order(Row::id))
        });
        // Many upstreams list by id, and then this order is the one in which the groups came.
        let id = |row| {
            let id = text(row, Row::id);
            // All begin with the source.
            id.get(source.len()..).unwrap_or(id)
        };
        let compare = |left, right| id(left).cmp(id(right));
        let mut by_id = rows_in_order(unordered.len(), id, compare);
        let mut places = vec![0; order.len()];
        for (place, &row) in order.iter().enumerate() {
            places[row as usize] = place as u32;
        }
        for row in &mut by_id {
            *row = places[*row as usize];
        }
        let mut assembly = Assembly::of(&source, &pages);
        let mut rows: Vec<Row> = Vec::with_capacity(order.len());
        let mut next = Vec::with_capacity(AT_ONCE);
        let mut has_deleted = false;
        for some in order.chunks(AT_ONCE) {
            // Each is elsewhere in memory, and a loop that does nothing else waits for several of them at a time.
            let some = some.iter().map(|&row| unordered[row as usize]);
            next.clear();
            next.extend(some.map(|(number, row)| (number, *row)));
            rows.extend(next.iter().map(|(number, row)| {
                has_deleted |= row.row.deleted;
                assembly.row(*number, &pages[*number], row)
            }));
        }
        drop(unordered);
        drop(order);
        drop(pages);
        let buffers = assembly.finish(packed);
        let packed = rows.iter().map(|row| buffers.packed.row(row.packed));
        // Most walks bring what the one before has brought, and comparing costs a tenth of hashing.
        let hash = match before.filter(|before| before.packed_rows().eq(packed.clone())) {
            Some(same) => same.hash,
            None => ContentHash::of(packed),
        };
        let snapshot = Self {
            source,
            rows,
            buffers,
            by_id,
            hash,
            has_deleted,
            hold: ListHold::default(),
        };
        (snapshot, places)
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

    /// Whether the upstream marks any of the groups deleted.
    pub const fn has_deleted(&self) -> bool {
        self.has_deleted
    }

    /// What the content is, by which snapshots compare.
    pub const fn hash(&self) -> ContentHash {
        self.hash
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
    #[inline]
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

    /// Its groups, packed: what its hash is of.
    fn packed_rows(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let rows = self.rows.iter();
        rows.map(|row| self.buffers.packed.row(row.packed))
    }

    #[inline]
    fn row_ref<'a>(&'a self, row: &'a Row) -> RowRef<'a> {
        RowRef {
            source: &self.source,
            buffers: &self.buffers,
            row,
        }
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
