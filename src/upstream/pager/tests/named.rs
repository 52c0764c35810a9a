//! Next pages that the page names: cursors of other kinds than one text, and URLs.

use rstest::rstest;
use serde_json::json;

use super::next;
use crate::upstream::pager::{Next, Position};

#[rstest]
#[case::absent("", Ok(None))]
#[case::null(r#", "n": null"#, Ok(None))]
#[case::an_empty_object(r#", "n": {}"#, Ok(None))]
#[case::an_empty_list(r#", "n": []"#, Ok(None))]
#[case::a_lie(r#", "n": false"#, Ok(None))]
#[case::an_object(r#", "n": {"b": [1.50, null], "a": "\u00e9"}"#, Ok(Some(Position::JsonCursor(r#"{"b":[1.50,null],"a":"é"}"#.to_owned()))))]
#[case::a_text(r#", "n": "x""#, Ok(Some(Position::Cursor("x".to_owned()))))]
#[case::a_number(r#", "n": 7"#, Ok(Some(Position::NumberCursor("7".to_owned()))))]
#[case::a_truth(
    r#", "n": true"#,
    Err("`/n` is `true`, which cannot be a position: that is a string or a number")
)]
fn a_structure_is_read_as_it_is(
    #[case] more: &str,
    #[case] expected: Result<Option<Position>, &str>,
) {
    let body = format!(r#"{{"items": [{{"id": 1}}]{more}}}"#);
    let style = "style = 'cursor'\nnext = { structure = '/n' }";
    let next = next(style, &Position::Start, &body);
    let expected = expected.map(|position| position.map_or(Next::End, Next::One));
    assert_eq!(
        next.map_err(|error| error.to_string()),
        expected.map_err(str::to_owned)
    );
}

#[rstest]
#[case::all(r#", "a": 1"#, Some(vec![("a", Position::NumberCursor("1".to_owned())), ("id", Position::Cursor("x".to_owned()))]))]
#[case::one("", Some(vec![("id", Position::Cursor("x".to_owned()))]))]
fn several_values_are_read_where_each_is(
    #[case] more: &str,
    #[case] expected: Option<Vec<(&str, Position)>>,
) {
    let body = format!(r#"{{"items": [{{"id": "x"}}]{more}}}"#);
    let style = "style = 'cursor'\nnext = { values = { a = '/a', id = { last_record = 'id' } } }";
    let values = expected.map(|values| {
        let values = values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Next::One(Position::Cursors(values.collect()))
    });
    assert_eq!(next(style, &Position::Start, &body).ok(), values);
    let end = next(style, &Position::Start, r#"{"items": []}"#);
    assert_eq!(end, Ok(Next::End));
}

#[rstest]
#[case::relative("page", "?p=2", Some("https://u.example/list?p=2"))]
#[case::elsewhere("page", "https://b.example/list?p=2", None)]
#[case::a_host_behind_a_proxy(
    "origin",
    "http://internal:8080/list?p=2",
    Some("https://u.example/list?p=2")
)]
#[case::a_path_of_its_own("origin", "/other?p=2", Some("https://u.example/other?p=2"))]
#[case::a_host_in_a_relative_form(
    "origin",
    "//internal/list?p=2#top",
    Some("https://u.example/list?p=2")
)]
#[case::credentials("origin", "https://user:pw@internal/list", None)]
#[case::no_place("origin", "mailto:a@b.example", None)]
#[case::no_context("base_url", "/list?p=2", Some("https://u.example/list?p=2"))]
fn a_next_url_is_taken_from_what_it_is_relative_to(
    #[case] relative_to: &str,
    #[case] target: &str,
    #[case] expected: Option<&str>,
) {
    let style = format!("style = 'next_url'\nnext = '/n'\nrelative_to = '{relative_to}'");
    let body = json!({"items": [{"id": 1}], "n": target}).to_string();
    let expected = expected.map(|url| Next::One(Position::Url(url.parse().unwrap())));
    assert_eq!(next(&style, &Position::Start, &body).ok(), expected);
}
