//! Requests whose callers are not known yet, for the keys of their tokens are being fetched.

use std::sync::Arc;

use futures_util::FutureExt as _;
use http::request::Builder;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::time::{Duration, Instant, advance};
use tower::Service as _;

use super::{ask, both, generation, header, json, plan};
use crate::authentication::hash_of_key;
use crate::downstream::generation::Generation;
use crate::downstream::layers;
use crate::downstream::route;
use crate::downstream::testing::{Fixed, exchange, get};
use crate::hex::hex;

/// A token whose key nobody has.
const TOKEN: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6InVua25vd24ifQ.e30.c2lnbmVk";

/// A gateway with one place for strangers, whose issuer of tokens keeps silent.
async fn waiting_for_keys() -> (Arc<Generation<Fixed>>, TcpListener) {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", silent.local_addr().unwrap());
    let key = hex(&hash_of_key(b"the-key").0);
    let plan = plan(&format!(
        "server.deadline = '1s'
        server.connections.requests = 1
        grants.all.sources = ['*']
        [callers]
        keys.a = {{ sha256 = '{key}', grants = ['all'] }}
        jwt = {{ issuer = 'i', audience = 'groupgate', jwks = {{ url = '{url}' }} }}"
    ));
    (generation(plan, Fixed::new(both())).into(), silent)
}

fn with_token() -> Builder {
    get("/groups").header("authorization", format!("Bearer {TOKEN}"))
}

fn problem(body: &Value) -> &str {
    body["type"].as_str().unwrap().rsplit(':').next().unwrap()
}

#[tokio::test(start_paused = true)]
async fn strangers_who_wait_take_no_place_of_those_who_are_known_and_have_few_of_their_own() {
    let (state, _silent) = waiting_for_keys().await;
    let begin = || layers::data(route::route).call(&exchange(Arc::clone(&state), with_token()));
    let mut waiting = begin();
    assert!((&mut waiting).now_or_never().is_none());
    let known = ask(&state, get("/groups").header("x-api-key", "the-key")).await;
    assert!(known.status().is_success(), "{known:?}");
    let Some(Ok(other)) = begin().now_or_never() else {
        panic!("it waits");
    };
    assert_eq!(header(&other, "retry-after"), "1");
    assert_eq!(problem(&json(other).await), "authentication-unavailable");
    drop(waiting);
    // Its place is free again.
    assert!(begin().now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_keys_waits_until_the_deadline_and_no_longer() {
    let (state, _silent) = waiting_for_keys().await;
    let asked = exchange(Arc::clone(&state), with_token());
    let Ok(answer) = layers::data(route::route).call(&asked).await;
    let waited = asked.begun.elapsed();
    assert_eq!(asked.answerable_at(), Instant::now());
    assert_eq!(problem(&json(answer).await), "authentication-unavailable");
    assert!(waited <= Duration::from_secs(1), "{waited:?}");
    assert!(waited >= Duration::from_millis(500), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_caller_was_waited_for_counts_from_when_it_is_known() {
    let key = hex(&hash_of_key(b"the-key").0);
    let plan = plan(&format!(
        "grants.all = {{ sources = ['*'], rate = '1/s' }}
        callers.keys.a = {{ sha256 = '{key}', grants = ['all'] }}"
    ));
    let state: Arc<_> = generation(plan, Fixed::new(both())).into();
    let asked = || {
        exchange(
            Arc::clone(&state),
            get("/groups").header("x-api-key", "the-key"),
        )
    };
    let waited = asked();
    advance(Duration::from_secs(8)).await;
    waited.note_wait();
    for (exchange, expected) in [(asked(), None), (asked(), None), (waited, Some("1"))] {
        let Ok(answer) = layers::data(route::route).call(&exchange).await;
        let wait = answer.headers().get("retry-after");
        assert_eq!(wait.map(|wait| wait.to_str().unwrap()), expected);
    }
}
