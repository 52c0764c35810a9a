//! What answers lead to: another try, a pause for everybody, a new login, the end of the list.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use groupgate::error::ErrorKind;
use http::Response;
use rstest::rstest;
use serde_json::json;
use tokio::time::Instant;

use crate::staff::adapter;
use crate::support::adapters::{failed, ids, walked};
use crate::support::server::{Server, json, parameter, status};

/// An upstream that answers so many times in this way before it gives its list.
async fn grudging(times: u64, answer: fn() -> Response<String>) -> Server {
    let asked = AtomicU64::new(0);
    Server::start(move |_| {
        if asked.fetch_add(1, Ordering::Relaxed) < times {
            return answer();
        }
        json(&json!({ "items": [{ "id": 1 }] }))
    })
    .await
}

fn busy() -> Response<String> {
    json(&json!({ "ok": false, "error": "busy", "wait": 0.2 }))
}

fn throttled() -> Response<String> {
    let mut response = json(&json!({ "code": "Throttling", "message": "Rate exceeded" }));
    *response.status_mut() = http::StatusCode::BAD_REQUEST;
    response
}

fn html() -> Response<String> {
    Response::builder()
        .status(400)
        .header("content-type", "text/html; charset=utf-8")
        .body("<html>try later</html>".to_owned())
        .unwrap()
}

#[rstest]
#[case::in_a_body("{ path = '/error', equals = 'busy', means = 'retry' }", busy)]
#[case::rate_limited_in_a_body(
    "{ path = '/error', equals = 'busy', means = 'rate_limited', retry_after = '/wait' }",
    busy
)]
#[case::throttled_under_400(
    "{ status = 400, path = '/code', equals = ['Throttling', 'SlowDown'], means = 'rate_limited' }",
    throttled
)]
#[case::by_content_type("{ content_type = 'text/html', means = 'retry' }", html)]
#[tokio::test]
async fn what_passes_is_tried_again(#[case] rule: &str, #[case] answer: fn() -> Response<String>) {
    let server = grudging(2, answer).await;
    let keys = format!("answers = [{rule}]");
    let adapter = adapter(server.base_url(), &keys);
    assert_eq!(ids(&walked(&adapter).await), ["1"]);
    assert_eq!(server.requests().len(), 3);
}

#[rstest]
#[case::no_more_than_allowed("limits = { retries = 1 }", 2)]
#[case::not_at_all("limits = { retries = 0 }", 1)]
#[tokio::test]
async fn tries_that_a_body_asks_for_are_counted_like_any_other(
    #[case] limits: &str,
    #[case] tries: usize,
) {
    let server = grudging(9, busy).await;
    let keys = format!(
        "{limits}\nmessage = '/error'\n\
         answers = [{{ path = '/error', means = 'retry' }}]"
    );
    let error = failed(&adapter(server.base_url(), &keys)).await;
    assert_eq!(error.to_string(), "rejected: status 200: busy");
    assert_eq!(server.requests().len(), tries);
}

#[tokio::test]
async fn a_post_that_may_change_something_is_not_tried_again_for_a_body() {
    let server = grudging(1, busy).await;
    let keys = "request = { method = 'POST', path = '/list' }\n\
                answers = [{ path = '/error', means = 'retry' }]";
    let error = failed(&adapter(server.base_url(), keys)).await;
    assert_eq!(error.kind, ErrorKind::Rejected);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_wait_beyond_the_walks_deadline_is_an_error_at_once() {
    let server = grudging(9, || json(&json!({ "error": "busy", "wait": 3600 }))).await;
    let keys = "answers = [{ path = '/error', means = 'rate_limited', retry_after = '/wait' }]";
    let adapter = adapter(server.base_url(), keys);
    let start = Instant::now();
    let error = failed(&adapter).await;
    assert_eq!(error.kind, ErrorKind::RateLimited);
    // An hour is asked for, and no upstream is believed for longer than this.
    assert_eq!(error.retry_after, Some(Duration::from_mins(10)));
    assert_eq!(server.requests().len(), 1);
    // And whoever comes next is not let through before.
    let error = failed(&adapter).await;
    assert_eq!(error.kind, ErrorKind::RateLimited);
    assert_eq!(server.requests().len(), 1);
    assert!(start.elapsed() < Duration::from_mins(1));
}

#[tokio::test]
async fn a_pause_asked_for_in_a_body_holds_the_other_pages_too() {
    let asked = AtomicU64::new(0);
    let server = Server::start(move |request| {
        let page: u64 = parameter(request, "page").unwrap().parse().unwrap();
        if page == 2 && asked.fetch_add(1, Ordering::Relaxed) == 0 {
            return json(&json!({ "error": "busy", "wait": 0.3 }));
        }
        json(&json!({ "items": [{ "id": page }], "pages": 3 }))
    })
    .await;
    let keys = "request = { path = '/list', query = { page = '{page}' } }\n\
                pagination = { style = 'page', pages = '/pages' }\n\
                limits = { concurrency = 1 }\n\
                answers = [{ path = '/error', means = 'rate_limited', retry_after = '/wait' }]";
    let adapter = adapter(server.base_url(), keys);
    let start = Instant::now();
    assert_eq!(ids(&walked(&adapter).await), ["1", "2", "3"]);
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_failure_for_good_is_not_tried_again_whatever_its_status() {
    let server = grudging(9, || status(503)).await;
    let keys = "answers = [{ status = 503, means = 'failed' }]";
    let error = failed(&adapter(server.base_url(), keys)).await;
    assert_eq!(error.kind, ErrorKind::HttpStatus);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_404_where_the_list_begins_is_an_empty_list_only_if_declared() {
    let server = Server::start(|_| status(404)).await;
    let error = failed(&adapter(server.base_url(), "")).await;
    assert_eq!(error.kind, ErrorKind::HttpStatus);
    let keys = "answers = [{ status = 404, means = 'end' }]";
    let adapter = adapter(server.base_url(), keys);
    assert_eq!(ids(&walked(&adapter).await), Vec::<&str>::new());
}

#[tokio::test]
async fn an_end_before_the_announced_total_is_an_error() {
    let server = Server::start(|request| match parameter(request, "page").as_deref() {
        Some("1") => json(&json!({ "items": [{ "id": 1 }], "total": 3 })),
        _ => status(404),
    })
    .await;
    let keys = "request = { path = '/list', query = { page = '{page}' } }\n\
                pagination = { style = 'page', total = '/total' }\n\
                answers = [{ status = 404, means = 'end' }]";
    let error = failed(&adapter(server.base_url(), keys)).await;
    assert_eq!(error.kind, ErrorKind::Pagination);
}
