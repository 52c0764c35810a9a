//! Reads one record, field by field.

use crate::group::{Attributes, Member, Moment};
use crate::plan::{Field, Path, People, Source};

use super::item::{Item, Reading};
use super::unmapped::{MappedList, unmapped};

/// Reads records one after the other, and remembers which parts of each were mapped.
pub(super) struct Reader<'a> {
    record: Item<'a>,
    mapped: Vec<&'a [String]>,
    lists: Vec<MappedList<'a>>,
    unparsed_timestamps: u64,
    unread_people: u64,
    /// What no field has mapped, while it is written.
    rest: String,
}

impl<'a> Reader<'a> {
    pub(super) const fn new() -> Self {
        Self {
            record: Item::Piece(""),
            mapped: Vec::new(),
            lists: Vec::new(),
            unparsed_timestamps: 0,
            unread_people: 0,
            rest: String::new(),
        }
    }

    /// Goes on with another record.
    pub(super) fn begin(&mut self, record: Item<'a>) {
        self.record = record;
        self.mapped.clear();
        self.lists.clear();
        self.unparsed_timestamps = 0;
        self.unread_people = 0;
        self.rest.clear();
    }

    pub(super) fn text(&mut self, field: Option<&'a Field>) -> Option<String> {
        field?.text(self.record, |source| take(&mut self.mapped, source))
    }

    pub(super) fn some_text(&mut self, field: &'a Field) -> Option<String> {
        self.text(Some(field)).filter(|text| !text.is_empty())
    }

    pub(super) fn time(&mut self, field: Option<&'a Field>) -> Option<Moment> {
        let take = |source: &'a Source| take(&mut self.mapped, source);
        match field?.read(self.record, take, |source, text| source.time(&text)) {
            Reading::Value(time) => Some(time),
            Reading::Absent | Reading::Null => None,
            Reading::Unfit => {
                self.unparsed_timestamps += 1;
                None
            }
        }
    }

    pub(super) fn count(&mut self, field: Option<&'a Field>) -> Option<u64> {
        let take = |source: &'a Source| take(&mut self.mapped, source);
        let count = field?.read(self.record, take, |_, text| {
            (text.trim().parse()).map_or(Reading::Unfit, Reading::Value)
        });
        count.value()
    }

    /// The people of a list; `None` if the record has none.
    pub(super) fn people(&mut self, people: Option<&'a People>) -> Option<Vec<Member>> {
        let found = people?.read(self.record.node()?)?;
        self.mapped.extend(found.taken);
        self.lists.extend(found.left);
        self.unread_people += found.unread;
        found.people
    }

    /// The number of timestamps that could not be parsed.
    pub(super) const fn unparsed_timestamps(&self) -> u64 {
        self.unparsed_timestamps
    }

    /// The number of items of lists of people that gave neither an id nor an email address.
    pub(super) const fn unread_people(&self) -> u64 {
        self.unread_people
    }

    /// What no field has mapped, without `children`, which become groups of their own.
    pub(super) fn unmapped(&mut self, children: Option<&'a Path>) -> Attributes {
        let Some(record) = self.record.node() else {
            return Attributes::default();
        };
        self.mapped.extend(children.map(Path::segments));
        if unmapped(record, &self.mapped, &self.lists, &mut self.rest) {
            Attributes::written(&self.rest)
        } else {
            Attributes::default()
        }
    }
}

/// Takes note of what a source reads.
#[inline]
fn take<'a>(mapped: &mut Vec<&'a [String]>, source: &'a Source) {
    match source.only_path() {
        Some(path) => mapped.push(path),
        None => mapped.extend(source.paths()),
    }
}
