//! Numbered styles: offsets, pages and totals.

use rstest::rstest;
use serde_json::json;

use super::{next, next_with_headers, offset};
use crate::upstream::pager::*;

#[rstest]
#[case::granted("", 10, Ok(offset(12)))]
#[case::received("step = 'received'", 10, Ok(offset(11)))]
#[case::asked("step = 'asked'", 10, Ok(offset(15)))]
#[case::granted_by_the_first_page("", 0, Ok(offset(1)))]
#[case::asked_of_the_first_page("step = 'asked'", 0, Ok(offset(5)))]
fn an_offset_advances_by_what_the_adapter_says(
    #[case] step: &str,
    #[case] at: u64,
    #[case] expected: Result<Next, PagerError>,
) {
    let style = format!("style = 'offset'\nlimit = 5\n{step}");
    assert_eq!(
        next(&style, &Position::Offset(at), r#"{"items": [1]}"#),
        expected
    );
}

#[rstest]
#[case::granted("", Ok(Next::Rest(vec![Position::Offset(3), Position::Offset(5)])))]
#[case::asked("step = 'asked'", Ok(Next::Rest(vec![Position::Offset(4)])))]
#[case::received("step = 'received'", Ok(offset(3)))]
#[case::more("more = '/more'", Ok(offset(3)))]
#[case::as_a_header("total = { header = 'x-total' }", Ok(Next::Rest(vec![Position::Offset(3)])))]
fn a_total_names_all_pages_at_once_unless_they_have_to_follow_each_other(
    #[case] keys: &str,
    #[case] expected: Result<Next, PagerError>,
) {
    let total = if keys.starts_with("total") {
        ""
    } else {
        "total = '/total'"
    };
    let style = format!("style = 'offset'\nfirst = 1\nlimit = 3\n{total}\n{keys}");
    let body = r#"{"items": [1, 2], "total": 5, "more": true}"#;
    let headers = [("x-total", "4")];
    let found = next_with_headers(&style, &Position::Offset(1), body, &headers);
    assert_eq!(found, expected);
}

#[rstest]
#[case::granted("", Ok(Next::Rest(vec![Position::Page(2), Position::Page(3)])))]
#[case::asked("step = 'asked'", Ok(Next::Rest(vec![Position::Page(2)])))]
#[case::received("step = 'received'", Ok(Next::One(Position::Page(2))))]
#[case::last("last = '/last'", Ok(Next::End))]
fn a_total_tells_how_many_pages_there_are_by_what_a_page_is_taken_to_hold(
    #[case] keys: &str,
    #[case] expected: Result<Next, PagerError>,
) {
    let style = format!("style = 'page'\nlimit = 3\ntotal = '/total'\n{keys}");
    let body = r#"{"items": [1, 2], "total": 5, "last": true}"#;
    assert_eq!(next(&style, &Position::Page(1), body), expected);
}

#[rstest]
#[case::ends("", Ok(Next::End))]
#[case::goes_on("empty_page = 'continue'\nmore = '/more'", Ok(offset(4)))]
fn an_empty_numbered_page_ends_the_walk_unless_declared(
    #[case] keys: &str,
    #[case] expected: Result<Next, PagerError>,
) {
    let style = format!("style = 'offset'\n{keys}");
    assert_eq!(
        next(&style, &Position::Offset(2), r#"{"items": []}"#),
        expected
    );
}

#[test]
fn a_missing_total_means_what_is_declared() {
    let body = r#"{"items": [1, 2]}"#;
    let page = |absent: &str| {
        next(
            &format!("style = 'page'\npages = '/pages'\n{absent}"),
            &Position::Page(1),
            body,
        )
    };
    assert_eq!(page(""), Err(PagerError::TotalAbsent("/pages".to_owned())));
    assert_eq!(page("absent = 'end'"), Ok(Next::End));
    assert_eq!(
        page("absent = 'continue'"),
        Ok(Next::One(Position::Page(2)))
    );
}

#[test]
fn a_short_page_ends_the_walk_only_where_that_is_declared() {
    let body = r#"{"items": [1, 2]}"#;
    let offset = |short: &str| {
        next(
            &format!("style = 'offset'\nlimit = 10\n{short}"),
            &Position::Offset(0),
            body,
        )
    };
    assert_eq!(offset(""), Ok(Next::One(Position::Offset(2))));
    assert_eq!(offset("short_page = 'end'"), Ok(Next::End));
}

#[test]
fn a_total_may_be_written_as_text_and_nothing_else() {
    let style = "style = 'offset'\ntotal = '/total'";
    let at = Position::Offset(0);
    assert_eq!(
        next(style, &at, r#"{"items": [1, 2], "total": "3"}"#),
        Ok(Next::Rest(vec![Position::Offset(2)]))
    );
    assert!(matches!(
        next(style, &at, r#"{"items": [1], "total": "many"}"#),
        Err(PagerError::NotANumber { .. })
    ));
}

#[test]
fn an_empty_first_page_of_a_full_list_is_a_contradiction() {
    let body = r#"{"items": [], "total": 7}"#;
    for (style, at) in [("offset", Position::Offset(0)), ("page", Position::Page(1))] {
        assert_eq!(
            next(&format!("style = '{style}'\ntotal = '/total'"), &at, body),
            Err(PagerError::EmptyFirstPage(7))
        );
    }
}

#[rstest]
#[case::offset("offset", "step = 'received'", Position::Offset(0))]
#[case::page("page", "step = 'received'", Position::Page(1))]
#[case::page_that_is_not_the_first("page", "step = 'received'", Position::Page(2))]
#[case::page_of_unknown_length("page", "", Position::Page(1))]
fn an_empty_page_before_the_hint_is_an_error_where_nothing_says_how_far_to_skip(
    #[case] style: &str,
    #[case] step: &str,
    #[case] at: Position,
) {
    let style = format!("style = '{style}'\ntotal = '/total'\ntrust = 'hint'\n{step}");
    let body = r#"{"items": [], "total": 7}"#;
    assert_eq!(next(&style, &at, body), Err(PagerError::EmptyBeforeHint(7)));
}

#[test]
fn more_pages_than_allowed_are_refused_before_any_is_asked_for() {
    let body = r#"{"items": [1], "total": 1000000}"#;
    assert_eq!(
        next(
            "style = 'offset'\ntotal = '/total'",
            &Position::Offset(0),
            body
        ),
        Err(PagerError::TooMany(1_000_000))
    );
}

#[test]
fn a_list_that_grew_goes_on_after_the_page_that_was_its_last() {
    let offsets = "style = 'offset'\nfirst = 1\ntotal = '/total'";
    let pages = "style = 'page'\ntotal = '/total'";
    let body = |total: u64| json!({"items": [1, 2], "total": total}).to_string();
    let after = |style, at, total| next(style, &at, &body(total)).unwrap();
    assert_eq!(after(offsets, Position::Offset(5), 6), Next::End);
    assert_eq!(after(pages, Position::Page(3), 6), Next::End);
    assert_eq!(
        after(offsets, Position::Offset(5), 9),
        Next::Rest(vec![Position::Offset(7), Position::Offset(9)])
    );
    assert_eq!(
        after(pages, Position::Page(3), 9),
        Next::Rest(vec![Position::Page(4), Position::Page(5)])
    );
}
