//! Single values of a query string: what each may be, and what is said of one that may not.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::gateway::filter::Deleted;
use crate::gateway::form::Form;
use crate::gateway::order::{Direction, Sort, SortField, SortKey};
use crate::gateway::query::{FIELDS, FIXED_FIELDS, LARGEST_LIMIT, Limit, QueryError, SORT_FIELDS};
use crate::gateway::suggest::Choice;

pub(super) fn sources(text: &str, visible: &[&str]) -> Result<BTreeSet<String>, String> {
    let choice = Choice::new("source", visible);
    text.split(',')
        .map(|name| choice.pick(name).map(str::to_owned))
        .collect()
}

pub(super) fn ids(form: &Form) -> Result<Option<BTreeSet<String>>, QueryError> {
    let ids: BTreeSet<_> = form.all("id").map(str::to_owned).collect();
    match ids.iter().find(|id| !id.contains(':')) {
        Some(id) => {
            let message =
                format!("`id`: `{id}` is no id: an id is a source, a colon, and the source's id");
            Err(QueryError::parameter("id", message))
        }
        None => Ok((!ids.is_empty()).then_some(ids)),
    }
}

/// An RFC 3339 instant, or a bare date, which means midnight UTC.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    let wrong = || {
        format!(
            "`{text}` is neither a date nor an instant: write `2024-01-31`, \
             `2024-01-31T09:30:00Z` or `2024-01-31T09:30:00+02:00`"
        )
    };
    // A date-time without an offset also reads as a date, and would silently lose its time.
    if text.len() == "2024-01-31".len() {
        let date: Date = text.parse().map_err(|_| wrong())?;
        let midnight = date.to_zoned(TimeZone::UTC).map_err(|_| wrong())?;
        return Ok(midnight.timestamp());
    }
    with_plus(text).parse().map_err(|_| {
        if is_local(text) {
            format!("`{text}` has no offset: write `{text}Z` if it is in UTC")
        } else {
            wrong()
        }
    })
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
    let choice = Deleted::ALL.map(Deleted::as_str);
    Deleted::ALL
        .into_iter()
        .find(|deleted| deleted.as_str() == text)
        .ok_or_else(|| Choice::new("value", &choice).refusal(text))
}

pub(super) fn sort(text: &str) -> Result<Sort, String> {
    let keys = text
        .split(',')
        .map(sort_key)
        .collect::<Result<Vec<_>, _>>()?;
    if keys.len() > SORT_FIELDS {
        return Err(format!("at most {SORT_FIELDS} fields can be sorted by"));
    }
    let fields: Vec<_> = keys.iter().map(|key| key.field).collect();
    match (1..fields.len()).find(|&index| fields[..index].contains(&fields[index])) {
        Some(index) => Err(format!("`{}` is named twice", fields[index].as_str())),
        None => Ok(Sort::new(keys)),
    }
}

fn sort_key(text: &str) -> Result<SortKey, String> {
    let (direction, word) = match text.strip_prefix('-') {
        Some(word) => (Direction::Descending, word),
        // The plus of `+name` arrives as a space unless it was percent-encoded.
        None => (
            Direction::Ascending,
            text.strip_prefix(['+', ' ']).unwrap_or(text),
        ),
    };
    let words = SortField::ALL.map(SortField::as_str);
    SortField::ALL
        .into_iter()
        .find(|field| field.as_str() == word)
        .map(|field| SortKey { field, direction })
        .ok_or_else(|| Choice::new("field", &words).refusal(word))
}

/// The fields in the order of the record; `None` when all are named.
pub(super) fn fields(text: &str) -> Result<Option<Vec<&'static str>>, String> {
    let choice = Choice::new("field", FIELDS);
    let named = text
        .split(',')
        .map(|word| choice.pick(word))
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
            Err("`all` is only for the streamed formats, NDJSON and CSV".to_owned())
        };
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || text.bytes().all(|byte| byte == b'0') {
        return Err(format!(
            "`{text}` is no size of a page: write a number from 1 to {LARGEST_LIMIT}"
        ));
    }
    // A number too large to hold is cut like any other that is too large.
    let limit = text.parse().unwrap_or(LARGEST_LIMIT);
    Ok(Limit::Page(limit.min(LARGEST_LIMIT)))
}
