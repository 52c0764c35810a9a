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
    /// Adds a group. What writes its attributes writes an object.
    pub(super) fn add(
        &mut self,
        parts: GroupParts<'a>,
        is_nested: bool,
        attributes: impl FnOnce(&mut String),
    ) {
        let start = self.attributes.len();
        attributes(&mut self.attributes);
        self.groups.push(ReadGroup {
            parts,
            attributes: start..self.attributes.len(),
            is_nested,
        });
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
