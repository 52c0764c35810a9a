//! How fast an upstream is asked: its concurrency, its rate, and the pauses that it asks for.

use std::time::Duration;

use groupgate::error::ErrorKind;
use groupgate::tools::demo::{Change, InjectedFault, Options};
use http::Response;
use rstest::rstest;
use serde_json::json;
use tokio::time::Instant;

use crate::support::adapters::{adapter, adapter_of, failed, walked};
use crate::support::emulations::{emulated, emulated_by, emulation};
use crate::support::server::{Server, json as answer};

#[rstest]
#[tokio::test]
async fn announced_pages_are_fetched_at_once_as_far_as_concurrency_allows(
    #[values("publisher", "onlivesite", "tallyfy")] name: &str,
    #[values(1, 2, 3, 8)] concurrency: u64,
) {
    let emulations = emulated_by(Options {
        groups: 140,
        latency: Duration::from_millis(4),
        ..Options::default()
    })
    .await;
    let settings = [
        ("pagination.limit", "7"),
        ("limits.concurrency", &*concurrency.to_string()),
    ];
    assert_eq!(
        walked(&adapter(&emulations, name, &settings))
            .await
            .groups
            .len(),
        140
    );
    let most = emulation(&emulations, name).stats().max_in_flight;
    assert!(most <= concurrency, "{most}");
    assert!(most > 1 || concurrency == 1, "{most}");
}

#[tokio::test]
async fn walks_of_one_upstream_share_its_concurrency() {
    let emulations = emulated_by(Options {
        groups: 70,
        latency: Duration::from_millis(4),
        ..Options::default()
    })
    .await;
    let settings = [("pagination.limit", "7"), ("limits.concurrency", "3")];
    let adapter = adapter(&emulations, "onlivesite", &settings);
    tokio::join!(walked(&adapter), walked(&adapter), walked(&adapter));
    assert_eq!(
        emulation(&emulations, "onlivesite").stats().max_in_flight,
        3
    );
}

#[tokio::test]
async fn pages_keep_to_the_rate() {
    let emulations = emulated(70).await;
    let settings = [("pagination.limit", "7"), ("limits.rate", "50/s")];
    let start = Instant::now();
    walked(&adapter(&emulations, "onlivesite", &settings)).await;
    let taken = start.elapsed();
    assert_eq!(emulation(&emulations, "onlivesite").stats().requests, 10);
    // Nine gaps of 20 ms between ten requests.
    assert!(taken >= Duration::from_millis(180), "{taken:?}");
    assert!(taken < Duration::from_secs(3), "{taken:?}");
}

#[rstest]
#[case::too_many_requests(429)]
#[case::service_unavailable(503)]
#[tokio::test]
async fn a_pause_that_the_upstream_asks_for_is_kept(#[case] status: u16) {
    let emulations = emulated(70).await;
    let onlivesite = emulation(&emulations, "onlivesite");
    onlivesite.before_page(3, Change::Fault(Some(InjectedFault::Status(status))));
    onlivesite.before_page(4, Change::Fault(None));
    let settings = [("pagination.limit", "7"), ("limits.concurrency", "1")];
    let start = Instant::now();
    let walked = walked(&adapter(&emulations, "onlivesite", &settings)).await;
    let taken = start.elapsed();
    assert_eq!(walked.groups.len(), 70);
    assert_eq!(onlivesite.stats().pages, 11);
    assert!(taken >= Duration::from_secs(1), "{taken:?}");
    assert!(taken < Duration::from_secs(4), "{taken:?}");
}

#[rstest]
#[case::too_many_requests(429, ErrorKind::RateLimited)]
#[case::service_unavailable(503, ErrorKind::HttpStatus)]
#[tokio::test]
async fn a_pause_longer_than_the_walk_is_not_waited_for(
    #[case] status: u16,
    #[case] kind: ErrorKind,
) {
    let emulations = emulated(70).await;
    let onlivesite = emulation(&emulations, "onlivesite");
    onlivesite.set_fault(Some(InjectedFault::Status(status)));
    let settings = [("limits.walk", "900ms"), ("limits.timeout", "500ms")];
    let error = failed(&adapter(&emulations, "onlivesite", &settings)).await;
    // Had it been waited for, the end of the walk would have come first.
    assert_eq!(error.kind, kind, "{error}");
    assert_eq!(error.retry_after, Some(Duration::from_secs(1)));
    assert_eq!(onlivesite.stats().requests, 1);
}

#[tokio::test]
async fn a_quota_that_is_used_up_says_when_to_come_back() {
    let emulations = emulated_by(Options {
        groups: 50,
        tallyfy_quota: Some(3),
        ..Options::default()
    })
    .await;
    let settings = [("pagination.limit", "10"), ("limits.walk", "20s")];
    let error = failed(&adapter(&emulations, "tallyfy", &settings)).await;
    assert_eq!(error.kind, ErrorKind::RateLimited, "{error}");
    let wait = error.retry_after.unwrap();
    assert!((50..=60).contains(&wait.as_secs()), "{wait:?}");
}

const CLUB: &str = r#"
    [upstreams.club]
    base_url = ""
    request = { path = "/teams" }
    records = "/teams"
    success = { path = "/code", equals = 200 }
    fields = { id = "id", name = "id" }
"#;

#[tokio::test]
async fn a_pause_beyond_all_time_is_cut_and_told_as_what_it_was() {
    let server = Server::start(|_| {
        Response::builder()
            .status(429)
            .header("retry-after", u64::MAX)
            .body(String::new())
            .unwrap()
    })
    .await;
    let adapter = adapter_of(CLUB, server.base_url(), &[]);
    for told in [
        "rate_limited: status 429",
        "rate_limited: the upstream's rate limit allows no request",
    ] {
        let error = failed(&adapter).await;
        assert!(error.to_string().starts_with(told), "{error}");
        let wait = error.retry_after.unwrap().as_secs();
        assert!((590..=600).contains(&wait), "{wait}");
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_pause_that_is_asked_for_in_a_body_holds_every_request() {
    let server = Server::start(|_| {
        let mut refusal = answer(&json!({ "code": 429 }));
        refusal.headers_mut().insert("retry-after", 600.into());
        refusal
    })
    .await;
    let adapter = adapter_of(CLUB, server.base_url(), &[]);
    for _ in 0..2 {
        let error = failed(&adapter).await;
        assert_eq!(error.kind, ErrorKind::RateLimited, "{error}");
    }
    assert_eq!(server.requests().len(), 1);
}
