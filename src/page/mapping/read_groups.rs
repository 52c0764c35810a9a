//! Groups that were read and are not written yet.
//!
//! Reading and writing are more code together than a core's first cache holds. Where each is done for several groups at
//! a time, that code is fetched once for all of them.

use std::ops::Range;

use crate::group::{GroupParts, GroupPerson};
use crate::snapshot::GroupPage;

/// How many groups are read before they are written.
const BATCH: usize = 8;

/// Fewer are, once they have so many people, or so many bytes of attributes.
const BATCH_PEOPLE: usize = 1024;
const BATCH_BYTES: usize = 64 * 1024;

/// For how many people and bytes of attributes there is room, for each group, before anything is known of those of a page.
const PEOPLE: usize = 4;
const ATTRIBUTES: usize = 16;

/// Groups that were read, with all that belongs to them.
#[derive(Debug, Default)]
pub(super) struct ReadGroups<'a> {
    groups: Vec<ReadGroup<'a>>,
    /// Those of all groups, whatever their role.
    pub(super) people: Vec<GroupPerson<'a>>,
    /// The attributes of all groups, one object each.
    attributes: String,
}

/// One group. Its people and its attributes stand beside it.
#[derive(Debug)]
struct ReadGroup<'a> {
    parts: GroupParts<'a>,
    attributes: Range<usize>,
    is_nested: bool,
}

impl<'a> ReadGroups<'a> {
    /// Gets ready for so many groups, the first of a page.
    pub(super) fn expect_first(&mut self, groups: usize) {
        self.groups.reserve(groups);
        self.people.reserve(groups * PEOPLE);
        self.attributes.reserve(groups * ATTRIBUTES);
    }

    /// Adds a group without its attributes, which come next. It is large, so it is written where it stays.
    #[inline]
    pub(super) fn add(&mut self, parts: GroupParts<'a>, is_nested: bool) {
        let none = self.attributes.len();
        self.groups.push(ReadGroup {
            parts,
            attributes: none..none,
            is_nested,
        });
    }

    /// Adds the attributes of the last group. What writes them writes an object.
    pub(super) fn add_attributes(&mut self, write: impl FnOnce(&mut String)) {
        write(&mut self.attributes);
        if let Some(last) = self.groups.last_mut() {
            last.attributes.end = self.attributes.len();
        }
    }

    /// Whether it is time to write them.
    pub(super) const fn are_many(&self) -> bool {
        self.groups.len() >= BATCH
            || self.people.len() >= BATCH_PEOPLE
            || self.attributes.len() >= BATCH_BYTES
    }

    /// Writes them to a page, in order.
    pub(super) fn write(&mut self, page: &mut GroupPage) {
        for group in &self.groups {
            let attributes = &self.attributes[group.attributes.clone()];
            page.push(&group.parts, &self.people, group.is_nested, attributes);
        }
        self.groups.clear();
        self.people.clear();
        self.attributes.clear();
    }
}
