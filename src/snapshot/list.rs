//! A whole list, in default order, and what it can be asked.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::group::Group;
use crate::list_memory::ListHold;

use super::assembly::Assembly;
use super::content_hash::ContentHash;
use super::group_page::{GroupPage, PageRow, PagedGroups};
use super::layout::{Buffers, Row, Stretch};
use super::row::RowRef;

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

impl Snapshot {
    /// Puts groups that do not come from pages in order and lays them out. Ids must be unique.
    pub fn new(source: Arc<str>, groups: Vec<Group>) -> Self {
        Self::of(source, groups.into())
    }

    /// Puts the groups of a walk in order and lays them out. Ids must be unique; the walk sees to that.
    pub fn of(source: Arc<str>, groups: PagedGroups) -> Self {
        let PagedGroups { pages } = groups;
        let mut order = Vec::with_capacity(pages.iter().map(GroupPage::len).sum());
        for (number, page) in pages.iter().enumerate() {
            order.extend(page.distinct().map(|row| {
                let folded = &page.text[row.row.folded.range()];
                (start_of(folded.as_bytes()), (number as u32, row))
            }));
        }
        let text = |number: u32, text: Stretch| &pages[number as usize].text[text.range()];
        let folded = |(page, row): &(u32, &PageRow)| text(*page, row.row.folded);
        sort_by_text(&mut order, folded, |(one, left), (other, right)| {
            let order = |of: fn(&Row) -> Stretch| {
                text(*one, of(&left.row)).cmp(text(*other, of(&right.row)))
            };
            order(|row| row.folded)
                .then_with(|| order(|row| row.name))
                .then_with(|| order(|row| row.id))
        });
        let mut assembly = Assembly::of(&pages);
        let rows = (order.iter()).map(|(_, (page, row))| assembly.row(*page as usize, row));
        let rows: Vec<Row> = rows.collect();
        let has_deleted = rows.iter().any(|row| row.deleted);
        let buffers = assembly.finish();
        drop(order);
        drop(pages);
        let hash = ContentHash::of([&*buffers.json]);
        let mut snapshot = Self {
            source,
            rows,
            buffers,
            by_id: Vec::new(),
            hash,
            has_deleted,
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

    /// Whether the upstream marks any of the groups deleted.
    pub const fn has_deleted(&self) -> bool {
        self.has_deleted
    }

    /// What the content is, by which snapshots compare.
    pub const fn hash(&self) -> ContentHash {
        self.hash
    }

    /// The groups' JSON, one after the other in default order.
    pub fn json(&self) -> &[u8] {
        &self.buffers.json
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

    #[inline]
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
        let mut rows: Vec<_> = rows
            .map(|row| (start_of(rest(row).as_bytes()), row))
            .collect();
        let order = |one: &u32, other: &u32| rest(*one).cmp(rest(*other));
        sort_by_text(&mut rows, |row| rest(*row), order);
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

/// Sorts by texts, each beside how it starts, and what has equal ones by the `rest`.
fn sort_by_text<'a, T>(
    rows: &mut [(u128, T)],
    text: impl Fn(&T) -> &'a str,
    rest: impl Fn(&T, &T) -> Ordering,
) {
    rows.sort_unstable_by_key(|(start, _)| *start);
    let equal = rows.chunk_by_mut(|(left, _), (right, _)| left == right);
    for equal in equal.filter(|equal| equal.len() > 1) {
        for (start, row) in &mut *equal {
            *start = start_of(text(row).as_bytes().get(START..).unwrap_or_default());
        }
        equal.sort_unstable_by(|(left, one), (right, other)| {
            left.cmp(right).then_with(|| rest(one, other))
        });
    }
}

/// How many bytes of a text its start is.
const START: usize = 16;

/// The first bytes of a text as a number that is in the same order.
fn start_of(text: &[u8]) -> u128 {
    if let Some(start) = text.first_chunk::<START>() {
        return u128::from_be_bytes(*start);
    }
    let mut start = [0; START];
    start[..text.len()].copy_from_slice(text);
    u128::from_be_bytes(start)
}
