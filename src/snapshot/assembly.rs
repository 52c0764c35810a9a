//! Puts a snapshot together: takes the packed groups of pages over, and copies their rows, in order, to buffers that
//! hold nothing else.

use std::collections::HashMap;
use std::mem;

use crate::group::JsonSource;

use super::group_page::{GroupPage, PageRow};
use super::layout::{Buffers, Row};
use super::packed_pieces::PackedPieces;
use super::stretch::Stretch;

/// The buffers of a snapshot while rows of pages are copied to them. Each has its size from the start, for what
/// an allocator takes back of a large buffer is often nothing.
pub(super) struct Assembly {
    json_source: JsonSource,
    text: String,
    members: Vec<u32>,
    shared: Vec<Stretch>,
    /// Of each page, the numbers here of the texts that its rows share.
    numbers: Vec<Vec<u32>>,
}

/// Takes over the packed groups of pages, in the order in which they came, and says to each row where its own is now.
/// Those of rows that are left out go. Those of the only page stay where they are, if none is left out.
pub(super) fn take_over(pages: &mut [GroupPage]) -> PackedPieces {
    let mut packed = PackedPieces::default();
    match pages {
        [page] if page.len() == page.rows.len() => packed = mem::take(&mut page.packed),
        pages => pages
            .iter_mut()
            .for_each(|page| take_over_rows(&mut packed, page)),
    }
    packed.shrink();
    packed
}

/// Takes over the packed groups of one page among several, or of one that lost groups.
fn take_over_rows(packed: &mut PackedPieces, page: &mut GroupPage) {
    let mut pieces = mem::take(&mut page.packed);
    let piece = |row: &PageRow| row.row.packed.piece();
    for rows in page
        .rows
        .chunk_by_mut(|one, next| piece(one) == piece(next))
    {
        let rows = rows.iter_mut().filter(|row| !row.is_repeated);
        packed.take_over(&mut pieces, rows.map(|row| &mut row.row.packed).collect());
    }
}

impl Assembly {
    pub(super) fn of(source: &str, pages: &[GroupPage]) -> Self {
        let (mut own, mut members) = (0, 0);
        for PageRow { row, .. } in pages.iter().flat_map(GroupPage::distinct) {
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
            text,
            members: Vec::with_capacity(members),
            numbers,
        }
    }

    /// Puts one row of a page behind those before it.
    pub(super) fn row(&mut self, number: usize, page: &GroupPage, row: &PageRow) -> Row {
        let row = &row.row;
        let members = row.members.at(self.members.len());
        self.members
            .extend_from_slice(&page.members[row.members.range()]);
        let text = self.text.len() as u64;
        self.text.push_str(&page.text[row.texts()]);
        let numbers = &self.numbers[number];
        let shared = |number: u32| numbers.get(number as usize).copied().unwrap_or(number);
        Row {
            members,
            text,
            status: shared(row.status),
            organization_id: shared(row.organization_id),
            ..*row
        }
    }

    /// The buffers, with the packed groups that were taken over.
    pub(super) fn finish(self, packed: PackedPieces) -> Buffers {
        Buffers {
            json_source: self.json_source,
            packed,
            text: self.text,
            members: self.members,
            shared: self.shared,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::snapshot::tests::group;
    use crate::snapshot::{PagedGroups, Snapshot};

    #[rstest]
    #[case::large_pages(2, 1000, 1)]
    #[case::pages_of_which_one_group_in_ten_stays(2, 1000, 10)]
    #[case::pages_of_one_group(300, 1, 1)]
    fn a_list_is_the_same_whatever_pages_it_is_taken_over_from(
        #[case] pages: usize,
        #[case] length: usize,
        #[case] each: usize,
    ) {
        let groups = (0..pages * length).map(|number| {
            // In neither order of names nor of ids.
            let id = number * 7919 % 10_007;
            let mut group = group("a", &id.to_string(), &format!("name of {}", id % 100));
            group.description = Some("x".repeat(100 + id % 100));
            group
        });
        let groups: Vec<_> = groups.collect();
        let mut paged = PagedGroups::default();
        for groups in groups.chunks(length) {
            let mut page = PagedGroups::from(groups.to_vec()).into_pages().remove(0);
            page.shrink();
            let dropped = (0..length).filter(|index| index % each != 0);
            page.drop_repeated(&dropped.collect::<Vec<_>>());
            paged.push(page);
        }
        let list = Snapshot::of("a".into(), paged);
        let stay: Vec<_> = groups.into_iter().step_by(each).collect();
        let plain = Snapshot::new("a".into(), stay);
        assert_eq!(list.hash(), plain.hash());
        let [file, plain_file] = [&list, &plain].map(|list| {
            let mut file = Vec::new();
            list.write_to(&mut file).unwrap();
            file
        });
        assert!(file == plain_file);
        let read = Snapshot::read_from("a".into(), &mut &*file, file.len() as u64).unwrap();
        for other in [&read, &plain] {
            let rows = list.rows().zip(other.rows());
            assert!(rows.into_iter().all(|(one, row)| one.json() == row.json()));
            let (bytes, others) = (list.bytes(), other.bytes());
            assert!(bytes.abs_diff(others) <= others / 8, "{bytes}, {others}");
        }
    }
}
