//! Puts a snapshot together: copies the rows of pages, in order, to buffers that hold nothing else.

use std::collections::HashMap;

use super::content_hash::{ContentDigest, ContentHash};
use super::group_page::{GroupPage, PageRow};
use super::layout::{Buffers, Row, Stretch};

/// The buffers of a snapshot while rows of pages are copied to them.
pub(super) struct Assembly<'a> {
    pages: &'a [GroupPage],
    /// The JSON of the rows, in the order of the snapshot, where it stands in their pages.
    json: Vec<(usize, Stretch)>,
    json_bytes: usize,
    text: String,
    members: Vec<u64>,
    // Few distinct values stand for all rows, so each is kept once.
    shared: HashMap<&'a str, Stretch>,
    /// Where the first of them stand in each page, and here.
    found: Vec<Vec<(Stretch, Stretch)>>,
}

/// How much JSON is hashed at once: as much as is still in the cache when it has been copied.
const HASHED: usize = 128 * 1024;

/// How many texts that rows share are remembered by their place in a page.
const FOUND: usize = 8;

impl<'a> Assembly<'a> {
    pub(super) fn of(pages: &'a [GroupPage]) -> Self {
        let rows = || pages.iter().flat_map(GroupPage::distinct);
        let sum = |length: fn(&PageRow) -> usize| rows().map(length).sum();
        let text: usize = sum(|row| (row.text.length + row.row.external_id.length) as usize);
        let members = sum(|row| row.row.members.length as usize);
        Self {
            pages,
            json: Vec::with_capacity(rows().count()),
            json_bytes: 0,
            // With some room for what is shared.
            text: String::with_capacity(text + text / 64 + 64),
            members: Vec::with_capacity(members),
            shared: HashMap::new(),
            found: vec![Vec::new(); pages.len()],
        }
    }

    /// Puts one row of a page behind those before it.
    pub(super) fn row(&mut self, number: usize, row: &PageRow) -> Row {
        let PageRow { row, text: own, .. } = row;
        let page = &self.pages[number];
        // Copied later: it is elsewhere in memory for every row, and the loop that copies it and does nothing
        // else waits for several at a time.
        self.json.push((number, row.json));
        let json = self.json_bytes;
        self.json_bytes += row.json.length as usize;
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

    /// The buffers, which take no more memory than they need, and the hash of the JSON in them.
    pub(super) fn finish(mut self) -> (Buffers, ContentHash) {
        self.text.shrink_to_fit();
        let mut json = Vec::with_capacity(self.json_bytes);
        let mut digest = ContentDigest::default();
        let mut hashed = 0;
        for (number, stretch) in &self.json {
            let page = &self.pages[*number];
            json.extend_from_slice(&page.json.as_bytes()[stretch.range()]);
            while let Some(next) = json.get(hashed..hashed + HASHED) {
                digest.update(next);
                hashed += HASHED;
            }
        }
        digest.update(&json[hashed..]);
        let buffers = Buffers {
            json: json.into(),
            text: self.text,
            members: self.members,
        };
        (buffers, digest.finish())
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
