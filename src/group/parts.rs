//! A group while it is read: its texts stand in the page that it came from, and are written from there.

use std::borrow::Cow;

use crate::fold::is_folded_ascii;

use super::{Group, Member, Moment};

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
    pub(crate) members: &'a [GroupPerson<'a>],
    pub(crate) admins: &'a [GroupPerson<'a>],
    pub(crate) guests: &'a [GroupPerson<'a>],
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

    /// The text in lower case, which may be kept here.
    pub(crate) fn lower_cased(self, kept: &'a mut String) -> Self {
        if is_folded_ascii(&self.text) {
            return self;
        }
        kept.clear();
        if self.text.is_ascii() {
            kept.push_str(&self.text);
            kept.make_ascii_lowercase();
        } else {
            kept.push_str(&self.text.to_lowercase());
        }
        Self {
            text: Cow::Borrowed(kept),
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
    /// The parts of a group, whose people are put beside it.
    pub(crate) fn of(group: &'a Group, people: &'a mut Vec<GroupPerson<'a>>) -> Self {
        let lists = [&group.members, &group.admins, &group.guests];
        people.clear();
        people.extend(lists.into_iter().flatten().map(GroupPerson::of));
        let (members, others) = people.split_at(group.members.len());
        let (admins, guests) = others.split_at(group.admins.len());
        let text = |text: &'a Option<String>| text.as_deref().map(GroupText::any);
        let time = |moment: Option<Moment>| moment.map(|moment| GroupTime { moment, text: None });
        Self {
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
        }
    }

    /// Everybody in it, whatever the role.
    pub(crate) fn people(&self) -> impl Iterator<Item = &GroupPerson<'a>> {
        let people = [self.members, self.admins, self.guests];
        people.into_iter().flatten()
    }
}
