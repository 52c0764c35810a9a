//! A group while it is read: its texts stand in the page that it came from, and are written from there.

use std::borrow::Cow;
use std::ops::Range;

use crate::fold::is_folded_ascii;

use super::{Group, Member, Moment};

/// Words that need no memory of their own in lower case: what most upstreams call a status.
const USUAL_WORDS: [&str; 8] = [
    "active",
    "archived",
    "deleted",
    "disabled",
    "enabled",
    "inactive",
    "pending",
    "suspended",
];

/// One text of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GroupText<'a> {
    pub(crate) text: Cow<'a, str>,
    /// Whether it is known that JSON needs no escape for it.
    pub(crate) is_plain: bool,
}

/// One time of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupTime<'a> {
    pub(crate) moment: Moment,
    /// How the moment is written, if the page writes it so.
    pub(crate) text: Option<&'a str>,
}

/// One person of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupPerson<'a> {
    pub(crate) id: Option<GroupText<'a>>,
    pub(crate) email: Option<GroupText<'a>>,
}

/// All of a group but its source and its attributes. The fields are those of [`Group`].
#[derive(Debug, Default)]
pub(crate) struct GroupParts<'a> {
    pub(crate) source_id: GroupText<'a>,
    pub(crate) name: GroupText<'a>,
    pub(crate) description: Option<GroupText<'a>>,
    pub(crate) email: Option<GroupText<'a>>,
    pub(crate) status: Option<GroupText<'a>>,
    pub(crate) organization_id: Option<GroupText<'a>>,
    pub(crate) external_id: Option<GroupText<'a>>,
    pub(crate) parent_id: Option<GroupText<'a>>,
    pub(crate) path: Option<GroupText<'a>>,
    pub(crate) url: Option<GroupText<'a>>,
    pub(crate) logo_url: Option<GroupText<'a>>,
    /// Which of the people that stand beside it.
    pub(crate) members: Range<usize>,
    pub(crate) admins: Range<usize>,
    pub(crate) guests: Range<usize>,
    pub(crate) member_count: Option<u64>,
    pub(crate) created_at: Option<GroupTime<'a>>,
    pub(crate) updated_at: Option<GroupTime<'a>>,
    pub(crate) deleted_at: Option<GroupTime<'a>>,
}

impl<'a> GroupText<'a> {
    /// A text that may need escapes.
    pub(crate) const fn any(text: &'a str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            is_plain: false,
        }
    }

    /// The same of a text that nothing else has.
    pub(crate) const fn owned(text: String) -> Self {
        Self {
            text: Cow::Owned(text),
            is_plain: false,
        }
    }

    /// The text in lower case.
    pub(crate) fn lower_cased(self) -> Self {
        if is_folded_ascii(&self.text) {
            return self;
        }
        let mut usual = USUAL_WORDS.iter();
        let lower_cased = match usual.find(|word| word.eq_ignore_ascii_case(&self.text)) {
            Some(word) => Cow::Borrowed(*word),
            None if self.text.is_ascii() => Cow::Owned(self.text.to_ascii_lowercase()),
            None => Cow::Owned(self.text.to_lowercase()),
        };
        Self {
            text: lower_cased,
            ..self
        }
    }
}

impl<'a> GroupPerson<'a> {
    fn of(person: &'a Member) -> Self {
        Self {
            id: person.id.as_deref().map(GroupText::any),
            email: person.email.as_deref().map(GroupText::any),
        }
    }
}

impl<'a> GroupParts<'a> {
    /// The parts of a group, and its people.
    pub(crate) fn of(group: &'a Group) -> (Self, Vec<GroupPerson<'a>>) {
        let mut people = Vec::new();
        let lists = [&group.members, &group.admins, &group.guests];
        let [members, admins, guests] = lists.map(|list| {
            let start = people.len();
            people.extend(list.iter().map(GroupPerson::of));
            start..people.len()
        });
        let text = |text: &'a Option<String>| text.as_deref().map(GroupText::any);
        let time = |moment: Option<Moment>| moment.map(|moment| GroupTime { moment, text: None });
        let parts = Self {
            source_id: GroupText::any(&group.source_id),
            name: GroupText::any(&group.name),
            description: text(&group.description),
            email: text(&group.email),
            status: text(&group.status),
            organization_id: text(&group.organization_id),
            external_id: text(&group.external_id),
            parent_id: text(&group.parent_id),
            path: text(&group.path),
            url: text(&group.url),
            logo_url: text(&group.logo_url),
            members,
            admins,
            guests,
            member_count: group.member_count,
            created_at: time(group.created_at),
            updated_at: time(group.updated_at),
            deleted_at: time(group.deleted_at),
        };
        (parts, people)
    }

    /// Everybody in it, whatever the role, of the people that stand beside it.
    pub(crate) fn people<'p>(
        &self,
        people: &'p [GroupPerson<'p>],
    ) -> impl Iterator<Item = &'p GroupPerson<'p>> {
        let lists = [&self.members, &self.admins, &self.guests];
        lists
            .map(|list| &people[list.clone()])
            .into_iter()
            .flatten()
    }
}
