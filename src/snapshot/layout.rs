//! How a snapshot's groups lie in memory: a few large buffers, and rows that say which stretch of
//! them is what.
//!
//! A group each in an allocation of its own would cost more than the groups. What many rows share,
//! such as a status, is kept once.

use std::collections::HashMap;
use std::ops::Range;

use crate::group::Moment;
use bytes::Bytes;

use crate::fold::{fold, push_fold};
use crate::group::Group;

use super::member::member_hash;

/// How many bytes of a name take part in the order. Names that agree so far are ordered by source
/// and id. A bound is needed because a cursor carries the name it stands at.
pub const NAME_KEY_BYTES: usize = 384;

/// A stretch of one of the buffers. Every row has nine, so they are packed.
#[derive(Debug, Clone, Copy)]
#[repr(Rust, packed(4))]
pub(super) struct Stretch {
    pub(super) start: u64,
    pub(super) length: u32,
}

impl Stretch {
    /// What an absent text is: a stretch that no text can have.
    pub(super) const ABSENT: Self = Self {
        start: u64::MAX,
        length: 0,
    };

    pub(super) fn range(self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.length as usize
    }

    /// The same of a stretch that was read and may say anything.
    pub(super) fn checked_range(self) -> Option<Range<usize>> {
        let start = usize::try_from(self.start).ok()?;
        Some(start..start.checked_add(self.length as usize)?)
    }

    pub(super) const fn is_absent(self) -> bool {
        self.start == Self::ABSENT.start
    }
}

/// Which stretches one group takes, and what of it needs no text.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) json: Stretch,
    pub(super) id: Stretch,
    pub(super) name: Stretch,
    pub(super) folded: Stretch,
    pub(super) description: Stretch,
    pub(super) status: Stretch,
    pub(super) organization_id: Stretch,
    pub(super) external_id: Stretch,
    pub(super) members: Stretch,
    /// [`Moment::NONE`] if it is not known.
    pub(super) created_at: Moment,
    /// The same.
    pub(super) updated_at: Moment,
    pub(super) deleted: bool,
}

impl Row {
    /// What a group need not have.
    pub(super) const fn may_be_absent(&self) -> [Stretch; 4] {
        [
            self.description,
            self.status,
            self.organization_id,
            self.external_id,
        ]
    }
}

/// The buffers that rows say stretches of.
pub(super) struct Buffers {
    /// The groups' JSON, one after the other in default order.
    pub(super) json: Bytes,
    pub(super) text: String,
    pub(super) members: Vec<u64>,
}

impl Buffers {
    /// How much memory they take.
    pub(super) fn bytes(&self) -> usize {
        self.json.len() + self.text.len() + self.members.len() * size_of::<u64>()
    }

    pub(super) fn text(&self, stretch: Stretch) -> Option<&str> {
        (!stretch.is_absent()).then(|| &self.text[stretch.range()])
    }
}

/// The stretch of a name that takes part in the order.
pub fn name_key(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_KEY_BYTES)]
}

/// The buffers of a snapshot while it is laid out.
#[derive(Default)]
pub(super) struct Layout {
    json: String,
    text: String,
    members: Vec<u64>,
    // Few distinct values stand for all rows, so each is kept once.
    shared: HashMap<String, Stretch>,
}

impl Layout {
    /// Lays one group out behind those before it.
    pub(super) fn row(&mut self, folded: &str, group: &Group) -> Row {
        let start = self.json.len();
        group.write_json(&mut self.json);
        let name = name_key(&group.name);
        let members = self.members.len();
        for member in [&group.members, &group.admins, &group.guests]
            .into_iter()
            .flatten()
        {
            self.members.extend(member.id.as_deref().map(member_hash));
            self.members.extend(
                member
                    .email
                    .as_deref()
                    .map(|email| member_hash(&fold(email))),
            );
        }
        // Searches look at the whole name, the order only at its key.
        let is_cut = name.len() < group.name.len();
        let description = if is_cut || group.description.is_some() {
            let start = self.text.len();
            if is_cut {
                push_fold(&mut self.text, &group.name);
                self.text.push('\0');
            }
            push_fold(
                &mut self.text,
                group.description.as_deref().unwrap_or_default(),
            );
            Stretch {
                start: start as u64,
                length: (self.text.len() - start) as u32,
            }
        } else {
            Stretch::ABSENT
        };
        Row {
            json: Stretch {
                start: start as u64,
                length: (self.json.len() - start) as u32,
            },
            id: self.own(&group.id),
            name: self.own(name),
            folded: if folded == name {
                // The name was just written.
                Stretch {
                    start: (self.text.len() - name.len()) as u64,
                    length: name.len() as u32,
                }
            } else {
                self.own(folded)
            },
            description,
            status: self.share(group.status.as_deref()),
            organization_id: self.share(group.organization_id.as_deref()),
            external_id: match group.external_id.as_deref() {
                Some(text) => self.own(text),
                None => Stretch::ABSENT,
            },
            members: Stretch {
                start: members as u64,
                length: (self.members.len() - members) as u32,
            },
            created_at: group.created_at.unwrap_or(Moment::NONE),
            updated_at: group.updated_at.unwrap_or(Moment::NONE),
            deleted: group.deleted_at.is_some(),
        }
    }

    /// The buffers, which take no more memory than they need.
    pub(super) fn finish(mut self) -> Buffers {
        self.json.shrink_to_fit();
        self.text.shrink_to_fit();
        self.members.shrink_to_fit();
        Buffers {
            json: self.json.into_bytes().into(),
            text: self.text,
            members: self.members,
        }
    }

    fn own(&mut self, text: &str) -> Stretch {
        let start = self.text.len() as u64;
        self.text.push_str(text);
        Stretch {
            start,
            length: text.len() as u32,
        }
    }

    fn share(&mut self, text: Option<&str>) -> Stretch {
        let Some(text) = text else {
            return Stretch::ABSENT;
        };
        if let Some(&stretch) = self.shared.get(text) {
            return stretch;
        }
        let stretch = self.own(text);
        self.shared.insert(text.to_owned(), stretch);
        stretch
    }
}
