//! The pages of a walk, until a snapshot is put together from them.

use crate::group::{Group, GroupParts};

use super::group_page::{GroupPage, PageRowRef};

/// The groups of many pages, in the order in which they came.
#[derive(Debug, Default)]
pub struct PagedGroups {
    pub(super) pages: Vec<GroupPage>,
}

impl PagedGroups {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.pages.iter().map(GroupPage::len).sum()
    }

    /// How much memory their buffers take.
    pub(crate) fn bytes(&self) -> u64 {
        self.pages.iter().map(GroupPage::bytes).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pages.iter().all(GroupPage::is_empty)
    }

    /// The pages, each for itself.
    pub(crate) fn into_pages(self) -> Vec<GroupPage> {
        self.pages
    }

    /// Adds the groups of one more page.
    pub fn push(&mut self, page: GroupPage) {
        self.pages.push(page);
    }

    /// From now on these groups of the last page count as such that came before.
    pub(crate) fn drop_repeated(&mut self, indexes: &[usize]) {
        if let Some(last) = self.pages.last_mut() {
            last.drop_repeated(indexes);
        }
    }

    /// Drops the groups whose records say that they have been deleted.
    pub(crate) fn drop_removed(&mut self) {
        self.pages.iter_mut().for_each(GroupPage::drop_removed);
    }

    /// From now on this group counts as one that came before.
    pub(crate) fn drop_row(&mut self, page: usize, row: usize) {
        if let Some(page) = self.pages.get_mut(page) {
            page.drop_repeated(&[row]);
        }
    }

    /// The pages.
    pub(crate) fn pages(&self) -> &[GroupPage] {
        &self.pages
    }

    /// The groups themselves, read back from their JSON: for whoever shows or compares a few.
    pub fn to_groups(&self) -> Vec<Group> {
        let rows = self.pages.iter().flat_map(|page| {
            let rows = page.distinct();
            rows.map(move |row| PageRowRef { page, row })
        });
        rows.filter_map(|row| row.group().ok()).collect()
    }
}

impl From<Vec<GroupPage>> for PagedGroups {
    fn from(pages: Vec<GroupPage>) -> Self {
        Self { pages }
    }
}

impl From<Vec<Group>> for PagedGroups {
    fn from(groups: Vec<Group>) -> Self {
        let mut groups_of_all = Self::default();
        if let Some(first) = groups.first() {
            let mut page = GroupPage::new(&first.source);
            for group in &groups {
                let attributes = group.attributes.as_json();
                let (parts, people) = GroupParts::of(group);
                page.push(&parts, &people, false, attributes);
            }
            groups_of_all.push(page);
        }
        groups_of_all
    }
}
