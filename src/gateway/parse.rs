//! From the raw query string of a request to a [`Query`].

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::fold::fold;

use super::cursor::Carried;
use super::filter::{Deleted, Filter};
use super::form::Form;
use super::order::{Direction, Sort, SortField, SortKey};
use super::query::{
    CANONICAL_BYTES, FIELDS, FIXED_FIELDS, LARGEST_LIMIT, Limit, Query, QueryError, SORT_FIELDS,
    Vocabulary,
};
use super::suggest::Choice;

impl Query {
    /// Parses the raw query string of a request.
    ///
    /// A cursor brings the whole query along; what is sent with it must agree, except `limit`.
    pub fn parse(raw: &str, vocabulary: Vocabulary<'_>) -> Result<Self, QueryError> {
        let form = Form::parse(raw)?;
        let sent = read(&form, vocabulary)?;
        let length = sent.canonical().len();
        if length > CANONICAL_BYTES {
            return Err(QueryError::TooLong(length));
        }
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
    let cursor = vocabulary.keys.verify(token, vocabulary.holder)?;
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
        limit: parsed(form, "limit", |text| parse_limit(text, vocabulary.streamed))?
            .unwrap_or_default(),
        cursor: None,
        holder: vocabulary.holder.clone(),
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
                format!("`id`: `{id}` is no id: an id is a source, a colon, and the source's id");
            Err(QueryError::parameter("id", message))
        }
        None => Ok((!ids.is_empty()).then_some(ids)),
    }
}

/// An RFC 3339 instant, or a bare date, which means midnight UTC.
fn parse_instant(text: &str) -> Result<Timestamp, String> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gateway::cursor::{Holder, Keys};
    use crate::gateway::query::PARAMETERS;

    const SOURCES: &[&str] = &["directory", "tickets", "wiki"];

    fn parse_as(raw: &str, streamed: bool) -> Result<Query, QueryError> {
        Query::parse(
            raw,
            Vocabulary {
                sources: SOURCES,
                streamed,
                holder: &Holder::Anyone,
                keys: &Keys::new(vec![vec![7; 32].into()]),
            },
        )
    }

    fn parse(raw: &str) -> Query {
        parse_as(raw, false).unwrap()
    }

    fn refusals(raws: &[&str]) -> String {
        raws.iter()
            .map(|raw| format!("{raw}: {}", parse_as(raw, false).unwrap_err()))
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn no_parameter_is_parsed_and_then_ignored() {
        for parameter in PARAMETERS.iter().filter(|other| other.name != "cursor") {
            let query = parse(&format!("{}={}", parameter.name, parameter.example));
            assert_ne!(query, parse(""), "{}", parameter.name);
        }
        assert!(parse_as("cursor=x", false).is_err());
    }

    #[test]
    fn different_spellings_of_one_question_are_equal() {
        for (left, right) in [
            ("search=SALES", "search=sales"),
            ("search=caf%C3%A9", "search=CAFE%CC%81"),
            ("source=wiki,directory", "source=directory,wiki,wiki"),
            ("id=a:2&id=a:1", "id=a%3A1&id=a:2&id=a:1"),
            ("status=Active", "status=ACTIVE"),
            (
                "created_after=2024-01-01",
                "created_after=2024-01-01T02:00:00%2B02:00",
            ),
            (
                "created_after=2024-01-01T02:00:00+02:00",
                "created_after=2024-01-01T00:00:00Z",
            ),
            ("deleted=exclude", ""),
            ("sort=+name", ""),
            ("sort=-name,+created_at", "sort=-name,%2Bcreated_at"),
            ("sort=-name,+created_at", "sort=-name,created_at"),
            ("fields=name", "fields=source,name,id,name"),
            ("limit=100", ""),
            ("limit=1001", "limit=1000"),
            ("limit=99999999999999999999999", "limit=1000"),
            ("limit=5&status=x", "status=x&limit=005"),
        ] {
            assert_eq!(parse(left), parse(right), "{left} and {right}");
        }
    }

    #[test]
    fn a_query_whose_next_page_could_not_be_asked_for_is_refused_at_once() {
        // One letter of three bytes folds to eighteen, which are percent-encoded.
        let swelling = |letters: usize| format!("search={}", "\u{fdfa}".repeat(letters));
        assert!(parse_as(&swelling(50), false).is_ok());
        let refused = parse_as(&swelling(100), false);
        assert!(
            matches!(refused, Err(QueryError::TooLong(_))),
            "{refused:?}"
        );
        assert!(swelling(100).len() < CANONICAL_BYTES);
    }

    #[test]
    fn different_questions_are_not_equal() {
        for (left, right) in [
            ("source=directory", "source=wiki"),
            ("sort=name,id", "sort=id,name"),
            ("sort=name", "sort=-name"),
            ("member=Ann", "member=ann"),
            ("created_after=2024-01-01", "updated_after=2024-01-01"),
            ("organization_id=x", "external_id=x"),
            ("id=wiki:1,wiki:2", "id=wiki:1&id=wiki:2"),
        ] {
            assert_ne!(parse(left), parse(right), "{left} and {right}");
        }
    }

    #[test]
    fn fields_come_in_the_order_of_the_record_with_id_and_source() {
        let fields = parse("fields=members,name").fields;
        assert_eq!(fields, Some(vec!["id", "source", "name", "members"]));
        let all = parse(&format!("fields={}", FIELDS.join(",")));
        assert_eq!(all.fields, None);
    }

    #[test]
    fn all_is_a_limit_only_where_the_answer_is_streamed() {
        assert_eq!(parse_as("limit=all", true).unwrap().limit, Limit::All);
        assert!(parse_as("limit=all", false).is_err());
    }

    #[test]
    fn what_means_nothing_is_refused_with_what_would() {
        insta::assert_snapshot!(refusals(&[
            "source=wikki",
            "source=",
            "source=wiki,,tickets",
            "source=Wiki",
            "id=1001",
            "created_after=yesterday",
            "created_after=2024-02-30",
            "created_after=2024-1-1",
            "created_after=20240101",
            "updated_before=2024-01-01T09:30:00",
            "updated_before=2024-01-01+09:30",
            "deleted=yes",
            "sort=nam",
            "sort=--name",
            "sort=name,",
            "sort=name,-name",
            "sort=name,id,source,created_at",
            "fields=names",
            "fields=name,,id",
            "limit=0",
            "limit=000",
            "limit=-5",
            "limit=+5",
            "limit=ten",
            "limit=1e3",
            "limit=all",
            "limit=All",
        ]));
    }

    fn some_text() -> impl Strategy<Value = Option<String>> {
        prop::option::of("[a-z%&=+ ,:\u{e9}\u{df}\u{130}]{1,6}|\\PC{1,4}")
    }

    fn some_instant() -> impl Strategy<Value = Option<Timestamp>> {
        let seconds = Timestamp::MIN.as_second()..=Timestamp::MAX.as_second();
        prop::option::of(
            (seconds, 0..1_000_000_000_i32).prop_map(|(second, nanosecond)| {
                let nanosecond = if second < 0 { -nanosecond } else { nanosecond };
                Timestamp::new(second, nanosecond).unwrap_or(Timestamp::MIN)
            }),
        )
    }

    fn filters() -> impl Strategy<Value = Filter> {
        (
            (
                some_text(),
                some_text(),
                some_text(),
                some_text(),
                some_text(),
            ),
            (
                some_instant(),
                some_instant(),
                some_instant(),
                some_instant(),
            ),
            prop::option::of(prop::collection::btree_set(
                prop::sample::select(SOURCES),
                1..3,
            )),
            prop::collection::btree_set("\\PC{0,3}:\\PC{0,3}", 0..3),
            prop::sample::select(&Deleted::ALL[..]),
        )
            .prop_map(|(texts, instants, sources, ids, deleted)| Filter {
                search: texts.0.map(|text| fold(&text).into_owned()),
                sources: sources.map(|names| names.into_iter().map(str::to_owned).collect()),
                ids: (!ids.is_empty()).then_some(ids),
                status: texts.1.map(|text| text.to_lowercase()),
                organization_id: texts.2,
                external_id: texts.3,
                member: texts.4,
                created_after: instants.0,
                created_before: instants.1,
                updated_after: instants.2,
                updated_before: instants.3,
                deleted,
            })
    }

    prop_compose! {
        fn queries()(
            filter in filters(),
            sort in crate::gateway::tests::sorts(),
            fields in prop::option::of(prop::sample::subsequence(&FIELDS[2..], 0..5)),
            limit in 1..=LARGEST_LIMIT,
        ) -> Query {
            let fields = fields.map(|named| [FIXED_FIELDS, &named].concat());
            Query { filter, sort, fields, limit: Limit::Page(limit), cursor: None, holder: Holder::Anyone }
        }
    }

    proptest! {
        #[test]
        fn a_query_is_what_its_canonical_form_says(query in queries()) {
            let first_page = query.first_page();
            prop_assert_eq!(parse_as(&first_page, false), Ok(query.clone()), "{}", first_page);
            let whole = parse(&query.canonical());
            prop_assert_eq!(whole.canonical(), query.canonical());
        }

        #[test]
        fn parsing_never_panics(raw in "\\PC*", words in "([a-z_]{1,9}=[-+ %0-9a-z,:]{0,9}&){0,4}") {
            let _ = parse_as(&raw, true);
            let _ = parse_as(&words, false);
        }

        #[test]
        fn no_value_of_any_parameter_makes_the_parser_panic(
            parameter in prop::sample::select(PARAMETERS),
            value in "\\PC*",
        ) {
            let name = parameter.name;
            if let Err(QueryError::Parameter { name: blamed, .. }) = parse_as(&format!("{name}={value}"), true) {
                // An ampersand in the value begins another parameter.
                prop_assert!(blamed == name || value.contains('&'));
            }
        }
    }
}
