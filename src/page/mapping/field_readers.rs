//! The fields of a mapping, made ready to read one record after the other.

use std::option::IntoIter;

use crate::group::GroupText;
use crate::page::format::Node;
use crate::plan::path::Anchor;
use crate::plan::{Field, Fields, People, Source};

use super::item::{Item, Reading, scalar};
use super::members::RecordMembers;
use super::people::SimplePerson;

/// How all fields are read.
pub(super) struct FieldReaders<'a> {
    pub(super) id: FieldReader<'a>,
    pub(super) name: FieldReader<'a>,
    pub(super) description: FieldReader<'a>,
    pub(super) email: FieldReader<'a>,
    pub(super) status: FieldReader<'a>,
    pub(super) organization_id: FieldReader<'a>,
    pub(super) external_id: FieldReader<'a>,
    pub(super) parent_id: Option<FieldReader<'a>>,
    pub(super) path: Option<FieldReader<'a>>,
    pub(super) url: FieldReader<'a>,
    pub(super) logo_url: FieldReader<'a>,
    pub(super) members: Vec<PeopleReader<'a>>,
    pub(super) admins: Vec<PeopleReader<'a>>,
    pub(super) guests: Vec<PeopleReader<'a>>,
    pub(super) member_count: FieldReader<'a>,
    pub(super) created_at: FieldReader<'a>,
    pub(super) updated_at: FieldReader<'a>,
    pub(super) deleted_at: FieldReader<'a>,
}

/// How one field is read: its sources, none if no field of this name is mapped.
pub(super) struct FieldReader<'a>(pub(super) Vec<SourceReader<'a>>);

/// How one source of a field is read.
pub(super) struct SourceReader<'a> {
    pub(super) source: &'a Source,
    place: SourcePlace<'a>,
}

/// Where the text of a source stands.
enum SourcePlace<'a> {
    /// In a member of the record.
    Member(usize),
    /// Below one.
    BelowMember(usize, &'a [String]),
    /// Elsewhere, or in several places.
    Other,
}

/// How a list of people is read.
pub(super) struct PeopleReader<'a> {
    pub(super) people: &'a People,
    /// How most of its items are read, if they are that simple.
    pub(super) simple: Option<SimplePerson<'a>>,
    /// The member of the record that the list is, or stands in, unless it is elsewhere.
    member: Option<usize>,
    /// Its name in that member.
    below: Option<&'a str>,
}

impl<'a> FieldReaders<'a> {
    /// For these fields, whose members the record is asked for from now on.
    pub(super) fn of(fields: &'a Fields, members: &mut RecordMembers<'a>) -> Self {
        let mut field = |field: &'a Field| FieldReader::of(field, members);
        let (id, name) = (field(&fields.id), field(&fields.name));
        let parent_id = fields.parent_id.as_ref().map(&mut field);
        let path = fields.path.as_ref().map(&mut field);
        let mut optional = |of: &'a Option<Field>| {
            let reader = of.as_ref().map(&mut field);
            reader.unwrap_or(FieldReader(Vec::new()))
        };
        Self {
            id,
            name,
            description: optional(&fields.description),
            email: optional(&fields.email),
            status: optional(&fields.status),
            organization_id: optional(&fields.organization_id),
            external_id: optional(&fields.external_id),
            parent_id,
            path,
            url: optional(&fields.url),
            logo_url: optional(&fields.logo_url),
            member_count: optional(&fields.member_count),
            created_at: optional(&fields.created_at),
            updated_at: optional(&fields.updated_at),
            deleted_at: optional(&fields.deleted_at),
            members: PeopleReader::all(&fields.members, members),
            admins: PeopleReader::all(&fields.admins, members),
            guests: PeopleReader::all(&fields.guests, members),
        }
    }
}

impl<'a> FieldReader<'a> {
    fn of(field: &'a Field, members: &mut RecordMembers<'a>) -> Self {
        let sources = field.0.iter().map(|source| SourceReader {
            source,
            place: match source.only_path() {
                Some([name]) => SourcePlace::Member(members.want(name)),
                Some([name, below @ ..]) => SourcePlace::BelowMember(members.want(name), below),
                Some([]) | None => SourcePlace::Other,
            },
        });
        Self(sources.collect())
    }
}

impl<'a> SourceReader<'a> {
    /// The member of the record that is read as it is, if it is one.
    #[inline]
    pub(super) const fn whole_member(&self) -> Option<usize> {
        match self.place {
            SourcePlace::Member(member) if self.source.conversions.is_none() => Some(member),
            SourcePlace::Member(_) | SourcePlace::BelowMember(..) | SourcePlace::Other => None,
        }
    }

    /// The text of the source in a record.
    #[inline]
    pub(super) fn text(
        &self,
        record: Item<'a>,
        members: &RecordMembers<'a>,
    ) -> Reading<GroupText<'a>> {
        let node = match self.place {
            SourcePlace::Member(member) if members.is_object() => members.get(member),
            SourcePlace::BelowMember(member, below) if members.is_object() => {
                let mut below = below.iter();
                let start = members.get(member);
                start.and_then(|start| below.try_fold(start, |node, name| node.member(name)))
            }
            SourcePlace::Member(_) | SourcePlace::BelowMember(..) | SourcePlace::Other => {
                return self.source.text(record);
            }
        };
        let start = match node {
            Some(node) => scalar(node),
            None => Reading::Absent,
        };
        match &self.source.conversions {
            Some(conversions) => start.and_then(|text| conversions.apply(text)),
            None => start,
        }
    }

    /// Takes note that the source was used: all of a member, or what stands at these paths.
    #[inline]
    pub(super) fn take(&self, members: &mut RecordMembers<'a>, mapped: &mut Vec<&'a [String]>) {
        if let SourcePlace::Member(member) = self.place
            && members.is_object()
            && members.take_text(member)
        {
            return;
        }
        mapped.extend(self.source.paths());
    }
}

impl<'a> PeopleReader<'a> {
    fn all(lists: &'a [People], members: &mut RecordMembers<'a>) -> Vec<Self> {
        let lists = lists.iter();
        lists.map(|people| Self::of(people, members)).collect()
    }

    fn of(people: &'a People, members: &mut RecordMembers<'a>) -> Self {
        let (member, below) = match people.each.segments() {
            [name] if people.each.anchor() == Anchor::Record => (Some(members.want(name)), None),
            [name, below] if people.each.anchor() == Anchor::Record => {
                (Some(members.want(name)), Some(below.as_str()))
            }
            _ => (None, None),
        };
        Self {
            people,
            simple: SimplePerson::of(people),
            member,
            below,
        }
    }

    /// The member of the record that is the list, if it is one.
    pub(super) fn whole_member(&self, members: &RecordMembers<'a>) -> Option<usize> {
        self.member
            .filter(|_| self.below.is_none() && members.is_object())
    }

    /// The only list that the record at hand can have, as most have; `None` if lists must be searched.
    pub(super) fn only_list(&self, members: &RecordMembers<'a>) -> Option<IntoIter<Node<'a>>> {
        let member = self.member.filter(|_| members.is_object())?;
        let start = members.get(member);
        let Some(below) = self.below else {
            return Some(start.into_iter());
        };
        // Where there are several, or none, the list is searched.
        let around = start.filter(|start| !start.is_list() || start.len() == 1)?;
        let around = Some(around.first()).filter(|around| around.is_object())?;
        let only = Some(around.member(below)?);
        Some(only.into_iter())
    }
}
