//! Answers to filters that come without pages: what says that there is more than came still counts.

use std::sync::Arc;

use groupgate::error::{ErrorKind, UpstreamError};
use groupgate::observe::Observers;
use groupgate::upstream::pushdown::Conditions;
use groupgate::upstream::walk::{Walked, walk};
use http::Response;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::adapters::{adapter_of, failed, walked};
use crate::support::server::{self, Server, parameter};

/// An upstream that answers a search without pages.
fn block(pagination: &str) -> String {
    let place = ["cursor", "offset", "page"]
        .into_iter()
        .find(|style| pagination.contains(&format!("'{style}'")));
    let place = place.map_or(String::new(), |place| format!(", at = '{{{place}}}'"));
    format!(
        "[upstreams.staff]\nbase_url = \"\"\nlist = 'by_query'\nrecords = '/groups'\n\
         request = {{ path = '/all', query = {{ q = '{{search}}'{place} }} }}\n\
         pagination = {{ {pagination} }}\nlimits = {{ retries = 0 }}\n\
         fields = {{ id = 'id', name = 'name' }}\npushdown.paged = false\n\
         pushdown.search = {{ matches = 'contains', in = ['name', 'description'], case = 'ascii', texts = 'ascii' }}\n"
    )
}

/// Two groups, and what the upstream says beside them.
fn two(beside: &Value, headers: &[(&'static str, &'static str)]) -> Response<String> {
    let mut body =
        json!({ "groups": [{ "id": 1, "name": "sales 1" }, { "id": 2, "name": "sales 2" }] });
    let members = body.as_object_mut().unwrap();
    members.extend(beside.as_object().unwrap().clone());
    let mut response = server::json(&body);
    for (name, value) in headers {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}

/// What comes of a search that is answered so.
async fn searched(
    pagination: &str,
    beside: Value,
    headers: &'static [(&'static str, &'static str)],
) -> Result<Walked, UpstreamError> {
    let server = Server::start(move |request| {
        if request.uri().path() == "/count" {
            return server::json(&json!({ "total": 7 }));
        }
        assert_eq!(request.uri(), "/all?q=sales");
        two(&beside, headers)
    })
    .await;
    let adapter = adapter_of(&block(pagination), server.base_url(), &[]);
    let sales = Conditions {
        search: Some("sales"),
        ..Conditions::default()
    };
    let pushed = adapter.rules().unwrap().push(&sales);
    let asking = Arc::new(adapter.asking(pushed, 1 << 20));
    walk(&asking, &Observers::default()).await
}

#[rstest]
#[case::total_in_the_body("style = 'offset', total = '/total'", json!({ "total": 7 }), &[], "7 records were announced, but 2 received: `/total`")]
#[case::total_in_a_header("style = 'cursor', next = '/next', total = { header = 'X-Total' }", json!({}), &[("x-total", "7")], "7 records were announced, but 2 received: `X-Total`")]
#[case::total_too_low("style = 'page', total = '/total'", json!({ "total": 1 }), &[], "1 record was announced, but 2 received")]
#[case::total_of_a_filtered_count("style = 'offset', total = { request = { path = '/count', query = { q = '{search}' } }, at = '/total' }", json!({}), &[], "7 records were announced, but 2 received")]
#[case::total_of_a_wrong_type("style = 'offset', total = '/total'", json!({ "total": { "value": 2 } }), &[], "`/total` has `value`, which is not a number")]
#[case::pages("style = 'page', pages = '/pages'", json!({ "pages": 4 }), &[], "4 pages were announced")]
#[case::more("style = 'offset', more = '/more'", json!({ "more": true }), &[], "`/more` says that there is more")]
#[case::not_last("style = 'page', last = '/last'", json!({ "last": false }), &[], "`/last` says that there is more")]
#[case::more_in_a_record("style = 'page', more = { last_record = 'name' }", json!({ "groups": [{ "id": 1, "name": "true" }] }), &[], "`name of the last record` says that there is more")]
#[case::cursor("style = 'cursor', next = '/next'", json!({ "next": "b" }), &[], "`/next` says that there is more")]
#[case::cursor_of_a_wrong_type("style = 'cursor', next = '/next'", json!({ "next": { "id": 3 } }), &[], "`/next` has `id`, which cannot be a position")]
#[case::next_url("style = 'next_url', next = '/next'", json!({ "next": "/all?p=2" }), &[], "`/next` says that there is more")]
#[case::link("style = 'link'", json!({}), &[("link", "</all?p=2>; rel=next")], "`link: <?p=2>; rel=\"next\"` says that there is more")]
#[case::link_beside_pages("style = 'page'", json!({}), &[("link", "</all?p=2>; rel=\"next\"")], "`link: <?p=2>; rel=\"next\"` says that there is more")]
#[case::content_range("style = 'offset'", json!({}), &[("content-range", "items 0-1/7")], "`content-range: items 0-1/7` says that there is more")]
#[tokio::test]
async fn an_answer_without_pages_that_says_that_there_is_more_is_an_error(
    #[case] pagination: &str,
    #[case] beside: Value,
    #[case] headers: &'static [(&'static str, &'static str)],
    #[case] expected: &str,
) {
    let error = searched(pagination, beside, headers).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Pagination);
    assert!(error.detail.contains(expected), "{error}");
}

#[rstest]
#[case::no_total("style = 'offset', total = '/total'", json!({}), &[])]
#[case::no_total_of_a_cursor("style = 'cursor', next = '/next', total = '/total'", json!({ "next": null }), &[])]
#[case::its_total("style = 'page', total = '/total', pages = '/pages'", json!({ "total": 2, "pages": 1 }), &[])]
#[case::count_of_the_whole_list("style = 'offset', total = { request = { path = '/count' }, at = '/total' }", json!({}), &[])]
#[case::hint("style = 'offset', total = '/total', trust = 'hint'", json!({ "total": 7 }), &[])]
#[case::no_more("style = 'link', more = '/more'", json!({ "more": false }), &[])]
#[case::last_record("style = 'cursor', next = { last_record = 'id' }", json!({}), &[])]
#[case::unreadable_link("style = 'page'", json!({}), &[("link", "next page")])]
#[tokio::test]
async fn an_answer_without_pages_that_says_nothing_of_more_is_the_whole_answer(
    #[case] pagination: &str,
    #[case] beside: Value,
    #[case] headers: &'static [(&'static str, &'static str)],
) {
    let walked = searched(pagination, beside, headers).await.unwrap();
    assert_eq!(walked.groups.len(), 2);
}

#[tokio::test]
async fn a_whole_list_whose_link_header_names_a_next_page_is_an_error() {
    let server = Server::start(|_| two(&json!({}), &[("link", "</all?p=2>; rel=\"next\"")])).await;
    let block = "
        [upstreams.staff]
        base_url = \"\"
        request = { path = '/all' }
        records = '/groups'
        pagination = { style = 'none' }
        fields = { id = 'id', name = 'name' }
    ";
    let error = failed(&adapter_of(block, server.base_url(), &[])).await;
    assert_eq!(error.kind, ErrorKind::Pagination);
    let expected = "`link: <?p=2>; rel=\"next\"` says that there is more";
    assert!(error.detail.contains(expected), "{error}");
}

#[tokio::test]
async fn the_whole_list_behind_such_answers_is_still_paged() {
    let server = Server::start(|request| match parameter(request, "at").as_deref() {
        None => two(&json!({ "next": "b" }), &[]),
        Some(_) => server::json(&json!({ "groups": [{ "id": 3, "name": "sales 3" }] })),
    })
    .await;
    let block = block("style = 'cursor', next = '/next'");
    let walked = walked(&adapter_of(&block, server.base_url(), &[])).await;
    assert_eq!(walked.groups.len(), 3);
}
