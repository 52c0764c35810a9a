//! Rows of a snapshot as a page again: copied as they are laid out, and decoded by nobody.

use super::group_page::{GroupPage, PageRow, id_hash};
use super::layout::{ABSENT, Row};
use super::list::Snapshot;

impl Snapshot {
    /// The groups at these places as a page, in this order. Those at the `nested` indexes of it stand below others.
    /// `None` if there is no such place.
    pub(crate) fn page_of(
        &self,
        places: impl ExactSizeIterator<Item = usize> + Clone,
        nested: &[u32],
    ) -> Option<GroupPage> {
        let mut page = GroupPage::new(&self.source);
        page.rows.reserve_exact(places.len());
        let rows = places.clone().filter_map(|place| self.rows.get(place));
        let packed: usize = rows.map(|row| row.packed.length as usize).sum();
        page.packed.reserve(packed);
        for (index, place) in places.enumerate() {
            let is_nested = nested.binary_search(&(index as u32)).is_ok();
            self.copy(self.rows.get(place)?, is_nested, &mut page)?;
        }
        page.shrink();
        Some(page)
    }

    fn copy(&self, row: &Row, is_nested: bool, page: &mut GroupPage) -> Option<()> {
        let buffers = &self.buffers;
        let packed = page.packed.push(buffers.packed.row(row.packed));
        let members = page.members.len();
        let hashes = buffers.members.get(row.members.range())?;
        page.members.extend_from_slice(hashes);
        let mut share = |number| {
            let text = buffers.shared(number);
            text.map_or(ABSENT, |text| page.share(text))
        };
        let (status, organization_id) = (share(row.status), share(row.organization_id));
        let text = page.text.len();
        page.text.push_str(buffers.text.get(row.texts())?);
        let copied = Row {
            packed,
            members: row.members.at(members),
            text: text as u64,
            status,
            organization_id,
            ..*row
        };
        let id = page.text.get(copied.id())?;
        let id_hash = id_hash(id.get(self.source.len() + 1..)?);
        page.rows.push(PageRow {
            row: copied,
            id_hash,
            is_nested,
            is_repeated: false,
            is_removed: false,
        });
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::group_page::PageRowRef;
    use crate::group::Member;
    use crate::snapshot::tests::group;
    use crate::snapshot::{PagedGroups, Snapshot};

    #[test]
    fn copied_rows_make_the_same_list_again() {
        let groups = ["zoo", "Straße", "Ops", &"long ".repeat(200)].map(|name| {
            let mut group = group("a", name, name);
            group.status = Some("active".to_owned());
            group.external_id = (name == "Ops").then(|| "x".to_owned());
            group.description = (name != "zoo").then(|| "Où l'on MARCHE".to_owned());
            group.members = vec![Member {
                id: Some(name.to_owned()),
                email: None,
            }];
            group
        });
        let whole = Snapshot::new("a".into(), groups.to_vec());
        for nested in [&[][..], &[1]] {
            let page = whole.page_of([3, 0, 2, 1].into_iter(), nested).unwrap();
            let rows = page.rows().map(PageRowRef::is_nested);
            assert_eq!(rows.filter(|is_nested| *is_nested).count(), nested.len());
            let mut pages = PagedGroups::default();
            pages.push(page);
            let (again, places) = Snapshot::of_walk("a".into(), pages, None);
            assert_eq!((again.hash(), places), (whole.hash(), vec![3, 0, 2, 1]));
            for (row, before) in again.rows().zip(whole.rows()) {
                assert_eq!(row.group().unwrap(), before.group().unwrap());
                assert_eq!(row.status(), before.status());
                assert_eq!(row.external_id(), before.external_id());
                assert_eq!(row.folded_name(), before.folded_name());
            }
            assert_eq!(again.bytes(), whole.bytes());
        }
        assert!(whole.page_of([4].into_iter(), &[]).is_none());
    }
}
