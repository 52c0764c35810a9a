//! One group of a snapshot, as queries see it.

use std::fmt;

use memchr::memchr;
use memchr::memmem::Finder;

use crate::group::{Group, Moment};

use super::layout::{Buffers, NAME_END, Row};
use super::member::MemberKey;

/// One group of a snapshot, as queries see it.
#[derive(Clone, Copy)]
pub struct RowRef<'a> {
    pub(super) source: &'a str,
    pub(super) buffers: &'a Buffers,
    pub(super) row: &'a Row,
}

impl<'a> RowRef<'a> {
    /// The upstream that the group came from.
    pub fn source(self) -> &'a str {
        self.source
    }

    /// The normalized id.
    #[inline]
    pub fn id(self) -> &'a str {
        &self.buffers.text[self.row.id()]
    }

    /// The name, as long as it takes part in the order.
    #[inline]
    pub fn name(self) -> &'a str {
        &self.buffers.text[self.row.name()]
    }

    /// The fold of [`RowRef::name`].
    #[inline]
    pub fn folded_name(self) -> &'a str {
        &self.buffers.text[self.row.folded()]
    }

    /// Whether the folded name or description contains the folded text that `search` looks for.
    pub fn contains(self, search: &Finder<'_>) -> bool {
        let text = self.buffers.text.as_bytes();
        let mut texts = self.row.searched().map(|range| &text[range]);
        texts.any(|text| search.find(text).is_some())
    }

    /// Whether the folded name contains it, all of the name.
    pub fn name_contains(self, search: &Finder<'_>) -> bool {
        let whole = self.row.description().filter(|_| self.row.is_cut);
        let name = match whole {
            Some(whole) => {
                let text = &self.buffers.text.as_bytes()[whole];
                &text[..memchr(NAME_END, text).unwrap_or(text.len())]
            }
            None => self.folded_name().as_bytes(),
        };
        search.find(name).is_some()
    }

    /// The status, lower-cased.
    #[inline]
    pub fn status(self) -> Option<&'a str> {
        self.buffers.shared(self.row.status)
    }

    /// The organization's id.
    #[inline]
    pub fn organization_id(self) -> Option<&'a str> {
        self.buffers.shared(self.row.organization_id)
    }

    /// The id in a third system.
    #[inline]
    pub fn external_id(self) -> Option<&'a str> {
        self.row
            .external_id()
            .map(|range| &self.buffers.text[range])
    }

    /// When the group was made.
    #[inline]
    pub const fn created_at(self) -> Option<Moment> {
        self.row.created_at.known()
    }

    /// When the group last changed.
    #[inline]
    pub const fn updated_at(self) -> Option<Moment> {
        self.row.updated_at.known()
    }

    /// Whether the upstream marks the group deleted.
    #[inline]
    pub const fn is_deleted(self) -> bool {
        self.row.deleted
    }

    /// Whether an account with this id, or with this e-mail address folded, is among members,
    /// admins or guests.
    pub fn has_member(self, key: &MemberKey) -> bool {
        let hashes = &self.buffers.members[self.row.members.range()];
        // Hashes only say where a look is worth it.
        (hashes.contains(&key.id_hash) || hashes.contains(&key.email_hash))
            && self.group().is_ok_and(|group| {
                [&group.members, &group.admins, &group.guests]
                    .into_iter()
                    .flatten()
                    .any(|member| key.matches(member))
            })
    }

    /// The group, packed: equal for equal groups of one source.
    pub(crate) fn packed(self) -> &'a [u8] {
        self.buffers.packed.row(self.row.packed)
    }

    /// How many bytes the group's JSON has.
    pub(crate) fn json_bytes(self) -> usize {
        self.buffers.json_source.json_bytes(self.packed())
    }

    /// Writes the group's JSON.
    pub(crate) fn write_json(self, out: &mut Vec<u8>) {
        self.buffers.json_source.write_json(self.packed(), out);
    }

    /// The group's JSON.
    pub fn json(self) -> Vec<u8> {
        self.buffers.json_source.json(self.packed())
    }

    /// The group itself, read back from its JSON.
    pub fn group(self) -> Result<Group, serde_json::Error> {
        self.buffers.json_source.group(self.packed())
    }
}

impl fmt::Debug for RowRef<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("RowRef").field(&self.id()).finish()
    }
}
