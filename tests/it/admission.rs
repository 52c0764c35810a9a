//! How often one caller may ask, as the caller sees it.

use http::{Method, StatusCode};

use crate::support::deployment::{Deployment, Setup};
use crate::support::wait::eventually;

async fn gateway(rate: &str, burst: &str) -> Deployment {
    Setup::new(1)
        .set("RATE_LIMIT__PER_CLIENT", rate)
        .set("RATE_LIMIT__BURST", burst)
        .ready()
        .await
}

#[tokio::test]
async fn a_caller_that_asks_too_often_is_told_when_to_come_back() {
    let gateway = gateway("1/h", "3").await;
    for left in ["2", "1", "0"] {
        let reply = gateway.get("/groups").await;
        assert_eq!(reply.status, StatusCode::OK);
        let limit = reply.header("ratelimit");
        assert!(
            limit.starts_with(&format!("\"client\";r={left};t=")),
            "{limit}"
        );
        let policy = reply.header("ratelimit-policy");
        assert_eq!(policy, "\"client\";q=3;w=10800");
    }
    let refused = gateway.get("/groups").await;
    refused.problem(429, "too-many-requests");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((3500..=3600).contains(&wait), "{wait}");
    assert_eq!(refused.header("ratelimit"), "\"client\";r=0;t=10800");
}

#[tokio::test]
async fn whatever_is_asked_counts_and_every_answer_says_what_is_left() {
    let gateway = gateway("1/h", "4").await;
    for (path, status, left) in [
        ("/groups?serach=x", StatusCode::BAD_REQUEST, "r=3"),
        ("/groups/tallyfy:nobody", StatusCode::NOT_FOUND, "r=2"),
        ("/nowhere", StatusCode::NOT_FOUND, "r=1"),
        ("/sources", StatusCode::OK, "r=0"),
        ("/sources", StatusCode::TOO_MANY_REQUESTS, "r=0"),
    ] {
        let reply = gateway.get(path).await;
        assert_eq!(reply.status, status, "{path}");
        assert!(reply.header("ratelimit").contains(left), "{path}");
    }
}

#[tokio::test]
async fn an_allowance_comes_back_at_its_rate() {
    let gateway = gateway("4/s", "1").await;
    assert_eq!(gateway.get("/sources").await.status, StatusCode::OK);
    let refused = gateway.get("/sources").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "1");
    eventually("the caller may ask again", async || {
        let reply = gateway.get("/sources").await;
        (reply.status == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_may_ask_no_more_does_not_hide_the_gateways_health() {
    let gateway = gateway("1/h", "1").await;
    gateway.get("/groups").await;
    gateway
        .get("/groups")
        .await
        .problem(429, "too-many-requests");
    for path in ["/livez", "/readyz", "/status"] {
        let reply = gateway.admin(Method::GET, path, &[]).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
    }
}
