//! Puts a snapshot together: copies the rows of pages, in order, to buffers that hold nothing else.

use std::collections::HashMap;

use crate::group::JsonSource;

use super::content_hash::ContentHash;
use super::group_page::{GroupPage, PageRow};
use super::layout::{Buffers, Row};
use super::packed_pieces::{PackedPieces, PieceLengths};
use super::stretch::Stretch;

/// The buffers of a snapshot while rows of pages are copied to them. Each has its size from the start, for what
/// an allocator takes back of a large buffer is often nothing.
pub(super) struct Assembly {
    json_source: JsonSource,
    /// The packed groups of the rows, in the order of the snapshot, where they stand in their pages.
    packed: Vec<(u32, Stretch)>,
    /// And where they go.
    pieces: PieceLengths,
    text: String,
    members: Vec<u32>,
    shared: Vec<Stretch>,
    /// Of each page, the numbers here of the texts that its rows share.
    numbers: Vec<Vec<u32>>,
}

impl Assembly {
    pub(super) fn of(source: &str, pages: &[GroupPage]) -> Self {
        let (mut rows, mut own, mut members) = (0, 0, 0);
        for PageRow { row, .. } in pages.iter().flat_map(GroupPage::distinct) {
            rows += 1;
            own += row.texts().len();
            members += row.members.length as usize;
        }
        // Few distinct values stand for all rows, so each is kept once.
        let mut known = HashMap::new();
        let mut distinct = Vec::new();
        let mut number = |text| {
            *known.entry(text).or_insert_with(|| {
                distinct.push(text);
                distinct.len() as u32 - 1
            })
        };
        let texts = pages.iter().map(GroupPage::shared_texts);
        let numbers = texts.map(|texts| texts.map(&mut number).collect());
        let numbers = numbers.collect();
        let bytes: usize = distinct.iter().map(|text| text.len()).sum();
        let mut text = String::with_capacity(own + bytes);
        let shared = distinct.into_iter().map(|distinct| {
            let start = text.len();
            text.push_str(distinct);
            Stretch::between(start, text.len())
        });
        Self {
            json_source: JsonSource::of(source),
            shared: shared.collect(),
            packed: Vec::with_capacity(rows),
            pieces: PieceLengths::default(),
            text,
            members: Vec::with_capacity(members),
            numbers,
        }
    }

    /// Puts one row of a page behind those before it.
    pub(super) fn row(&mut self, number: usize, page: &GroupPage, row: &PageRow) -> Row {
        let row = &row.row;
        // Copied later: it is elsewhere in memory for every row, and the loop that copies it and does nothing
        // else waits for several at a time.
        self.packed.push((number as u32, row.packed));
        let packed = self.pieces.place(row.packed.length);
        let members = row.members.at(self.members.len());
        self.members
            .extend_from_slice(&page.members[row.members.range()]);
        let text = self.text.len() as u64;
        self.text.push_str(&page.text[row.texts()]);
        let numbers = &self.numbers[number];
        let shared = |number: u32| numbers.get(number as usize).copied().unwrap_or(number);
        Row {
            packed,
            members,
            text,
            status: shared(row.status),
            organization_id: shared(row.organization_id),
            ..*row
        }
    }

    /// The buffers, and the hash of the groups in them.
    pub(super) fn finish(self, pages: Vec<GroupPage>) -> (Buffers, ContentHash) {
        // All else of them is no longer needed, and need not be there beside the groups twice.
        let pages: Vec<String> = pages.into_iter().map(|page| page.packed).collect();
        let rows = self
            .packed
            .iter()
            .map(|(number, stretch)| &pages[*number as usize].as_bytes()[stretch.range()]);
        let (packed, hash) = PackedPieces::of(self.pieces, rows);
        let buffers = Buffers {
            json_source: self.json_source,
            packed,
            text: self.text,
            members: self.members,
            shared: self.shared,
        };
        (buffers, hash)
    }
}
