//! Where each style reads on, page by page. Whole walks are in `tests/paging`.

use http::HeaderMap;
use rstest::rstest;
use serde_json::json;

use crate::config::resolve::pagination;
use crate::page::format::Page;
use crate::plan::Format;
use crate::problem::{KeyPath, Problems};
use crate::upstream::links::LinkError;

use super::*;

mod named;
mod numbered;

/// The paging that these keys describe, on `u.example`.
fn paging(pagination: &str) -> Paging {
    let block = format!(
        "base_url = 'https://u.example'\nrequest.path = '/list'\nrecords = '/items'\n\
         fields = {{ id = 'id', name = 'id' }}\nlimits.pages = 100\n[pagination]\n{pagination}"
    );
    let mut problems = Problems::default();
    let upstream = toml::from_str(&block).unwrap();
    let paging = pagination::paging(&KeyPath::default(), &upstream, &mut problems);
    assert_eq!(problems, Problems::default());
    paging
}

/// Where to read on after a page, which is the first if its position is.
fn next(style: &str, position: &Position, body: &str) -> Result<Next, PagerError> {
    next_with_headers(style, position, body, &[])
}

fn next_with_headers(
    style: &str,
    position: &Position,
    body: &str,
    headers: &[(&'static str, &str)],
) -> Result<Next, PagerError> {
    decide(style, position, body, headers).map(|(next, _)| next)
}

/// Where to read on, and why.
fn decide(
    style: &str,
    position: &Position,
    body: &str,
    headers: &[(&'static str, &str)],
) -> Result<(Next, String), PagerError> {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    let page = Page::decode(Format::Json, body.as_bytes()).unwrap();
    let records = page
        .records(
            &"/items".parse().unwrap(),
            crate::plan::AbsentRecords::Error,
        )
        .unwrap();
    let paging = paging(style);
    let last_record_key = records
        .last()
        .and_then(|record| paging.last_record_key(*record, None));
    let last_record_flag = records
        .last()
        .and_then(|record| paging.last_record_flag(*record, None));
    let count = records.len() as u64;
    let context = PageContext {
        page: &page,
        headers: &headers,
        url: &"https://u.example/list?a=b".parse().unwrap(),
        records: count,
        last_record_key: last_record_key.as_ref(),
        last_record_flag: last_record_flag.as_deref(),
        parents: None,
        is_past_end: false,
    };
    let totals = WalkTotals {
        granted: if *position == paging.first() {
            count
        } else {
            2
        },
        received: count,
        counted: None,
        announced: None,
        is_after_empty: false,
    };
    let decision = paging.decide(position, totals, context)?;
    assert_eq!(
        paging.next(position, totals, context).as_ref(),
        Ok(&decision.next)
    );
    Ok((decision.next, decision.reason.to_string()))
}

#[rstest]
#[case("style = 'none'", "", "the first response is the whole list")]
#[case("style = 'cursor'\nnext = '/n'", r#", "n": "a""#, "`/n` names it")]
#[case("style = 'cursor'\nnext = '/n'", "", "`/n` is absent, null or empty")]
#[case(
    "style = 'cursor'\nnext = { last_record = 'id' }",
    "",
    "the last record's `id` names it"
)]
#[case(
    "style = 'link'",
    "",
    "no `Link` header has a target with `rel=\"next\"`"
)]
#[case("style = 'next_url'\nnext = '/n'", r#", "n": "?b""#, "`/n` names it")]
#[case(
    "style = 'offset'\nmore = '/m'",
    r#", "m": true"#,
    "`/m` says that there is more"
)]
#[case(
    "style = 'page'\nlast = '/l'",
    r#", "l": true"#,
    "`/l` says that there is no more"
)]
#[case("style = 'page'\npages = '/p'", r#", "p": 5"#, "`/p` says 5 pages")]
#[case("style = 'offset'\ntotal = '/t'", r#", "t": 5"#, "`/t` says 5 records")]
#[case("style = 'page'\npages = '/p'\nabsent = 'end'", "", "`/p` is absent")]
#[case("style = 'offset'", "", "nothing says that this page is the last")]
#[case(
    "style = 'offset'\nlimit = 9\nshort_page = 'end'",
    "",
    "the page has fewer records than the 9 requested"
)]
fn a_decision_says_why(#[case] style: &str, #[case] more: &str, #[case] expected: &str) {
    let body = format!(r#"{{"items": [{{"id": 1}}]{more}}}"#);
    let paging = paging(style);
    let (_, reason) = decide(style, &paging.first(), &body, &[]).unwrap();
    assert_eq!(reason, expected);
}

#[test]
fn an_empty_page_is_the_reason_for_an_end() {
    let (next, reason) = decide(
        "style = 'page'",
        &Position::Page(2),
        r#"{"items": []}"#,
        &[],
    )
    .unwrap();
    assert_eq!((next, reason.as_str()), (Next::End, "the page is empty"));
}

#[test]
fn a_message_shows_little_of_what_is_no_number() {
    let body = format!(r#"{{"items": [1], "total": {}}}"#, "9".repeat(1 << 20));
    let style = "style = 'offset'\ntotal = '/total'";
    let error = next_with_headers(style, &Position::Offset(0), &body, &[]).unwrap_err();
    assert!(error.to_string().len() < 128, "{error:.200}");
}

fn cursor(text: &str) -> Next {
    Next::One(Position::Cursor(text.to_owned()))
}

fn offset(number: u64) -> Next {
    Next::One(Position::Offset(number))
}

#[rstest]
#[case::in_the_body(
    "next = '/next'",
    r#"{"items": [1], "next": "a+/="}"#,
    Ok(cursor("a+/="))
)]
#[case::as_a_number("next = '/next'", r#"{"items": [1], "next": 17}"#, Ok(Next::One(Position::NumberCursor("17".to_owned()))))]
#[case::in_a_header(
    "next = { header = 'x-next' }",
    r#"{"items": [1]}"#,
    Ok(cursor("from header"))
)]
#[case::of_the_last_record(
    "next = { last_record = 'id' }",
    r#"{"items": [{"id": 1}, {"id": 2}]}"#,
    Ok(Next::One(Position::NumberCursor("2".to_owned())))
)]
#[case::the_last_record_itself(
    "next = { last_record = '.' }",
    r#"{"items": ["a", "b"]}"#,
    Ok(cursor("b"))
)]
#[case::no_last_record("next = { last_record = 'id' }", r#"{"items": []}"#, Ok(Next::End))]
#[case::a_last_record_without_it("next = { last_record = 'id' }", r#"{"items": [{}]}"#, Err(PagerError::NoLastRecordKey("id".to_owned())))]
#[case::absent("next = '/next'", r#"{"items": [1]}"#, Ok(Next::End))]
#[case::null("next = '/next'", r#"{"items": [1], "next": null}"#, Ok(Next::End))]
#[case::empty("next = '/next'", r#"{"items": [1], "next": ""}"#, Ok(Next::End))]
#[case::empty_page("next = '/next'", r#"{"items": [], "next": "c"}"#, Ok(cursor("c")))]
#[case::empty_page_that_ends(
    "next = '/next'\nempty_page = 'end'",
    r#"{"items": [], "next": "c"}"#,
    Ok(Next::End)
)]
#[case::more_is_false(
    "next = '/next'\nmore = '/more'",
    r#"{"items": [1], "next": "c", "more": false}"#,
    Ok(Next::End)
)]
#[case::last_is_true(
    "next = '/next'\nlast = '/last'",
    r#"{"items": [1], "next": "c", "last": "1"}"#,
    Ok(Next::End)
)]
#[case::more_is_true(
    "next = '/next'\nmore = '/more'",
    r#"{"items": [1], "next": "c", "more": 1}"#,
    Ok(cursor("c"))
)]
#[case::more_is_true_on_an_empty_page(
    "next = '/next'\nmore = '/more'\nempty_page = 'end'",
    r#"{"items": [], "next": "c", "more": true}"#,
    Ok(cursor("c"))
)]
#[case::more_is_true_and_no_cursor(
    "next = '/next'\nmore = '/more'",
    r#"{"items": [1], "more": true}"#,
    Err(PagerError::NoNext)
)]
#[case::more_is_absent(
    "next = '/next'\nmore = '/more'",
    r#"{"items": [1], "next": "c"}"#,
    Ok(cursor("c"))
)]
fn a_cursor_is_followed_until_something_says_that_it_ends(
    #[case] keys: &str,
    #[case] body: &str,
    #[case] expected: Result<Next, PagerError>,
) {
    let style = format!("style = 'cursor'\n{keys}");
    let headers = [("x-next", "from header")];
    assert_eq!(
        next_with_headers(&style, &Position::Start, body, &headers),
        expected
    );
}

#[rstest]
#[case::none("style = 'cursor'\nnext = '/n'", Position::Start)]
#[case::empty(
    "style = 'cursor'\nnext = '/n'\nfirst = ''",
    Position::Cursor(String::new())
)]
#[case::star("style = 'cursor'\nnext = '/n'\nfirst = '*'", Position::Cursor("*".to_owned()))]
#[case::offset("style = 'offset'", Position::Offset(0))]
#[case::start_index("style = 'offset'\nfirst = 1", Position::Offset(1))]
#[case::page("style = 'page'", Position::Page(1))]
#[case::page_zero("style = 'page'\nfirst = 0", Position::Page(0))]
#[case::link("style = 'link'", Position::Start)]
fn the_first_page_is_where_the_style_begins(#[case] style: &str, #[case] expected: Position) {
    let paging = paging(style);
    assert_eq!(paging.first(), expected);
}

#[rstest]
#[case::number("1", Ok(Some(true)))]
#[case::text("\"true\"", Ok(Some(true)))]
#[case::digit("\"0\"", Ok(Some(false)))]
#[case::zero("0", Ok(Some(false)))]
#[case::truth("false", Ok(Some(false)))]
#[case::null("null", Ok(None))]
#[case::empty("\"\"", Ok(None))]
#[case::word("\"yes\"", Err("`/more` is `yes`, which is neither true nor false"))]
fn a_flag_is_true_or_false_in_any_of_the_usual_spellings(
    #[case] value: &str,
    #[case] expected: Result<Option<bool>, &str>,
) {
    let body = format!(r#"{{"items": [1], "more": {value}, "next": "c"}}"#);
    let found = next(
        "style = 'cursor'\nnext = '/next'\nmore = '/more'",
        &Position::Start,
        &body,
    );
    // Without a word from the flag, the cursor is followed: the same as when it says true.
    let expected = expected.map(|flag| match flag {
        Some(true) | None => Next::One(Position::Cursor("c".to_owned())),
        Some(false) => Next::End,
    });
    assert_eq!(
        found.map_err(|error| error.to_string()),
        expected.map_err(str::to_owned)
    );
}

#[test]
fn an_answer_past_the_end_ends_any_style() {
    let page = Page::nothing();
    let context = PageContext {
        page: &page,
        headers: &HeaderMap::new(),
        url: &"https://u.example/".parse().unwrap(),
        records: 0,
        last_record_key: None,
        last_record_flag: None,
        parents: None,
        is_past_end: true,
    };
    let totals = WalkTotals {
        granted: 2,
        received: 2,
        counted: Some(9),
        announced: Some(9),
        is_after_empty: false,
    };
    for style in ["page", "offset", "link"] {
        let paging = paging(&format!("style = '{style}'"));
        assert_eq!(paging.next(&paging.first(), totals, context), Ok(Next::End));
    }
}

#[rstest]
#[case::a_total("{\"total\": 0}", Some(0))]
#[case::an_error("{\"total\": \"none\"}", None)]
#[case::nothing("", None)]
fn an_answer_past_the_end_states_a_total_or_none(#[case] body: &str, #[case] stated: Option<u64>) {
    let page = Page::decode(Format::Json, body.as_bytes()).unwrap_or_else(|_| Page::nothing());
    let context = PageContext {
        page: &page,
        headers: &HeaderMap::new(),
        url: &"https://u.example/".parse().unwrap(),
        records: 0,
        last_record_key: None,
        last_record_flag: None,
        parents: None,
        is_past_end: true,
    };
    let paging = paging("style = 'link'\ntotal = '/total'");
    assert_eq!(paging.announces(context).unwrap().records, stated);
}

#[test]
fn a_next_url_never_leaves_the_origin() {
    let to = |target: &str| {
        let body = json!({"items": [1], "next": target}).to_string();
        next(
            "style = 'next_url'\nnext = '/next'",
            &Position::Start,
            &body,
        )
    };
    let expected = Position::Url("https://u.example/list?from=2".parse().unwrap());
    assert_eq!(to("?from=2"), Ok(Next::One(expected.clone())));
    assert_eq!(to("https://u.example/list?from=2"), Ok(Next::One(expected)));
    for foreign in [
        "https://evil.example/",
        "http://u.example/",
        "//evil.example/",
        "https://u.example:8443/",
        "https://user:s3cret@evil.example/",
        "file:///etc/passwd",
    ] {
        assert!(
            matches!(to(foreign), Err(PagerError::Url(LinkError::Foreign { .. }))),
            "{foreign}"
        );
    }
    for with_userinfo in [
        "https://user:s3cret@u.example/list?from=2",
        "https://user@u.example/list?from=2",
        "//:s3cret@u.example/list?from=2",
    ] {
        let refused = to(with_userinfo).unwrap_err();
        assert_eq!(
            refused,
            PagerError::Url(LinkError::Userinfo),
            "{with_userinfo}"
        );
        let message = refused.to_string();
        assert!(message.contains("user name or password"), "{message}");
        assert!(
            !message.contains("s3cret") && !message.contains("another origin"),
            "{message}"
        );
    }
    assert_eq!(to(""), Ok(Next::End));
}
