//! An upstream that fails is left alone, and found again when it is well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use groupgate::error::ErrorKind;
use groupgate::observe::Observers;
use groupgate::upstream::transport::CircuitState;
use groupgate::upstream::walk::walk;
use serde_json::json;

use crate::staff::impatient;
use crate::support::adapters::failed;
use crate::support::server::{Server, json as answer, parameter, status};
use crate::support::wait::eventually;

#[tokio::test]
async fn an_upstream_that_fails_is_left_alone_until_a_probe_finds_it_well() {
    let is_well = Arc::new(AtomicBool::new(false));
    let well = Arc::clone(&is_well);
    let server = Server::start(move |_| {
        if well.load(Ordering::Relaxed) {
            answer(&json!({ "items": [] }))
        } else {
            status(503)
        }
    })
    .await;
    let keys = "breaker = { failures = 2, open_for = '400ms' }";
    let adapter = impatient(server.base_url(), keys);
    let state = || adapter.circuit().unwrap().state;
    assert_eq!(state(), CircuitState::Closed);
    for _ in 0..2 {
        assert_eq!(failed(&adapter).await.kind, ErrorKind::HttpStatus);
    }
    assert_eq!(state(), CircuitState::Open);
    let refused = failed(&adapter).await;
    assert_eq!(refused.kind, ErrorKind::CircuitOpen, "{refused}");
    assert!(refused.retry_after.unwrap() <= Duration::from_millis(400));
    assert_eq!(server.requests().len(), 2);

    is_well.store(true, Ordering::Relaxed);
    eventually("a probe finds it well", async || {
        walk(&adapter, &Observers::default()).await.ok()
    })
    .await;
    assert_eq!(state(), CircuitState::Closed);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_walk_tells_what_opened_the_breaker_and_not_that_it_is_open() {
    let server = Server::start(|request| match parameter(request, "cursor") {
        None => answer(&json!({ "items": [{ "id": 1 }], "next": "b" })),
        Some(_) => status(500),
    })
    .await;
    let keys = "request = { path = '/list', query = { cursor = '{cursor}' } }\n\
                pagination = { style = 'cursor', next = '/next' }\n\
                breaker = { failures = 1 }\nlimits.retries = 1";
    let adapter = impatient(server.base_url(), keys);
    // Its retry and its second attempt run into the breaker.
    let error = failed(&adapter).await;
    assert_eq!(error.kind, ErrorKind::HttpStatus, "{error}");
    assert!(error.retry_after.is_some());
    assert_eq!(server.requests().len(), 2);
    let refused = failed(&adapter).await;
    assert_eq!(refused.kind, ErrorKind::CircuitOpen, "{refused}");
}
