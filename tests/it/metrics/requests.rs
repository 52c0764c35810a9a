//! What callers ask, and what becomes of it.

use http::{Method, StatusCode};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{Told, block, settings};
use crate::support::gateway::Gateway;
use crate::support::server::{Server, Step, json as answer};
use crate::support::wait::eventually;

#[tokio::test]
async fn answers_are_counted_by_where_they_come_from() {
    let server = Server::start(|_| answer(&json!({ "teams": [{ "id": 1, "name": "one" }] }))).await;
    let request = "request = { path = '/teams' }";
    let gateway = Gateway::start(&settings(&[block("club", &server, request)])).await;
    gateway.ready().await;
    // Made, kept, and sent from there: in JSON twice, without a body once.
    for method in [Method::GET, Method::GET, Method::HEAD] {
        gateway.ask(method, "/groups", &[]).await;
    }
    let tag = gateway.get("/groups").await.header("etag").to_owned();
    let known = gateway
        .get_with("/groups", &[("if-none-match", &tag)])
        .await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    gateway.get_with("/groups", &[("accept", "text/csv")]).await;
    gateway
        .get_with("/groups?limit=1", &[("cache-control", "no-cache")])
        .await;
    gateway.get("/groups/club:1").await;
    gateway
        .get("/groups?serach=x")
        .await
        .problem(400, "invalid-parameter");
    gateway
        .get("/somewhere/else")
        .await
        .problem(404, "not-found");
    let told = Told::by(&gateway).await;
    let requests =
        |labels: &[(&str, &str)]| told.value("http_server_request_duration_seconds_count", labels);
    let kind = |cache, format| [("cache", cache), ("format", format)];
    let what = |method, status, route| {
        [
            ("http_request_method", method),
            ("http_response_status_code", status),
            ("http_route", route),
        ]
    };
    let all = |first: &[(&'static str, &'static str)], rest: [(&'static str, &'static str); 3]| {
        requests(&[first, &rest].concat())
    };
    assert_eq!(all(&kind("hit", "json"), what("GET", "200", "/groups")), 1);
    assert_eq!(
        all(&kind("ready", "json"), what("GET", "200", "/groups")),
        2
    );
    assert_eq!(
        all(&kind("ready", "json"), what("HEAD", "200", "/groups")),
        1
    );
    assert_eq!(
        all(&kind("ready", "json"), what("GET", "304", "/groups")),
        1
    );
    assert_eq!(all(&kind("hit", "csv"), what("GET", "200", "/groups")), 1);
    assert_eq!(all(&kind("miss", "json"), what("GET", "200", "/groups")), 1);
    assert_eq!(
        all(&kind("hit", "json"), what("GET", "200", "/groups/{id}")),
        1
    );
    for (status, route, problem) in [
        ("400", "/groups", "invalid-parameter"),
        ("404", "_OTHER", "not-found"),
    ] {
        let labels = [&what("GET", status, route)[..], &[("problem", problem)]];
        assert_eq!(requests(&labels.concat()), 1);
    }
    let lookups = |outcome| {
        told.value(
            "groupgate_cache_lookups_total",
            &[("cache", "answers"), ("outcome", outcome)],
        )
    };
    assert_eq!((lookups("hit"), lookups("miss")), (4, 4));
    assert_eq!(
        told.value("groupgate_cache_entries", &[("cache", "answers")]),
        1
    );
    assert!(told.value("groupgate_cache_size_bytes", &[("cache", "answers")]) > 100);
    assert!(told.value("groupgate_view_duration_seconds_count", &[]) >= 3);
}

#[tokio::test]
async fn who_asks_too_often_is_counted() {
    let server = Server::start(|_| answer(&json!({ "teams": [] }))).await;
    let limit = "[rate_limit]\nper_client = '1/h'\nburst = 1\n".to_owned();
    let club = block("club", &server, "request = { path = '/teams' }");
    let gateway = Gateway::start(&settings(&[limit, club])).await;
    for _ in 0..3 {
        gateway.get("/sources").await;
    }
    let told = Told::by(&gateway).await;
    let reason = [("reason", "too-many-requests")];
    assert_eq!(told.value("groupgate_requests_refused_total", &reason), 2);
}

#[tokio::test]
async fn a_caller_that_hangs_up_is_counted() {
    let silent = Server::play(|_| vec![Step::Hang]).await;
    let club = block("silent", &silent, "request = { path = '/teams' }");
    let gateway = Gateway::start(&settings(&[club])).await;
    let count = async |family: &'static str, labels: &[(&str, &str)], expected: u64| {
        eventually(family, async || {
            let told = Told::by(&gateway).await;
            (told.value(family, labels) == expected).then_some(())
        })
        .await;
    };
    let url = gateway.url("/groups");
    let address = url
        .strip_prefix("http://")
        .unwrap()
        .strip_suffix("/groups")
        .unwrap();
    let mut caller = TcpStream::connect(address).await.unwrap();
    let request = b"GET /groups HTTP/1.1\r\nhost: here\r\n\r\n";
    caller.write_all(request).await.unwrap();
    count("groupgate_connections", &[("state", "in_use")], 1).await;
    drop(caller);
    let labels = [
        ("http_request_method", "GET"),
        ("http_response_status_code", "499"),
        ("http_route", "/groups"),
        ("problem", "abandoned"),
    ];
    count("http_server_request_duration_seconds_count", &labels, 1).await;
}
