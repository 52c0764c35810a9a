//! Whole query strings, read and refused.

use crate::group::Moment;
use proptest::prelude::*;

use super::*;
use crate::caller::VisibleSources;
use crate::fold::fold;
use crate::gateway::FilterableAttributes;
use crate::gateway::filter::Deleted;
use crate::gateway::query::{FIELDS, FIXED_FIELDS, LARGEST_LIMIT, Limit, PARAMETERS};

const SOURCES: &[&str] = &["directory", "tickets", "wiki"];

fn parse_as(raw: &str, streamed: bool) -> Result<Query, QueryError> {
    parse_for(&Caller::default(), raw, streamed)
}

fn parse_for(caller: &Caller, raw: &str, streamed: bool) -> Result<Query, QueryError> {
    let context = ParseContext {
        attributes: &FilterableAttributes::default(),
        sources: &SOURCES
            .iter()
            .map(|name| (*name).into())
            .collect::<Vec<_>>(),
        streamed,
        caller,
        keys: &Keys::new(vec![vec![7; 32].into()]),
    };
    Query::parse(raw, context)
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
        let example = parameter.example.unwrap();
        let query = parse(&format!("{}={example}", parameter.name));
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
fn a_source_that_the_caller_may_not_see_is_unknown_to_it() {
    let caller = Caller {
        visible: VisibleSources::only(["directory", "wiki"]),
        ..Caller::default()
    };
    let refused = |raw| parse_for(&caller, raw, false).unwrap_err().to_string();
    assert_eq!(
        refused("source=tickets"),
        "`source`: unknown source `tickets`; expected one of `directory`, `wiki`"
    );
    assert_eq!(
        refused("source=tickets"),
        refused("source=nowhere").replace("nowhere", "tickets")
    );
    assert!(parse_for(&caller, "source=wiki", false).is_ok());
}

#[test]
fn a_query_is_the_same_whoever_asks() {
    let caller = Caller {
        visible: VisibleSources::only(["wiki"]),
        ..Caller::default()
    };
    let query = parse_for(&caller, "source=wiki&search=x", false);
    assert_eq!(query.unwrap(), parse("source=wiki&search=x"));
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
        "search=%C2%AD%E2%80%8B",
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

fn some_instant() -> impl Strategy<Value = Option<Moment>> {
    let seconds = jiff::Timestamp::MIN.as_second()..=Moment::MAX.as_second();
    prop::option::of(
        (seconds, 0..1_000_000_000_i32).prop_map(|(second, nanosecond)| {
            let nanosecond = if second < 0 { -nanosecond } else { nanosecond };
            Moment::new(second, nanosecond).unwrap_or(Moment::MAX)
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
            search: texts
                .0
                .map(|text| fold(&text).into_owned())
                .filter(|text| !text.is_empty()),
            names_only: BTreeSet::new(),
            sources: sources.map(|names| names.into_iter().map(str::to_owned).collect()),
            ids: (!ids.is_empty()).then_some(ids),
            status: texts.1.map(|text| text.to_lowercase()),
            organization_id: texts.2,
            external_id: texts.3,
            member: texts.4,
            attributes: Vec::new(),
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
        Query { filter, sort, fields, limit: Limit::Page(limit), resume: None }
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
