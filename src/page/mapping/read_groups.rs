//! Groups that were read and are not written yet.
//!
//! Reading and writing are more code together than a core's first cache holds. Where each is done for several groups at
//! a time, that code is fetched once for all of them.

use std::mem;
use std::ops::Range;

use crate::group::{GroupParts, GroupPerson};
use crate::snapshot::GroupPage;

/// How many groups are read before they are written.
const AT_ONCE: usize = 8;

/// Groups that were read, with all that belongs to them.
#[derive(Debug, Default)]
pub(super) struct ReadGroups<'a> {
    groups: Vec<ReadGroup<'a>>,
    /// Those of all groups, whatever their role.
    pub(super) people: Vec<GroupPerson<'a>>,
    /// The attributes of all groups, one object each.
    attributes: String,
    /// A status in lower case.
    status: String,
}

/// One group. Its people and its attributes stand beside it.
#[derive(Debug)]
struct ReadGroup<'a> {
    parts: GroupParts<'a>,
    people: GroupPeople,
    attributes: Range<usize>,
    is_nested: bool,
}

/// Which people a group has, by their role.
#[derive(Debug, Clone)]
pub(super) struct GroupPeople {
    pub(super) members: Range<usize>,
    pub(super) admins: Range<usize>,
    pub(super) guests: Range<usize>,
}

impl<'a> ReadGroups<'a> {
    /// Adds a group. What writes its attributes writes an object.
    pub(super) fn add(
        &mut self,
        parts: GroupParts<'a>,
        people: GroupPeople,
        is_nested: bool,
        attributes: impl FnOnce(&mut String),
    ) {
        let start = self.attributes.len();
        attributes(&mut self.attributes);
        self.groups.push(ReadGroup {
            parts,
            people,
            attributes: start..self.attributes.len(),
            is_nested,
        });
    }

    /// Whether it is time to write them.
    pub(super) const fn are_many(&self) -> bool {
        self.groups.len() >= AT_ONCE
    }

    /// Writes them to a page, in order.
    pub(super) fn write(&mut self, page: &mut GroupPage) {
        let people = &self.people;
        for group in self.groups.drain(..) {
            let GroupPeople {
                members,
                admins,
                guests,
            } = group.people;
            let mut parts: GroupParts<'_> = group.parts;
            let status = mem::take(&mut parts.status);
            parts.status = status.map(|status| status.lower_cased(&mut self.status));
            parts.members = &people[members];
            parts.admins = &people[admins];
            parts.guests = &people[guests];
            page.push(&parts, group.is_nested, &self.attributes[group.attributes]);
        }
        self.people.clear();
        self.attributes.clear();
    }
}
