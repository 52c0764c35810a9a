//! What shows that a list is not whole, or that an answer is none: positions that count something else,
//! a link to a next page, a total of the page alone, an object or a page for people in place of the list.

use bytes::Bytes;
use groupgate::error::ErrorKind;
use groupgate::page::ended_by::EndedBy;
use http::{Request, Response};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::adapters::{adapter_of, failed, ids, walked};
use crate::support::server::{Server, json as answer, parameter};

pub(super) fn block(format: &str, records: &str, query: &str, pagination: &str) -> String {
    format!(
        "[upstreams.club]\nbase_url = \"\"\nformat = '{format}'\nrecords = '{records}'\n\
         request = {{ path = '/list', query = {{ {query} }} }}\npagination = {{ {pagination} }}\n\
         fields = {{ id = 'id', name = 'id' }}\n"
    )
}

pub(super) fn number(request: &Request<Bytes>, name: &str, default: usize) -> usize {
    parameter(request, name).map_or(default, |number| number.parse().unwrap())
}

/// Six organizations of three groups each. Offset and limit count organizations.
fn organizations(request: &Request<Bytes>, is_xml: bool) -> Response<String> {
    let (offset, limit) = (number(request, "offset", 0), number(request, "limit", 2));
    let orgs = (0..6).skip(offset).take(limit);
    if is_xml {
        let groups = |org: usize| -> String {
            (0..3)
                .map(|group| format!("<g><id>{org}-{group}</id></g>"))
                .collect()
        };
        let orgs: String = orgs
            .map(|org| format!("<org><gs>{}</gs></org>", groups(org)))
            .collect();
        return Response::new(format!("<r><total>18</total><orgs>{orgs}</orgs></r>"));
    }
    let groups = |org: usize| -> Value {
        (0..3)
            .map(|group| json!({ "id": format!("{org}-{group}") }))
            .collect()
    };
    let orgs: Vec<_> = orgs.map(|org| json!({ "groups": groups(org) })).collect();
    answer(&json!({ "orgs": orgs, "total": 18 }))
}

fn of_organizations(is_xml: bool, pagination: &str) -> String {
    let (format, records) = if is_xml {
        ("xml", "/r/orgs/org/gs/g")
    } else {
        ("json", "/orgs/groups")
    };
    let total = if is_xml { "'/r/total'" } else { "'/total'" };
    let query = "offset = '{offset}', limit = '{limit}'";
    block(format, records, query, &pagination.replace("TOTAL", total))
}

#[rstest]
#[case::by_the_first_page("step = 'granted'", "6 records stand under 2 parents on one page")]
#[case::with_a_total("total = TOTAL", "6 records stand under 2 parents on one page")]
#[case::with_a_hint(
    "total = TOTAL, trust = 'hint'",
    "6 records stand under 2 parents on one page"
)]
#[tokio::test]
async fn an_offset_that_counts_records_is_not_guessed_where_they_stand_under_parents(
    #[case] step: &str,
    #[case] expected: &str,
    #[values(false, true)] is_xml: bool,
) {
    let server = Server::start(move |request| organizations(request, is_xml)).await;
    let pagination = format!("style = 'offset', limit = 2, {step}");
    let toml = of_organizations(is_xml, &pagination);
    let error = failed(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!(error.kind, ErrorKind::Pagination, "{error}");
    assert!(error.detail.starts_with(expected), "{error}");
    assert!(
        error.detail.contains("`pagination.step = \"asked\"`"),
        "{error}"
    );
}

#[rstest]
#[tokio::test]
async fn an_offset_that_counts_parents_as_asked_brings_all_records(
    #[values(false, true)] is_xml: bool,
    #[values("step = 'asked'", "step = 'asked', total = TOTAL")] step: &str,
) {
    let server = Server::start(move |request| organizations(request, is_xml)).await;
    let toml = of_organizations(is_xml, &format!("style = 'offset', limit = 2, {step}"));
    let walked = walked(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!(walked.groups.len(), 18);
}

#[tokio::test]
async fn an_exact_total_shows_that_an_offset_counts_records_below_parents() {
    // Seven groups of two organizations, three a page.
    let server = Server::start(|request| {
        let offset = number(request, "offset", 0);
        let org = |name: &str, range: std::ops::Range<usize>| -> Value {
            let shown = range.filter(|id| (offset..offset + 3).contains(id));
            let groups: Vec<_> = shown.map(|id| json!({ "id": id })).collect();
            json!({ "name": name, "groups": groups })
        };
        answer(&json!({ "orgs": [org("a", 0..2), org("b", 2..7)], "total": 7 }))
    })
    .await;
    let query = "offset = '{offset}'";
    let toml = block(
        "json",
        "/orgs/groups",
        query,
        "style = 'offset', total = '/total'",
    );
    let walked = walked(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!(walked.groups.len(), 7);
    assert_eq!(walked.ended_by, EndedBy::Confirmed);
}

#[tokio::test]
async fn a_total_that_counts_parents_does_not_end_the_pages_of_their_records() {
    // The total of six organizations is that of the records on the first page.
    let server = Server::start(|request| {
        let page = number(request, "page", 1);
        let sizes: &[usize] = [&[2, 4][..], &[1, 2], &[3, 3]]
            .get(page - 1)
            .copied()
            .unwrap_or(&[]);
        let org = |(org, size): (usize, &usize)| -> Value {
            let groups: Vec<_> = (0..*size)
                .map(|group| json!({ "id": format!("{page}-{org}-{group}") }))
                .collect();
            json!({ "groups": groups })
        };
        let orgs: Vec<_> = sizes.iter().enumerate().map(org).collect();
        answer(&json!({ "orgs": orgs, "total": 6 }))
    })
    .await;
    let toml = block(
        "json",
        "/orgs/groups",
        "page = '{page}'",
        "style = 'page', total = '/total'",
    );
    let walked = walked(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!(walked.groups.len(), 15);
}

#[rstest]
#[case::none("style = 'none'", "", "whole_list", "set `pagination.style`")]
#[case::cursor(
    "style = 'cursor', next = '/next'",
    "at = '{cursor}'",
    "no_next",
    "correct where a page"
)]
#[case::next_url(
    "style = 'next_url', next = '/next'",
    "",
    "no_next",
    "correct where a page"
)]
#[case::an_empty_page(
    "style = 'page'",
    "page = '{page}'",
    "empty_page",
    "set `pagination.empty_page"
)]
#[tokio::test]
async fn a_link_to_a_next_page_contradicts_the_end_in_every_style(
    #[case] pagination: &str,
    #[case] query: &str,
    #[case] ended_by: &str,
    #[case] advice: &str,
) {
    let server = Server::start(|request| {
        let page = number(request, "page", 1);
        let teams: Vec<_> = (page == 1)
            .then(|| json!({ "id": "a" }))
            .into_iter()
            .collect();
        let mut response = answer(&json!({ "teams": teams }));
        let link = "</list?page=9>; rel=\"next\"".parse().unwrap();
        response.headers_mut().insert("link", link);
        response
    })
    .await;
    let toml = block("json", "/teams", query, pagination);
    let error = failed(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!(error.kind, ErrorKind::Pagination, "{error}");
    let expected = format!(
        "`link: <?page=9>; rel=\"next\"` says that there is more than the 1 records that came, and the \
         walk ended by `{ended_by}`; {advice}"
    );
    assert!(error.detail.starts_with(&expected), "{error}");
}

#[rstest]
#[case::a_total("style = 'page', total = '/total'")]
#[case::a_number_of_pages("style = 'page', pages = '/pages'")]
#[case::a_short_page("style = 'page', limit = 9, short_page = 'end'")]
#[case::no_total("style = 'page', total = '/nothing', absent = 'end'")]
#[tokio::test]
async fn a_link_to_a_next_page_is_read_on_for_where_pages_are_numbered(#[case] pagination: &str) {
    let server = Server::start(|request| {
        let page = number(request, "page", 1);
        let teams: Vec<_> = (page < 4)
            .then(|| json!({ "id": page }))
            .into_iter()
            .collect();
        let mut response = answer(&json!({ "teams": teams, "total": 1, "pages": 1 }));
        if page < 3 {
            let link = format!("</list?page={}>; rel=next", page + 1);
            response.headers_mut().insert("link", link.parse().unwrap());
        }
        response
    })
    .await;
    let toml = block("json", "/teams", "page = '{page}'", pagination);
    let walked = walked(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!(ids(&walked), ["1", "2", "3"]);
}

#[tokio::test]
async fn a_flag_ends_a_list_whatever_a_link_says() {
    let server = Server::start(|_| {
        let mut response = answer(&json!({ "teams": [{ "id": "a" }], "more": false }));
        let link = "</list?page=2>; rel=next".parse().unwrap();
        response.headers_mut().insert("link", link);
        response
    })
    .await;
    let toml = block(
        "json",
        "/teams",
        "page = '{page}'",
        "style = 'page', more = '/more'",
    );
    let walked = walked(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!(walked.ended_by, EndedBy::Flag);
}

#[rstest]
#[case::without_a_limit("style = 'offset', total = '/total'")]
#[case::with_fewer_than_asked("style = 'offset', limit = 50, total = '/total'")]
#[case::by_each_page("style = 'offset', step = 'received', total = '/total'")]
#[case::by_numbers("style = 'page', total = '/total'")]
#[case::by_numbers_and_fewer_than_asked("style = 'page', limit = 50, total = '/total'")]
#[tokio::test]
async fn a_total_that_is_the_length_of_its_page_does_not_end_the_list(#[case] pagination: &str) {
    let server = Server::start(|request| {
        let page = number(request, "page", 1);
        let offset = number(request, "offset", (page - 1) * 3);
        let teams: Vec<_> = (0..7)
            .skip(offset)
            .take(3)
            .map(|id| json!({ "id": id }))
            .collect();
        answer(&json!({ "total": teams.len(), "teams": teams }))
    })
    .await;
    let placeholder = if pagination.contains("'page'") {
        "page = '{page}'"
    } else {
        "offset = '{offset}'"
    };
    let query = format!("{placeholder}, limit = '{{limit}}'");
    let query = if pagination.contains("limit") {
        &query
    } else {
        placeholder
    };
    let toml = block("json", "/teams", query, pagination);
    let walked = walked(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!(walked.groups.len(), 7);
}

#[tokio::test]
async fn a_single_list_whose_total_is_its_length_is_whole() {
    let server = Server::start(|_| answer(&json!({ "teams": [{ "id": 1 }], "total": 1 }))).await;
    let toml = block("json", "/teams", "", "style = 'none', total = '/total'");
    let walked = walked(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!((walked.groups.len(), walked.pages), (1, 1));
}

#[rstest]
#[case::json("json", "/groups")]
#[case::xml("xml", "/groups/group")]
#[tokio::test]
async fn a_page_for_people_in_the_middle_of_a_list_is_told_as_one(
    #[case] format: &str,
    #[case] records: &str,
    #[values(
        "<!DOCTYPE html><html><body><form action='/login'/></body></html>",
        "<!-- proxy --><html><head><title>502</title></head><body>Bad gateway<hr></body></html>",
        "<h1>502 Bad Gateway</h1>"
    )]
    page: &'static str,
) {
    let is_xml = format == "xml";
    let server = Server::start(move |request| match number(request, "page", 1) {
        2 => Response::new(page.to_owned()),
        _ if is_xml => Response::new("<groups><group><id>1</id></group></groups>".to_owned()),
        _ => answer(&json!({ "groups": [{ "id": 1 }] })),
    })
    .await;
    let toml = block(format, records, "page = '{page}'", "style = 'page'");
    let error = failed(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!(error.kind, ErrorKind::Decode, "{error}");
    let expected = format!(
        "expected {}, but the body looks like an HTML page",
        format.to_uppercase()
    );
    assert!(error.detail.starts_with(&expected), "{error}");
}

#[tokio::test]
async fn an_object_in_place_of_the_list_of_a_later_page_is_an_error() {
    let server = Server::start(|request| match number(request, "page", 1) {
        1 => answer(&json!({ "groups": [{ "id": 1 }] })),
        2 => answer(&json!({ "groups": { "items": [{ "id": 2 }], "count": 1 } })),
        _ => answer(&json!({ "groups": [] })),
    })
    .await;
    let toml = block("json", "/groups", "page = '{page}'", "style = 'page'");
    let error = failed(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!(error.kind, ErrorKind::Mapping, "{error}");
    let expected =
        "expected a list at `/groups`, found one object, which is no group (it has no id)";
    assert!(error.detail.starts_with(expected), "{error}");
}

#[rstest]
#[case::the_same_ones_again_are_the_end("a", 3, EndedBy::EmptyPage)]
#[case::others_are_not("b", 4, EndedBy::EmptyPage)]
#[tokio::test]
async fn a_page_of_parents_without_records_is_not_the_end(
    #[case] third: &'static str,
    #[case] expected: usize,
    #[case] ended_by: EndedBy,
) {
    let server = Server::start(move |request| {
        let page = number(request, "page", 1);
        let org = |name: &str, ids: &[usize]| -> Value {
            let groups: Vec<_> = ids.iter().map(|id| json!({ "id": id })).collect();
            json!({ "name": name, "groups": groups })
        };
        let orgs = match page {
            1 => json!([org("a", &[1, 2]), org("z", &[3])]),
            3 if third == "b" => json!([org("b", &[]), org("c", &[4])]),
            2 | 3 => json!([org("a", &[]), org("z", &[])]),
            _ => json!([]),
        };
        answer(&json!({ "orgs": orgs }))
    })
    .await;
    let toml = block("json", "/orgs/groups", "page = '{page}'", "style = 'page'");
    let walked = walked(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!((walked.groups.len(), walked.ended_by), (expected, ended_by));
}
