//! Single values of a query string: what each may be, and what is said of one that may not.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;

use crate::caller::{HiddenFields, HideableField, VisibleSources};
use crate::did_you_mean::{choose, refusal};
use crate::fold::fold;
use crate::gateway::filter::Deleted;
use crate::gateway::order::{Direction, Sort, SortField, SortKey};
use crate::gateway::query::{FIELDS, FIXED_FIELDS, LARGEST_LIMIT, Limit, QueryError, SORT_FIELDS};
use crate::gateway::query_string::QueryString;
use crate::group::Moment;

/// What is searched for, folded as names are.
pub(super) fn search(text: &str) -> Result<String, String> {
    let folded = fold(text);
    if folded.is_empty() {
        return Err("it has only characters that nobody sees; give it another value".to_owned());
    }
    Ok(folded.into_owned())
}

/// The named sources. One that is not visible is refused like one that does not exist.
pub(super) fn sources(
    text: &str,
    all: &[Arc<str>],
    visible: &VisibleSources,
) -> Result<BTreeSet<String>, String> {
    let known = all.iter().map(|name| &**name);
    let known: Vec<_> = known.filter(|name| visible.allows(name)).collect();
    text.split(',')
        .map(|name| choose("source", name, &known).map(str::to_owned))
        .collect()
}

pub(super) fn ids(parameters: &QueryString) -> Result<Option<BTreeSet<String>>, QueryError> {
    let ids: BTreeSet<_> = parameters.all("id").map(str::to_owned).collect();
    match ids.iter().find(|id| !id.contains(':')) {
        Some(id) => {
            let message = format!(
                "`id`: `{id}` is not a group id; expected a source, a colon and the source's own id"
            );
            Err(QueryError::parameter("id", message))
        }
        None => Ok((!ids.is_empty()).then_some(ids)),
    }
}

/// An RFC 3339 instant, or a bare date, which means midnight UTC.
pub(super) fn instant(text: &str) -> Result<Moment, String> {
    let wrong = || {
        format!(
            "`{text}` is not a date or timestamp; expected `2024-01-31`, \
             `2024-01-31T09:30:00Z` or `2024-01-31T09:30:00+02:00`"
        )
    };
    // A date-time without an offset also reads as a date, and would silently lose its time.
    if text.len() == "2024-01-31".len() {
        return Moment::read(text, midnight).ok_or_else(wrong);
    }
    let text = &with_plus(text);
    let read = text.parse().ok().or_else(|| after_all(text));
    read.ok_or_else(|| {
        if is_local(text) {
            format!("`{text}` has no UTC offset; write `{text}Z` if it is in UTC")
        } else {
            wrong()
        }
    })
}

/// The start of a day in UTC.
fn midnight(text: &str) -> Option<Timestamp> {
    let date: Date = text.parse().ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// What stands for an instant that is in UTC in the year 10000, after every time that a group can have.
fn after_all(text: &str) -> Option<Moment> {
    let pieces = Pieces::parse(text).ok()?;
    let is_last = pieces.date().year() == 9999 && pieces.time().is_some();
    (is_last && pieces.offset().is_some()).then_some(Moment::MAX)
}

/// Whether `text` is a time of day somewhere, which is no instant.
fn is_local(text: &str) -> bool {
    text.contains(':') && text.parse::<DateTime>().is_ok()
}

/// `text` with the `+` of its offset, where that arrived as a space.
fn with_plus(text: &str) -> String {
    match text.rsplit_once(' ') {
        Some((before, offset)) if before.contains(':') => format!("{before}+{offset}"),
        Some(_) | None => text.to_owned(),
    }
}

pub(super) fn deleted(text: &str) -> Result<Deleted, String> {
    let words = Deleted::ALL.map(Deleted::as_str);
    Deleted::ALL
        .into_iter()
        .find(|deleted| deleted.as_str() == text)
        .ok_or_else(|| refusal("value", text, &words))
}

/// The fields to sort by. Who names another is told of those that it `can_use`.
pub(super) fn sort(text: &str, can_use: impl Fn(HiddenFields) -> bool) -> Result<Sort, String> {
    let keys = text
        .split(',')
        .map(|text| sort_key(text, &can_use))
        .collect::<Result<Vec<_>, _>>()?;
    if keys.len() > SORT_FIELDS {
        return Err(format!("at most {SORT_FIELDS} sort fields are allowed"));
    }
    let fields: Vec<_> = keys.iter().map(|key| key.field).collect();
    match (1..fields.len()).find(|&index| fields[..index].contains(&fields[index])) {
        Some(index) => Err(format!("`{}` is given twice", fields[index].as_str())),
        None => Ok(Sort::new(keys)),
    }
}

fn sort_key(text: &str, can_use: impl Fn(HiddenFields) -> bool) -> Result<SortKey, String> {
    let (direction, word) = match text.strip_prefix('-') {
        Some(word) => (Direction::Descending, word),
        // The plus of `+name` arrives as a space unless it was percent-encoded.
        None => (
            Direction::Ascending,
            text.strip_prefix(['+', ' ']).unwrap_or(text),
        ),
    };
    SortField::ALL
        .into_iter()
        .find(|field| field.as_str() == word)
        .map(|field| SortKey { field, direction })
        .ok_or_else(|| {
            let usable = SortField::ALL.into_iter();
            let usable = usable.filter(|field| can_use(field.looks_at()));
            let words: Vec<_> = usable.map(SortField::as_str).collect();
            refusal("field", word, &words)
        })
}

/// The fields in the order of the record; `None` when all are named. Who names another is told of those that it
/// `can_use`; one that is always empty for it may be named like any other.
pub(super) fn fields(
    text: &str,
    can_use: impl Fn(HiddenFields) -> bool,
) -> Result<Option<Vec<&'static str>>, String> {
    let choose = |word| {
        let known = FIELDS.iter().copied().find(|field| *field == word);
        known.ok_or_else(|| {
            let is_usable = |name: &&str| {
                let field = name.parse::<HideableField>();
                field.map_or(true, |field| can_use(HiddenFields::of(&[field])))
            };
            let usable: Vec<_> = FIELDS.iter().copied().filter(is_usable).collect();
            refusal("field", word, &usable)
        })
    };
    let named = text
        .split(',')
        .map(choose)
        .collect::<Result<BTreeSet<_>, _>>()?;
    let fields: Vec<_> = FIELDS
        .iter()
        .copied()
        .filter(|field| named.contains(field) || FIXED_FIELDS.contains(field))
        .collect();
    Ok((fields.len() < FIELDS.len()).then_some(fields))
}

pub(super) fn limit(text: &str, streamed: bool) -> Result<Limit, String> {
    if text == "all" {
        return if streamed {
            Ok(Limit::All)
        } else {
            Err("`all` is available only in the streamed formats, NDJSON and CSV".to_owned())
        };
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || text.bytes().all(|byte| byte == b'0') {
        return Err(format!(
            "`{text}` is not a page size; expected a number from 1 to {LARGEST_LIMIT}"
        ));
    }
    // A number too large to hold is cut like any other that is too large.
    let limit = text.parse().unwrap_or(LARGEST_LIMIT);
    Ok(Limit::Page(limit.min(LARGEST_LIMIT)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("9999-12-31", "9999-12-31T00:00:00Z")]
    #[case("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z")]
    #[case("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z")]
    #[case("9999-12-31T23:59:60Z", "9999-12-31T23:59:59Z")]
    #[case("9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59.999999999Z")]
    fn the_last_day_of_9999_is_read(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(instant(text), Ok(expected.parse().unwrap()));
    }

    #[rstest]
    #[case("9999-12-31T23:59:59")]
    #[case("9999-13-31T23:59:59Z")]
    fn what_is_no_instant_of_9999_is_refused(#[case] text: &str) {
        assert!(instant(text).is_err());
    }
}
