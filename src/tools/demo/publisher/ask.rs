//! Which groups are asked for, and in which order: `search`, `sort` and the date ranges.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

use super::super::exchange::Parameters;
use super::super::order::indices;
use super::super::records::Record;
use super::NAME;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Which groups are asked for, of how many, and in which order.
#[derive(Debug, PartialEq)]
pub(super) struct Ask {
    groups: usize,
    search: String,
    sort: Vec<Term>,
    created: Option<Range>,
    modified: Option<Range>,
}

/// One part of the `sort` parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Term {
    field: Field,
    direction: Direction,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Field {
    Name,
    Created,
    Updated,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Direction {
    Ascending,
    Descending,
}

/// A range of instants, its end exclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Range {
    start: Timestamp,
    end: Timestamp,
}

/// What one term sorts by. At one place of a sort all keys have the same direction.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Ascending(Value),
    Descending(Reverse<Value>),
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Name(String),
    Time(Option<Timestamp>),
}

impl Ask {
    /// Reads the parameters; the message of an error is for the caller.
    pub(super) fn parse(
        parameters: &Parameters,
        groups: usize,
        now: Timestamp,
    ) -> Result<Self, String> {
        // The vendor's page has one name in the table and another in the examples.
        let range = |names: [&str; 2]| {
            names
                .into_iter()
                .find_map(|name| parameters.get(name))
                .map(|text| Range::parse(text, now).ok_or_else(|| format!("`{text}` is no range")))
                .transpose()
        };
        Ok(Self {
            groups,
            search: parameters.get("search").unwrap_or_default().to_lowercase(),
            sort: sort(parameters.get("sort").unwrap_or_default())?,
            created: range(["createdDateTime", "createdDate"])?,
            modified: range(["modifiedDateTime", "modifiedDate"])?,
        })
    }

    /// The groups asked for, in order. Equal ones, and all where no order is asked for, are in the
    /// order of their making.
    pub(super) fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = indices(self.groups)
            .filter(|&index| self.wants(Record::new(NAME, index)))
            .collect();
        if !self.sort.is_empty() {
            order.sort_by_cached_key(|&index| self.keys(Record::new(NAME, index)));
        }
        order
    }

    fn wants(&self, record: Record) -> bool {
        let within = |range: Option<Range>, time| range.is_none_or(|range| range.contains(time));
        self.finds(record)
            && within(self.created, Some(record.created()))
            && within(self.modified, record.updated())
    }

    fn finds(&self, record: Record) -> bool {
        self.search.is_empty()
            || [record.name(), record.description().unwrap_or_default()]
                .iter()
                .any(|text| text.to_lowercase().contains(&self.search))
    }

    fn keys(&self, record: Record) -> Vec<Key> {
        self.sort.iter().map(|term| term.key(record)).collect()
    }
}

fn sort(text: &str) -> Result<Vec<Term>, String> {
    text.split(',')
        .filter(|term| !term.is_empty())
        .map(|term| Term::parse(term).ok_or_else(|| format!("`{term}` is no sort order")))
        .collect()
}

impl Term {
    /// A plus that was not percent-encoded arrives as a space, which is no sign.
    fn parse(text: &str) -> Option<Self> {
        let (direction, name) = match text.strip_prefix('-') {
            Some(name) => (Direction::Descending, name),
            None => (Direction::Ascending, text.strip_prefix('+').unwrap_or(text)),
        };
        let field = match name {
            "name" => Field::Name,
            "created" => Field::Created,
            "updated" => Field::Updated,
            _ => return None,
        };
        Some(Self { field, direction })
    }

    fn key(self, record: Record) -> Key {
        let value = match self.field {
            Field::Name => Value::Name(record.name()),
            Field::Created => Value::Time(Some(record.created())),
            Field::Updated => Value::Time(record.updated()),
        };
        match self.direction {
            Direction::Ascending => Key::Ascending(value),
            Direction::Descending => Key::Descending(Reverse(value)),
        }
    }
}

impl Range {
    fn parse(text: &str, now: Timestamp) -> Option<Self> {
        let days = match text {
            "lastweek" => 7,
            "lastmonth" => 30,
            "lastyear" => 365,
            _ => return Self::of_days(text),
        };
        Some(Self {
            start: now.checked_sub(DAY * days).ok()?,
            end: now,
        })
    }

    /// `20170801,20171004`: both days belong to it.
    fn of_days(text: &str) -> Option<Self> {
        let (first, last) = text.split_once(',')?;
        Some(Self {
            start: midnight(first)?,
            end: midnight(last)?.checked_add(DAY).ok()?,
        })
    }

    fn contains(self, time: Option<Timestamp>) -> bool {
        time.is_some_and(|time| self.start <= time && time < self.end)
    }
}

fn midnight(day: &str) -> Option<Timestamp> {
    let day = civil::Date::strptime("%Y%m%d", day).ok()?;
    TimeZone::UTC
        .to_timestamp(day.to_datetime(civil::Time::midnight()))
        .ok()
}
