//! Which groups are selected, and in which order: `search`, `sort` and the date ranges.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

use super::NAME;
use crate::tools::demo::cached_order::indices;
use crate::tools::demo::generated::GeneratedGroup;
use crate::tools::demo::message::QueryParameters;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Which groups are selected, of how many, and in which order.
#[derive(Debug, PartialEq)]
pub(super) struct PublisherQuery {
    groups: usize,
    search: String,
    sort: Vec<SortTerm>,
    created: Option<DateRange>,
    modified: Option<DateRange>,
}

/// One part of the `sort` parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
struct SortTerm {
    field: SortColumn,
    is_descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum SortColumn {
    Name,
    Created,
    Updated,
}

/// A range of instants, its end exclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
struct DateRange {
    start: Timestamp,
    end: Timestamp,
}

/// The value that one term sorts by.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SortValue {
    Name(String),
    Time(Option<Timestamp>),
}

impl PublisherQuery {
    /// Reads the parameters; the message of an error is for the caller.
    pub(super) fn parse(
        parameters: &QueryParameters,
        groups: usize,
        now: Timestamp,
    ) -> Result<Self, String> {
        // The vendor's page has one name in the table and another in the examples.
        let range = |names: [&str; 2]| {
            names
                .into_iter()
                .find_map(|name| parameters.get(name))
                .map(|text| {
                    DateRange::parse(text, now).ok_or_else(|| format!("`{text}` is no range"))
                })
                .transpose()
        };
        Ok(Self {
            groups,
            search: parameters.search(),
            sort: sort(parameters.get("sort").unwrap_or_default())?,
            created: range(["createdDateTime", "createdDate"])?,
            modified: range(["modifiedDateTime", "modifiedDate"])?,
        })
    }

    /// The selected groups, in order. Equal ones, and all if no order is given, are in the order of
    /// creation.
    pub(super) fn order(&self) -> Vec<u32> {
        let selected = indices(self.groups)
            .map(|index| GeneratedGroup::new(NAME, index))
            .filter(|group| self.selects(*group));
        let mut keyed: Vec<_> = selected
            .map(|group| {
                let values = self.sort.iter().map(|term| term.value(group));
                (values.collect::<Vec<_>>(), group.index())
            })
            .collect();
        keyed.sort_by(|(left, _), (right, _)| {
            let pairs = left.iter().zip(right).zip(&self.sort);
            pairs
                .map(|((left, right), term)| term.compare(left, right))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        keyed.into_iter().map(|(_, index)| index).collect()
    }

    fn selects(&self, group: GeneratedGroup) -> bool {
        let within =
            |range: Option<DateRange>, time| range.is_none_or(|range| range.contains(time));
        group.matches(&self.search)
            && within(self.created, Some(group.created()))
            && within(self.modified, group.updated())
    }
}

fn sort(text: &str) -> Result<Vec<SortTerm>, String> {
    text.split(',')
        .filter(|term| !term.is_empty())
        .map(|term| SortTerm::parse(term).ok_or_else(|| format!("`{term}` is no sort order")))
        .collect()
}

impl SortTerm {
    /// A plus that was not percent-encoded, as the vendor's own example writes it, arrives as a
    /// space.
    fn parse(text: &str) -> Option<Self> {
        let (is_descending, name) = match text.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, text.strip_prefix(['+', ' ']).unwrap_or(text)),
        };
        let field = match name {
            "name" => SortColumn::Name,
            "created" => SortColumn::Created,
            "updated" => SortColumn::Updated,
            _ => return None,
        };
        Some(Self {
            field,
            is_descending,
        })
    }

    fn value(self, group: GeneratedGroup) -> SortValue {
        match self.field {
            SortColumn::Name => SortValue::Name(group.name()),
            SortColumn::Created => SortValue::Time(Some(group.created())),
            SortColumn::Updated => SortValue::Time(group.updated()),
        }
    }

    fn compare(self, left: &SortValue, right: &SortValue) -> Ordering {
        if self.is_descending {
            right.cmp(left)
        } else {
            left.cmp(right)
        }
    }
}

impl DateRange {
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

    /// `20170801,20171004`: both days are included.
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
