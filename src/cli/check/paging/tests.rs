//! What is said of pages and totals, style by style.

use std::sync::Arc;

use rstest::rstest;

use super::*;
use crate::config::testing::load_block;

fn upstream(keys: &str) -> Arc<Upstream> {
    let request = if keys.starts_with("request") {
        ""
    } else {
        "request = { path = '/g{offset}{page}{cursor}' }\n"
    };
    let block = format!(
        "base_url = 'https://a.example'\nrecords = '/r'\nfields = {{ id = 'id', name = 'n' }}\n{request}{keys}"
    );
    let placeholder = ["offset", "page", "cursor"].into_iter();
    let block = placeholder.fold(block, |block, name| {
        if keys.contains(&format!("style = '{name}'")) {
            return block;
        }
        block.replace(&format!("{{{name}}}"), "")
    });
    let loaded = load_block("a", &block, &[]);
    Arc::clone(&loaded.plan.upstreams[0])
}

#[rstest]
#[case::none("", "none: the first response is the whole list")]
#[case::none_with_more(
    "style = 'none', more = '/more', cap = 500",
    "none: the first response is the whole list; an error where /more is true; 500 records mean \
     that the list was cut off, which is an error"
)]
#[case::cursor(
    "style = 'cursor', next = '/next', first = '*', empty_page = 'end'",
    "by the cursor at /next, first `*`; until there is none or a page is empty"
)]
#[case::cursor_of_a_record(
    "style = 'cursor', next = { last_record = 'id' }, more = '/more'",
    "by the cursor at id of the last record; while /more is true; on a page that does not say so, \
     until there is none"
)]
#[case::offset(
    "style = 'offset', total = '/total', limit = 10, step = 'asked'",
    "by offset from 0, advancing by 10, 10 records requested per page; up to the total at /total, \
     several at once, which every page must have"
)]
#[case::offset_of_each_page(
    "style = 'offset', total = { header = 'X-Total' }, step = 'received', absent = 'end'",
    "by offset from 0, advancing by as many as each page contains; up to the total at the header \
     X-Total, and only one page where it is missing"
)]
#[case::offset_with_a_hint(
    "style = 'offset', total = '/total', trust = 'hint'",
    "by offset from 0, advancing by as many as the first page contains; at least up to the total at \
     /total, several at once, and then until a page is empty unless as many came"
)]
#[case::page(
    "style = 'page', pages = '/pages', absent = 'continue', limit = 10, short_page = 'end', on_repeat = 'end'",
    "by number from 1, 10 records requested per page; up to the number of pages at /pages, several \
     at once, and where it is missing until a page has fewer than 10 records or is empty; a page \
     that is repeated is the end"
)]
#[case::page_with_a_flag(
    "style = 'page', last = { header = 'X-Last' }, total = '/total', empty_page = 'continue'",
    "by number from 1; until the header X-Last is true; on a page that does not say so, up to the \
     total at /total, which every page must have"
)]
#[case::link(
    "style = 'link', origins = ['https://b.example']",
    "by the Link header's rel=\"next\"; until there is none; credentials go to https://b.example too"
)]
#[case::next_url(
    "style = 'next_url', next = '/links/next', more = '/meta/has_more'",
    "by the URL at /links/next; while /meta/has_more is true; on a page that does not say so, until \
     there is none"
)]
fn every_style_is_explained_with_all_that_ends_it(#[case] keys: &str, #[case] expected: &str) {
    let pagination = format!("pagination = {{ {keys} }}");
    let block = if keys.is_empty() {
        ""
    } else {
        pagination.as_str()
    };
    assert_eq!(explain_paging(&upstream(block)), expected);
}

#[test]
fn a_rule_that_means_the_end_is_spoken_of() {
    let upstream =
        upstream("pagination = { style = 'page' }\nanswers = [{ status = 404, means = 'end' }]");
    assert_eq!(
        explain_paging(&upstream),
        "by number from 1; until a page is empty; or until a response that means `end` (`answers`)"
    );
}

const EXACT: &str = "trust exact: a walk that receives another number of records fails";
const AT_LEAST: &str =
    "trust exact: a walk that receives fewer records fails, and of more the log says so";

#[rstest]
#[case::none("style = 'link'", vec!["none: only the pages say whether the list is whole".to_owned()])]
#[case::pages("style = 'page', pages = '/pages'", vec!["none; /pages says how many pages there are".to_owned()])]
#[case::whole("style = 'none', total = '/total'", vec![format!("/total; {EXACT}")])]
#[case::cursor("style = 'cursor', next = '/n', total = { header = 'Content-Range' }", vec![format!("the header Content-Range; {EXACT}")])]
#[case::offset("style = 'offset', total = '/t'", vec![format!("/t; {AT_LEAST}")])]
#[case::hint("style = 'offset', total = '/t', trust = 'hint'", vec!["/t; trust hint: it only says how far to read at least".to_owned()])]
#[case::beside_pages("style = 'page', total = '/t', pages = '/p'", vec![format!("/t; {AT_LEAST}"), "/p says how many pages there are; the total is only compared".to_owned()])]
#[case::counted(
    "style = 'next_url', next = '/n', total = { request = { path = '/count' }, at = '/count' }",
    vec![format!("/count in the response to a request of its own; {EXACT}")]
)]
fn a_total_is_named_with_how_far_it_is_trusted(#[case] keys: &str, #[case] expected: Vec<String>) {
    let upstream = upstream(&format!("pagination = {{ {keys} }}"));
    assert_eq!(explain_total(&upstream, None), expected);
}

#[test]
fn a_total_that_is_requested_or_that_the_preset_reads_and_nothing_uses_is_named() {
    let upstream = upstream(
        "request = { path = '/g', query = { '$count' = 'true' } }\npagination = { style = 'link' }",
    );
    let told = explain_total(&upstream, Some("scim"));
    assert_eq!(
        told[1..],
        [
            "the preset scim reads one at /totalResults, and the block's `pagination` does not",
            "the request asks for one (`$count`), and `pagination.total` does not say where it is"
        ]
    );
}
