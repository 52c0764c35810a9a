//! Rows of a snapshot as a page again: copied as they are laid out, and decoded by nobody.

use std::sync::Arc;

use super::group_page::{GroupPage, PageRow, id_hash};
use super::layout::{Row, Stretch};
use super::list::Snapshot;

/// How many texts that rows share are remembered by their place.
const SHARED: usize = 8;

impl Snapshot {
    /// The groups at these places as a page, in this order. Those at the `nested` indexes of it stand below others.
    /// `None` if there is no such place.
    pub(crate) fn page_of(
        &self,
        places: impl ExactSizeIterator<Item = usize> + Clone,
        nested: &[u32],
    ) -> Option<GroupPage> {
        let mut copy = CopiedRows {
            snapshot: self,
            page: GroupPage::new(Arc::clone(&self.source)),
            shared: Vec::new(),
        };
        copy.page.rows.reserve_exact(places.len());
        let rows = places.clone().filter_map(|place| self.rows.get(place));
        let json: usize = rows.map(|row| row.json.length as usize).sum();
        copy.page.json.reserve_exact(json);
        for (index, place) in places.enumerate() {
            let is_nested = nested.binary_search(&(index as u32)).is_ok();
            copy.row(self.rows.get(place)?, is_nested)?;
        }
        copy.page.shrink();
        Some(copy.page)
    }
}

/// A page that rows of a snapshot are copied to.
struct CopiedRows<'a> {
    snapshot: &'a Snapshot,
    page: GroupPage,
    /// Where texts that rows share stand in the snapshot, and here.
    shared: Vec<(Stretch, Stretch)>,
}

impl CopiedRows<'_> {
    fn row(&mut self, row: &Row, is_nested: bool) -> Option<()> {
        let buffers = &self.snapshot.buffers;
        let json = self.page.json.len();
        let text = buffers.json.get(row.json.range())?;
        self.page.json.push_str(str::from_utf8(text).ok()?);
        let members = self.page.members.len();
        let hashes = buffers.members.get(row.members.range())?;
        self.page.members.extend_from_slice(hashes);
        let status = self.share(row.status)?;
        let organization_id = self.share(row.organization_id)?;
        let external_id = self.copy(row.external_id)?;
        // What is the row's own stands together.
        let own = [row.description, row.id, row.name, row.folded];
        let own = own.into_iter().filter(|stretch| !stretch.is_absent());
        let ranges = own.map(Stretch::range);
        let (start, end) = ranges.fold((usize::MAX, 0), |(start, end), range| {
            (start.min(range.start), end.max(range.end))
        });
        let own = Stretch::between(start, end.max(start));
        let at = self.page.text.len();
        self.page.text.push_str(buffers.text.get(own.range())?);
        let copied = Row {
            json: row.json.moved(row.json, json),
            id: row.id.moved(own, at),
            name: row.name.moved(own, at),
            folded: row.folded.moved(own, at),
            description: row.description.moved(own, at),
            status,
            organization_id,
            external_id,
            members: row.members.moved(row.members, members),
            ..*row
        };
        let id = self.page.text.get(copied.id.range())?;
        let source_id = id.get(self.snapshot.source.len() + 1..)?;
        let id_hash = id_hash(source_id);
        self.page.rows.push(PageRow {
            row: copied,
            text: Stretch::between(at, self.page.text.len()),
            id_hash,
            is_nested,
            is_repeated: false,
            is_removed: false,
        });
        Some(())
    }

    fn copy(&mut self, stretch: Stretch) -> Option<Stretch> {
        if stretch.is_absent() {
            return Some(stretch);
        }
        let at = self.page.text.len();
        let text = self.snapshot.buffers.text.get(stretch.range())?;
        self.page.text.push_str(text);
        Some(stretch.moved(stretch, at))
    }

    fn share(&mut self, stretch: Stretch) -> Option<Stretch> {
        // An empty text begins where another one does.
        let is_here = |(there, _): &&(Stretch, Stretch)| {
            !stretch.is_absent() && there.range() == stretch.range()
        };
        if let Some((_, here)) = self.shared.iter().find(is_here) {
            return Some(*here);
        }
        let here = self.copy(stretch)?;
        if self.shared.len() < SHARED && !stretch.is_absent() {
            self.shared.push((stretch, here));
        }
        Some(here)
    }
}

#[cfg(test)]
mod tests {
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
            let rows = page.rows().map(|row| row.is_nested());
            assert_eq!(rows.filter(|is_nested| *is_nested).count(), nested.len());
            let mut pages = PagedGroups::default();
            pages.push(page);
            let (again, places) = Snapshot::of_walk("a".into(), pages);
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
