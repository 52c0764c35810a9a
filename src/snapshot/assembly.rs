//! Puts a snapshot together: copies the rows of pages, in order, to buffers that hold nothing else.

use std::collections::HashMap;

use super::group_page::{GroupPage, PageRow};
use super::layout::{Buffers, Row, Stretch};

/// The buffers of a snapshot while rows of pages are copied to them.
pub(super) struct Assembly<'a> {
    pages: &'a [GroupPage],
    json: String,
    text: String,
    members: Vec<u64>,
    // Few distinct values stand for all rows, so each is kept once.
    shared: HashMap<&'a str, Stretch>,
    /// Where the first of them stand in each page, and here.
    found: Vec<Vec<(Stretch, Stretch)>>,
}

/// How many texts that rows share are remembered by their place in a page.
const FOUND: usize = 8;

impl<'a> Assembly<'a> {
    pub(super) fn of(pages: &'a [GroupPage]) -> Self {
        let rows = || pages.iter().flat_map(GroupPage::distinct);
        let sum = |length: fn(&PageRow) -> usize| rows().map(length).sum();
        let json = sum(|row| row.row.json.length as usize);
        let text: usize = sum(|row| (row.text.length + row.row.external_id.length) as usize);
        let members = sum(|row| row.row.members.length as usize);
        Self {
            pages,
            json: String::with_capacity(json),
            // With some room for what is shared.
            text: String::with_capacity(text + text / 64 + 64),
            members: Vec::with_capacity(members),
            shared: HashMap::new(),
            found: vec![Vec::new(); pages.len()],
        }
    }

    /// Copies one row of a page behind those before it.
    pub(super) fn row(&mut self, number: usize, row: &PageRow) -> Row {
        let PageRow { row, text: own, .. } = row;
        let page = &self.pages[number];
        let json = self.json.len();
        self.json.push_str(&page.json[row.json.range()]);
        let members = self.members.len();
        self.members
            .extend_from_slice(&page.members[row.members.range()]);
        let text = self.text.len();
        self.text.push_str(&page.text[own.range()]);
        Row {
            json: row.json.moved(row.json, json),
            id: row.id.moved(*own, text),
            name: row.name.moved(*own, text),
            folded: row.folded.moved(*own, text),
            description: row.description.moved(*own, text),
            status: self.share(number, row.status),
            organization_id: self.share(number, row.organization_id),
            external_id: self.own(number, row.external_id),
            members: row.members.moved(row.members, members),
            ..*row
        }
    }

    /// The buffers, which take no more memory than they need.
    pub(super) fn finish(mut self) -> Buffers {
        self.text.shrink_to_fit();
        Buffers {
            json: self.json.into_bytes().into(),
            text: self.text,
            members: self.members,
        }
    }

    fn own(&mut self, page: usize, stretch: Stretch) -> Stretch {
        if stretch.is_absent() {
            return stretch;
        }
        let start = self.text.len();
        self.text.push_str(&self.pages[page].text[stretch.range()]);
        stretch.moved(stretch, start)
    }

    fn share(&mut self, page: usize, stretch: Stretch) -> Stretch {
        if stretch.is_absent() {
            return stretch;
        }
        // An empty text begins where another one does.
        let is_here = |(there, _): &&(Stretch, Stretch)| there.range() == stretch.range();
        if let Some((_, here)) = self.found[page].iter().find(is_here) {
            return *here;
        }
        let text = &self.pages[page].text[stretch.range()];
        let known = self.shared.get(text).copied();
        let here = known.unwrap_or_else(|| self.own(page, stretch));
        self.shared.insert(text, here);
        if self.found[page].len() < FOUND {
            self.found[page].push((stretch, here));
        }
        here
    }
}
