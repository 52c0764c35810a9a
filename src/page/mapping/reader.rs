//! Reads one record, field by field.

use std::borrow::Cow;
use std::ops::Range;

use crate::group::{GroupPerson, GroupText, GroupTime, merge_same};
use crate::json::whole;
use crate::plan::{Path, Source};

use super::field_readers::{FieldReader, PeopleReader};
use super::item::{Item, Reading};
use super::members::RecordMembers;
use super::time;
use super::unmapped::{MappedList, unmapped};

/// Reads records one after the other, and remembers which parts of each were mapped.
pub(super) struct Reader<'a> {
    record: Item<'a>,
    members: RecordMembers<'a>,
    /// What was mapped besides whole members.
    mapped: Vec<&'a [String]>,
    /// The lists of people that are no whole members.
    lists: Vec<MappedList<'a>>,
    unparsed_timestamps: u64,
    unread_people: u64,
    unmarked_people: u64,
}

impl<'a> Reader<'a> {
    /// For records of which fields read these members.
    pub(super) const fn new(members: RecordMembers<'a>) -> Self {
        Self {
            record: Item::Piece(""),
            members,
            mapped: Vec::new(),
            lists: Vec::new(),
            unparsed_timestamps: 0,
            unread_people: 0,
            unmarked_people: 0,
        }
    }

    /// Goes on with another record.
    pub(super) fn begin(&mut self, record: Item<'a>) {
        self.record = record;
        self.members.begin(record.node());
        self.mapped.clear();
        self.lists.clear();
    }

    /// The first value that `convert` makes of a source's text. Taken are the source with the value, and
    /// those before it that are null.
    #[inline]
    fn read<T>(
        &mut self,
        field: &FieldReader<'a>,
        convert: impl Fn(&'a Source, GroupText<'a>) -> Reading<T>,
    ) -> Reading<T> {
        for reader in &field.0 {
            let text = reader.text(self.record, &self.members);
            match text.and_then(|text| convert(reader.source, text)) {
                Reading::Absent => {}
                Reading::Null => reader.take(&mut self.members, &mut self.mapped),
                Reading::Unfit => return Reading::Unfit,
                Reading::Value(value) => {
                    reader.take(&mut self.members, &mut self.mapped);
                    return Reading::Value(value);
                }
            }
        }
        Reading::Absent
    }

    #[inline]
    pub(super) fn text(&mut self, field: &FieldReader<'a>) -> Option<GroupText<'a>> {
        // Most of the fields are not mapped.
        if field.0.is_empty() {
            return None;
        }
        if let Some((_, member, text)) = self.plain_text(field) {
            self.members.take(member);
            return Some(text);
        }
        self.mapped_text(field)
    }

    /// The source, the member and the text of a field that the plain text of one member is, as most are.
    #[inline]
    fn plain_text(&self, field: &FieldReader<'a>) -> Option<(&'a Source, usize, GroupText<'a>)> {
        let [reader] = &*field.0 else {
            return None;
        };
        let member = reader.whole_member()?;
        let text = GroupText {
            text: Cow::Borrowed(self.members.get(member)?.plain_text()?),
            is_plain: true,
        };
        Some((reader.source, member, text))
    }

    fn mapped_text(&mut self, field: &FieldReader<'a>) -> Option<GroupText<'a>> {
        self.read(field, |_, text| Reading::Value(text)).value()
    }

    pub(super) fn some_text(&mut self, field: &FieldReader<'a>) -> Option<GroupText<'a>> {
        self.text(field).filter(|text| !text.text.is_empty())
    }

    pub(super) fn time(&mut self, field: &FieldReader<'a>) -> Option<GroupTime<'a>> {
        if let Some((source, member, text)) = self.plain_text(field)
            && let Reading::Value(time) = time::of_text(&source.format, text)
        {
            self.members.take(member);
            return Some(time);
        }
        // What is null or no time is told apart there.
        self.mapped_time(field)
    }

    fn mapped_time(&mut self, field: &FieldReader<'a>) -> Option<GroupTime<'a>> {
        match self.read(field, |source, text| time::of_text(&source.format, text)) {
            Reading::Value(time) => Some(time),
            Reading::Absent | Reading::Null => None,
            Reading::Unfit => {
                self.unparsed_timestamps += 1;
                None
            }
        }
    }

    #[inline]
    pub(super) fn count(&mut self, field: &FieldReader<'a>) -> Option<u64> {
        if field.0.is_empty() {
            return None;
        }
        self.mapped_count(field)
    }

    fn mapped_count(&mut self, field: &FieldReader<'a>) -> Option<u64> {
        let count = self.read(field, |_, text| {
            let text = text.text.trim();
            // Some formats write every number with a fraction.
            let count = text.parse().or_else(|_| whole(text).parse());
            count.map_or(Reading::Unfit, Reading::Value)
        });
        count.value()
    }

    /// Adds the people of all `lists` to others, and says where among these they are; `None` if the record
    /// has none of the lists.
    pub(super) fn people(
        &mut self,
        lists: &[PeopleReader<'a>],
        people: &mut Vec<GroupPerson<'a>>,
    ) -> Option<Range<usize>> {
        if lists.is_empty() {
            return None;
        }
        let start = people.len();
        let mut is_listed = false;
        for list in lists {
            is_listed |= self.list(list, people).is_some();
        }
        merge_same(people, start);
        is_listed.then_some(start..people.len())
    }

    fn list(
        &mut self,
        list: &PeopleReader<'a>,
        people: &mut Vec<GroupPerson<'a>>,
    ) -> Option<Range<usize>> {
        let start = people.len();
        let record = self.record.node()?;
        let simple = list.simple.as_ref();
        let found = if let Some(only) = list.only_list(&self.members) {
            list.people.read(record, only, simple, people)?
        } else {
            let lists = record.find_all(&list.people.each);
            list.people.read(record, lists, simple, people)?
        };
        self.mapped.extend(found.taken);
        match (found.left, list.whole_member(&self.members)) {
            (Some((_, None)), Some(member)) => self.members.take(member),
            (left, _) => self.lists.extend(left),
        }
        self.unread_people += found.unread;
        self.unmarked_people += found.unmarked;
        found.is_listed.then_some(start..people.len())
    }

    /// The number of timestamps that could not be parsed, in all records.
    pub(super) const fn unparsed_timestamps(&self) -> u64 {
        self.unparsed_timestamps
    }

    /// The number of items of lists of people that gave neither an id nor an email address, in all records.
    pub(super) const fn unread_people(&self) -> u64 {
        self.unread_people
    }

    /// The number of items of lists of people that lack what `only` compares, in all records.
    pub(super) const fn unmarked_people(&self) -> u64 {
        self.unmarked_people
    }

    /// Writes what no field has mapped, without `children`, which become groups of their own.
    pub(super) fn write_unmapped(&mut self, children: Option<&'a Path>, out: &mut String) {
        self.lists
            .extend(children.map(|path| (path.segments(), None)));
        if !unmapped(self.members.left(), &self.mapped, &self.lists, out) {
            out.push_str("{}");
        }
    }
}
