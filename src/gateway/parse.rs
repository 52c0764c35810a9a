//! From the raw query string of a request to a [`Query`].

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::fold::fold;

use super::cursor::Carried;
use super::filter::{Deleted, Filter};
use super::form::Form;
use super::order::{Direction, Sort, SortField, SortKey};
use super::query::{
    FIELDS, FIXED_FIELDS, LARGEST_LIMIT, Limit, Query, QueryError, SORT_FIELDS, Vocabulary,
};
use super::suggest::Choice;

impl Query {
    /// Parses the raw query string of a request.
    ///
    /// A cursor brings the whole query along; what is sent with it must agree, except `limit`.
    pub fn parse(raw: &str, vocabulary: Vocabulary<'_>) -> Result<Self, QueryError> {
        let form = Form::parse(raw)?;
        let sent = read(&form, vocabulary)?;
        match form.one("cursor") {
            None => Ok(sent),
            Some(token) => resume(token, sent, &form, vocabulary),
        }
    }
}

/// The query that `token` continues, as long as what was `sent` with it agrees.
fn resume(
    token: &str,
    sent: Query,
    form: &Form,
    vocabulary: Vocabulary<'_>,
) -> Result<Query, QueryError> {
    let cursor = vocabulary.keys.verify(token, vocabulary.caller)?;
    let limit = match form.one("limit") {
        Some(_) => sent.limit,
        None => cursor.limit(),
    };
    let begun = match cursor.carried() {
        Carried::Whole(canonical) => {
            let begun = recall(canonical, vocabulary)?;
            agree(&sent, &begun, form)?;
            begun
        }
        Carried::Digest(digest) if sent.digest() == *digest => sent,
        Carried::Digest(_) => {
            let message = "this `cursor` is too small for its query: send the query's other \
                           parameters with it, as the `Link` header does";
            return Err(QueryError::parameter("cursor", message));
        }
    };
    Ok(Query {
        limit,
        cursor: Some(cursor),
        ..begun
    })
}

/// The query that a cursor carries. It was sound when it was written; what it names may be gone.
fn recall(canonical: &str, vocabulary: Vocabulary<'_>) -> Result<Query, QueryError> {
    Form::parse(canonical)
        .and_then(|form| read(&form, vocabulary))
        .map_err(|error| {
            QueryError::Cursor(format!(
                "the `cursor` continues a query that can no longer be answered: {error}"
            ))
        })
}

fn agree(sent: &Query, begun: &Query, form: &Form) -> Result<(), QueryError> {
    let differs = |name: &&str| !sent.values(name).eq(&begun.values(name));
    match form.names().find(differs) {
        None => Ok(()),
        Some(name) => {
            let message = format!(
                "`{name}` is not what the `cursor` was made for: leave it out, or start over \
                 without the cursor"
            );
            Err(QueryError::parameter(name, message))
        }
    }
}

/// Everything but the cursor.
fn read(form: &Form, vocabulary: Vocabulary<'_>) -> Result<Query, QueryError> {
    let text = |name| form.one(name).map(str::to_owned);
    let instant = |name| parsed(form, name, parse_instant);
    Ok(Query {
        filter: Filter {
            search: form.one("search").map(|text| fold(text).into_owned()),
            sources: parsed(form, "source", |text| {
                parse_sources(text, vocabulary.sources)
            })?,
            ids: parse_ids(form)?,
            status: form.one("status").map(str::to_lowercase),
            organization_id: text("organization_id"),
            external_id: text("external_id"),
            member: text("member"),
            created_after: instant("created_after")?,
            created_before: instant("created_before")?,
            updated_after: instant("updated_after")?,
            updated_before: instant("updated_before")?,
            deleted: parsed(form, "deleted", parse_deleted)?.unwrap_or_default(),
        },
        sort: parsed(form, "sort", parse_sort)?.unwrap_or_default(),
        fields: parsed(form, "fields", parse_fields)?.flatten(),
        limit: parsed(form, "limit", |text| {
            parse_limit(text, vocabulary.streamed)
        })?
        .unwrap_or_default(),
        cursor: None,
        caller: vocabulary.caller.clone(),
    })
}

/// What `parse` makes of the parameter, if it was sent. A refusal names the parameter.
fn parsed<T>(
    form: &Form,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, QueryError> {
    form.one(name)
        .map(parse)
        .transpose()
        .map_err(|message| QueryError::parameter(name, format!("`{name}`: {message}")))
}

fn parse_sources(text: &str, visible: &[&str]) -> Result<BTreeSet<String>, String> {
    let choice = Choice::new("source", visible);
    text.split(',')
        .map(|name| choice.pick(name).map(str::to_owned))
        .collect()
}

fn parse_ids(form: &Form) -> Result<Option<BTreeSet<String>>, QueryError> {
    let ids: BTreeSet<_> = form.all("id").map(str::to_owned).collect();
    match ids.iter().find(|id| !id.contains(':')) {
        Some(id) => {
            let message =
                format!("`id`: `{id}` is none: an id is a source, a colon, and the source's id");
            Err(QueryError::parameter("id", message))
        }
        None => Ok((!ids.is_empty()).then_some(ids)),
    }
}

/// An RFC 3339 instant, or a bare date, which means midnight UTC.
fn parse_instant(text: &str) -> Result<Timestamp, String> {
    let wrong = || {
        format!(
            "`{text}` is no moment: write `2024-01-31`, `2024-01-31T09:30:00Z` or \
             `2024-01-31T09:30:00+02:00`"
        )
    };
    // A date-time without an offset also reads as a date, and would silently lose its time.
    if text.len() == "2024-01-31".len() {
        let date: Date = text.parse().map_err(|_| wrong())?;
        let midnight = date.to_zoned(TimeZone::UTC).map_err(|_| wrong())?;
        return Ok(midnight.timestamp());
    }
    with_plus(text).parse().map_err(|_| wrong())
}

/// `text` with the `+` of its offset, where that arrived as a space.
fn with_plus(text: &str) -> String {
    match text.rsplit_once(' ') {
        Some((before, offset)) if before.contains(':') => format!("{before}+{offset}"),
        Some(_) | None => text.to_owned(),
    }
}

fn parse_deleted(text: &str) -> Result<Deleted, String> {
    let choice = Deleted::ALL.map(Deleted::as_str);
    Deleted::ALL
        .into_iter()
        .find(|deleted| deleted.as_str() == text)
        .ok_or_else(|| Choice::new("value", &choice).refusal(text))
}

fn parse_sort(text: &str) -> Result<Sort, String> {
    let keys = text
        .split(',')
        .map(parse_sort_key)
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

fn parse_sort_key(text: &str) -> Result<SortKey, String> {
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
fn parse_fields(text: &str) -> Result<Option<Vec<&'static str>>, String> {
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

fn parse_limit(text: &str, streamed: bool) -> Result<Limit, String> {
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
