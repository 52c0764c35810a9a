//! What a page says of the length of its list or of where it goes on, and nothing reads.

use crate::page::fetched_page::FetchedPage;
use crate::page::format::Node;
use crate::redact::Redactor;
use crate::upstream::pager::likely::below;
use crate::upstream::pager::{Next, Paging, WalkTotals};

use super::other_lists::other_lists;

/// How deep in a page totals are looked for.
const DEPTH: usize = 3;

/// What totals are called, without what is neither letter nor digit.
const NAMES: [&str; 13] = [
    "total",
    "totalcount",
    "totalresults",
    "totalrecords",
    "totalitems",
    "totalelements",
    "totalsize",
    "totalhits",
    "count",
    "odatacount",
    "recordcount",
    "numfound",
    "found",
];

/// What next pages are called, likewise.
const NEXT: [&str; 17] = [
    "next",
    "nextpage",
    "nextpagetoken",
    "nexttoken",
    "nextcursor",
    "nexturl",
    "nexturi",
    "nexthref",
    "nextlink",
    "odatanextlink",
    "nextmarker",
    "continuationtoken",
    "hasmore",
    "hasnext",
    "hasnextpage",
    "moreresults",
    "istruncated",
];

/// Values that name no next page.
const NOTHING: [&str; 5] = ["false", "False", "0", "null", "-1"];

/// Which headers hold totals.
const HEADERS: [&str; 5] = [
    "x-total-count",
    "x-total",
    "x-total-results",
    "total-count",
    "content-range",
];

/// What a page says and its adapter does not read, each in a sentence, which may name members of the body.
pub(super) fn unused(
    page: &FetchedPage,
    paging: &Paging,
    records: &str,
    redactor: &Redactor,
) -> Vec<String> {
    let mut said = Vec::new();
    if paging.total.is_none() {
        in_headers(page, &mut said);
        let mut body = InBody {
            records,
            listed: page.listed(),
            said: &mut said,
        };
        body.look(page.page.root(), "", DEPTH);
    }
    if page.listed() == 0 {
        let others = other_lists(page.page.root(), &[records.to_owned()]).into_iter();
        said.extend(others.map(|other| format!("{other}, and `records` names `{records}`")));
    }
    let is_end = is_end(page, paging);
    if is_end {
        next_pages(page.page.root(), ("/", records), DEPTH, &mut said);
    }
    if is_end && says_no_more(page, paging) {
        said.push(format!(
            "the page has {} records, as many as were requested, and no word of whether more follow",
            page.listed()
        ));
    }
    let said = said.iter();
    said.map(|text| redactor.redact(text).into_owned())
        .collect()
}

fn in_headers(page: &FetchedPage, said: &mut Vec<String>) {
    for header in HEADERS {
        let values = page.headers.get_all(header).iter();
        let texts = values.filter_map(|value| value.to_str().ok());
        let mut numbers =
            texts.filter_map(|text| text.rsplit('/').next()?.trim().parse::<u64>().ok());
        if let Some(number) = numbers.find(|number| *number >= page.listed()) {
            said.push(format!(
                "the header `{header}` says {number}, and nothing reads it: \
                 `pagination.total = {{ header = \"{header}\" }}`"
            ));
        }
    }
}

/// Looks for totals in a body, outside of its records.
struct InBody<'a> {
    /// Where the records are.
    records: &'a str,
    listed: u64,
    said: &'a mut Vec<String>,
}

impl InBody<'_> {
    fn look(&mut self, node: Node<'_>, path: &str, depth: usize) {
        for name in node.names() {
            let path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
            let Some(member) = node.member(name).filter(|_| path != self.records) else {
                continue;
            };
            let plain = plain(name);
            let text = member.text();
            let number = text.and_then(|text| text.trim().parse::<u64>().ok());
            match number {
                Some(number) if NAMES.contains(&plain.as_str()) && number >= self.listed => {
                    self.said.push(format!(
                        "`{path}` says {number}, and nothing reads it: `pagination.total = \"{path}\"`"
                    ));
                }
                None if depth > 1 => self.look(member, &path, depth - 1),
                Some(_) | None => {}
            }
        }
    }
}

/// Whether the first page is taken for the only one.
fn is_end(page: &FetchedPage, paging: &Paging) -> bool {
    let totals = WalkTotals::first(page.listed(), None);
    paging.next(&page.position, totals, page.into()) == Ok(Next::End)
}

/// Finds what is called like a next page and has a value, outside of lists and of `records`.
fn next_pages(node: Node<'_>, (path, records): (&str, &str), depth: usize, said: &mut Vec<String>) {
    for name in node.names() {
        let path = below(path, &[name.to_owned()]);
        let Some(member) = node.first().member(name).filter(|_| path != records) else {
            continue;
        };
        let is_list = member.is_list() && !member.is_xml();
        if NEXT.contains(&plain(name).as_str()) {
            // As it is, or as a link with other members.
            let mut links = member.first().members().map(|(_, value)| value);
            if says_something(member) || links.any(says_something) {
                said.push(format!(
                    "`{path}` looks like a next page, and nothing reads it (`pagination`)"
                ));
            }
        } else if depth > 1 && !is_list {
            next_pages(member, (&path, records), depth - 1, said);
        }
    }
}

fn says_something(node: Node<'_>) -> bool {
    let text = node.text().filter(|_| !node.is_empty());
    text.is_some_and(|text| !text.trim().is_empty() && !NOTHING.contains(&text.trim()))
}

/// A name without what is neither letter nor digit.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Whether a page is as long as requested, and has none of the places that could say more.
fn says_no_more(page: &FetchedPage, paging: &Paging) -> bool {
    let is_announced = paging.total.is_some() || paging.flag.is_some() || paging.cap.is_some();
    let query = page.request.uri().query().unwrap_or_default();
    let mut values = query.split('&').filter_map(|pair| pair.split('=').nth(1));
    let is_asked = |value: &str| value.parse() == Ok(page.listed());
    page.listed() > 0 && !is_announced && values.any(is_asked)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use rstest::rstest;

    use super::*;
    use crate::app;
    use crate::clock::WallClock;
    use crate::config::testing::load_block;
    use crate::problem::Problems;
    use crate::tls::Tls;

    #[rstest]
    #[case::in_the_body(
        r#"{"totalResults": 261, "teams": [{"id": 1}]}"#,
        &[],
        &["`/totalResults` says 261, and nothing reads it: `pagination.total = \"/totalResults\"`"]
    )]
    #[case::in_a_header(
        r#"{"teams": [{"id": 1}]}"#,
        &[("x-total-count", "260")],
        &["the header `x-total-count` says 260, and nothing reads it: \
           `pagination.total = { header = \"x-total-count\" }`"]
    )]
    #[case::a_full_page(
        r#"{"teams": [{"id": 1}, {"id": 2}]}"#,
        &[],
        &["the page has 2 records, as many as were requested, and no word of whether more follow"]
    )]
    #[case::no_records_where_they_are_looked_for(
        r#"{"teams": [], "items": [{"id": 1}]}"#,
        &[],
        &["`/items` is a list of 1 item, and `records` names `/teams`"]
    )]
    #[case::a_next_page(
        r#"{"teams": [{"id": 1}], "paging": {"nextToken": "x"}, "next": {"href": "/2"}}"#,
        &[],
        &[
            "`/paging/nextToken` looks like a next page, and nothing reads it (`pagination`)",
            "`/next` looks like a next page, and nothing reads it (`pagination`)",
        ]
    )]
    #[case::no_next_page(
        r#"{"teams": [{"id": 1, "next": "x"}], "has_more": false, "next": null, "nextPage": 0, "next_url": ""}"#,
        &[],
        &[]
    )]
    #[case::nothing(r#"{"version": 7, "teams": [{"id": 1, "total": 9}]}"#, &[], &[])]
    #[tokio::test]
    async fn what_looks_like_a_total_or_a_next_page_and_a_page_as_long_as_asked_are_spoken_of(
        #[case] body: &str,
        #[case] headers: &[(&'static str, &'static str)],
        #[case] expected: &[&str],
    ) {
        let block = "base_url = 'http://club.example'\n\
                     request = { path = '/teams', query = { count = '2' } }\n\
                     records = '/teams'\nfields = { id = 'id', name = 'id' }";
        let loaded = load_block("club", block, &[]);
        let wall = WallClock::fixed(jiff::Timestamp::UNIX_EPOCH);
        let mut problems = Problems::default();
        let tls = Tls::unavailable();
        let adapter = app::adapter(&loaded, "club", &wall, &tls, &mut problems).unwrap();
        let mut sent = HeaderMap::new();
        for (name, value) in headers {
            sent.insert(*name, value.parse().unwrap());
        }
        let page = adapter
            .replay(StatusCode::OK, sent, body.as_bytes())
            .unwrap();
        let redactor = Redactor::default();
        assert_eq!(
            unused(&page, adapter.paging(), "/teams", &redactor),
            expected
        );
    }
}
