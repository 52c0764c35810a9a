//! What the quota counts: every request, whatever it is for.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use tokio::time::Instant;

use crate::staff::impatient;
use crate::support::adapters::{failed, walked};
use crate::support::server::{Server, json as answer, parameter, status};

#[tokio::test]
async fn logins_take_their_turns_like_pages() {
    let server = Server::start(|request| match request.uri().path() {
        "/login" => answer(&json!({ "token": "t0ken" })),
        _ => match parameter(request, "page").as_deref() {
            Some("1") => answer(&json!({ "items": [{ "id": 1 }] })),
            _ => answer(&json!({ "items": [] })),
        },
    })
    .await;
    let keys = "request = { path = '/list', query = { page = '{page}' } }\n\
                pagination = { style = 'page', first = 1 }\n\
                limits.rate = '10/s'\n\
                [upstreams.staff.auth]\ntype = 'token_exchange'\ntoken = '/token'\n\
                request = { method = 'POST', path = '/login' }";
    let start = Instant::now();
    walked(&impatient(server.base_url(), keys)).await;
    assert_eq!(server.requests().len(), 3);
    // Two gaps of 100 ms between three requests.
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[rstest]
#[case::heeded("", 1, Duration::from_secs(1))]
#[case::not_heeded("limits.pacing = false", 3600, Duration::ZERO)]
#[tokio::test]
async fn a_walk_slows_down_when_an_answer_says_that_nothing_is_left(
    #[case] keys: &str,
    #[case] reset: u64,
    #[case] least: Duration,
) {
    let server = Server::start(move |request| {
        let page = parameter(request, "page");
        let items = if page.as_deref() == Some("1") {
            json!([{ "id": 1 }])
        } else {
            json!([])
        };
        let mut page = answer(&json!({ "items": items }));
        page.headers_mut().insert("x-ratelimit-remaining", 0.into());
        page.headers_mut().insert("x-ratelimit-reset", reset.into());
        page
    })
    .await;
    let keys = format!(
        "request = {{ path = '/list', query = {{ page = '{{page}}' }} }}\n\
         pagination = {{ style = 'page', first = 1 }}\n{keys}"
    );
    let start = Instant::now();
    walked(&impatient(server.base_url(), &keys)).await;
    // One that heeded an hour would have failed.
    assert!(start.elapsed() >= least);
}

#[tokio::test]
async fn a_page_that_is_refused_for_good_is_not_asked_for_again() {
    let server = Server::start(|_| status(404)).await;
    failed(&impatient(server.base_url(), "limits.retries = 3")).await;
    assert_eq!(server.requests().len(), 1);
}
