//! Redirects: followed within the origin, signed anew, and never with credentials elsewhere.

use std::sync::Arc;

use groupgate::error::ErrorKind;
use http::{Method, Response};
use rstest::rstest;
use serde_json::json;

use crate::staff::impatient;
use crate::support::adapters::{failed, ids, walked};
use crate::support::server::{Server, header, json as answer, parameter};

fn redirect(status: u16, to: &str) -> Response<String> {
    Response::builder()
        .status(status)
        .header("location", to)
        .body(String::new())
        .unwrap()
}

#[rstest]
#[tokio::test]
async fn a_list_that_has_moved_within_its_origin_is_read_where_it_is(
    #[values(301, 302, 303, 307, 308)] status: u16,
) {
    let server = Server::start(move |request| match request.uri().path() {
        "/list" => redirect(status, "/moved/list"),
        // The next page is named as seen from where this one was found.
        "/moved/list" => answer(&json!({ "items": [{ "id": 1 }], "next": "more" })),
        "/moved/more" => answer(&json!({ "items": [{ "id": 2 }], "next": null })),
        path => panic!("{path}"),
    })
    .await;
    let keys = "pagination = { style = 'next_url', next = '/next' }\n\
                auth = { type = 'bearer', token = { env = 'SECRET' } }";
    let adapter = impatient(server.base_url(), keys);
    assert_eq!(ids(&walked(&adapter).await), ["1", "2"]);
    for request in server.requests() {
        assert_eq!(header(&request, "authorization"), Some("Bearer s3cr3t"));
    }
}

#[tokio::test]
async fn every_hop_is_signed_for_where_it_goes() {
    let server = Server::start(|request| match request.uri().path() {
        "/list" => redirect(307, "/moved"),
        _ => answer(&json!({ "items": [] })),
    })
    .await;
    let keys = "auth = { type = 'hmac', key_id = { env = 'SECRET' }, secret = { env = 'SECRET' }, \
                string_to_sign = '{path}', header = 'x {signature}' }";
    walked(&impatient(server.base_url(), keys)).await;
    let signatures: Vec<_> = server
        .requests()
        .iter()
        .map(|request| header(request, "authorization").unwrap().to_owned())
        .collect();
    assert_eq!(signatures.len(), 2);
    assert_ne!(signatures[0], signatures[1]);
}

#[tokio::test]
async fn a_redirect_to_another_origin_is_refused_and_nothing_is_sent_there() {
    let elsewhere = Server::start(|_| answer(&json!({ "items": [{ "id": 1 }] }))).await;
    let target = format!("{}/list?token=s3cr3t", elsewhere.base_url());
    let server = Server::start(move |_| redirect(302, &target)).await;
    let error = failed(&impatient(server.base_url(), "limits.retries = 2")).await;
    assert_eq!(error.kind, ErrorKind::HttpStatus, "{error}");
    assert_eq!(
        error.detail,
        format!(
            "status 302: it redirects to another origin, `{}`, to which our credentials must not be sent",
            elsewhere.base_url()
        )
    );
    assert_eq!(server.requests().len(), 1);
    assert_eq!(elsewhere.requests().len(), 0);
}

#[rstest]
#[case::in_a_loop("/list", ErrorKind::HttpStatus, "it redirects in a loop", 1)]
#[case::without_end("", ErrorKind::LimitExceeded, "it redirects more than 3 times", 4)]
#[tokio::test]
async fn redirects_end(
    #[case] to: &'static str,
    #[case] kind: ErrorKind,
    #[case] expected: &str,
    #[case] requests: usize,
) {
    let server = Server::start(move |request| {
        let count = parameter(request, "n").map_or(0, |n| n.parse::<u64>().unwrap());
        let on = format!("/list?n={}", count + 1);
        redirect(302, if to.is_empty() { &on } else { to })
    })
    .await;
    let error = failed(&impatient(server.base_url(), "")).await;
    assert_eq!(error.kind, kind, "{error}");
    assert_eq!(error.detail, format!("status 302: {expected}"));
    assert_eq!(server.requests().len(), requests);
}

#[rstest]
#[case::see_other(303, Method::GET, "")]
#[case::temporary(307, Method::POST, "{\"a\":1}")]
#[tokio::test]
async fn a_post_that_only_reads_is_redirected_as_its_status_says(
    #[case] status: u16,
    #[case] method: Method,
    #[case] body: &str,
) {
    let server = Server::start(move |request| match request.uri().path() {
        "/list" => redirect(status, "/moved"),
        _ => answer(&json!({ "items": [] })),
    })
    .await;
    let keys = "request = { method = 'POST', idempotent = true, path = '/list', json = { a = 1 } }";
    walked(&impatient(server.base_url(), keys)).await;
    let requests = server.requests();
    assert_eq!(requests[1].method(), method);
    assert_eq!(requests[1].body(), body);
    assert_eq!(
        requests[1].headers().contains_key("content-type"),
        !body.is_empty()
    );
}

#[tokio::test]
async fn what_may_be_sent_only_once_is_not_sent_elsewhere_either() {
    let server = Server::start(|_| redirect(307, "/moved")).await;
    let keys = "request = { method = 'POST', path = '/list', json = { a = 1 } }";
    let error = failed(&impatient(server.base_url(), keys)).await;
    assert_eq!(
        error.to_string(),
        "http_status: status 307: it redirects a request that must be sent only once"
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_adapter_that_has_its_own_word_for_a_redirect_keeps_it() {
    let server = Server::start(|_| redirect(302, "/login")).await;
    let keys = "answers = [{ status = 302, means = 'unauthorized' }]";
    let error = failed(&impatient(server.base_url(), keys)).await;
    assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_login_that_has_moved_is_followed_too() {
    let server = Arc::new(
        Server::start(|request| match request.uri().path() {
            "/login" => redirect(307, "/v2/login"),
            "/v2/login" => answer(&json!({ "token": "t0ken" })),
            _ => answer(&json!({ "items": [] })),
        })
        .await,
    );
    let keys = "[upstreams.staff.auth]\ntype = 'token_exchange'\ntoken = '/token'\n\
                request = { method = 'POST', path = '/login' }";
    let keys = format!("request = {{ path = '/list' }}\n{keys}");
    walked(&impatient(server.base_url(), &keys)).await;
    let list = &server.requests()[2];
    assert_eq!(header(list, "authorization"), Some("Bearer t0ken"));
}
