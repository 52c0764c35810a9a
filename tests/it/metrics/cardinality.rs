//! What callers send makes no series.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use groupgate::downstream;
use http::{Request, StatusCode};
use serde_json::json;
use tower::ServiceExt as _;

use super::{Told, block, settings};
use crate::support::gateway::Gateway;
use crate::support::server::{Server, json as answer};

/// Asks at once from an address, without a socket.
async fn ask(gateway: &Gateway, number: u32, method: &str, path: &str) -> StatusCode {
    let address = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number));
    let service = downstream::service(gateway.app().live(), SocketAddr::new(address, 1));
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", format!("host-{number}.example"))
        .header("x-request-id", format!("id-{number}"))
        .header(
            "traceparent",
            format!("00-{:032x}-{:016x}-01", number + 1, number + 1),
        );
    let Ok(reply) = service.oneshot(request.body(()).unwrap()).await;
    reply.status()
}

/// The block of an upstream that is asked for what callers search for.
fn by_query(name: &str, server: &Server) -> String {
    let more = "list = 'by_query'\nrequest = { path = '/teams', query = { q = '{search}' } }\n\
                pushdown.search = { matches = 'contains', in = ['name'], case = 'folded' }";
    block(name, server, more)
}

#[tokio::test]
async fn ten_thousand_addresses_parameters_callers_and_traces_make_no_new_series() {
    let server = Server::start(|_| answer(&json!({ "teams": [{ "id": 1, "name": "one" }] }))).await;
    let plain = block("plain", &server, "request = { path = '/teams' }");
    let by_query = by_query("queried", &server);
    let gateway = Gateway::start(&settings(&[plain, by_query])).await;
    gateway.ready().await;
    let attack = async |from: u32, to: u32| {
        for number in from..to {
            let expected = match number % 5 {
                0 if number % 50 == 0 => (
                    "GET".to_owned(),
                    format!("/groups?source=queried&search=x{number}"),
                    200,
                ),
                0 => (
                    "GET".to_owned(),
                    format!("/groups?source=plain&search=x{number}"),
                    200,
                ),
                1 => ("GET".to_owned(), format!("/groups/plain:x{number}"), 404),
                2 => ("GET".to_owned(), format!("/{number}/x"), 404),
                3 => (format!("BREW{number}"), "/groups".to_owned(), 405),
                _ => ("GET".to_owned(), format!("/groups?x{number}=1"), 400),
            };
            let (method, path, status) = expected;
            assert_eq!(
                ask(&gateway, number, &method, &path).await,
                status,
                "{path}"
            );
        }
    };
    attack(0, 60).await;
    let before = Told::by(&gateway).await;
    // The page of metrics has been asked for by now, too.
    let before = {
        let again = Told::by(&gateway).await;
        assert!(again.series().is_superset(&before.series()));
        again
    };
    attack(60, 10_060).await;
    let after = Told::by(&gateway).await;
    assert_eq!(after.series(), before.series());
    let refused = after.value(
        "http_server_request_duration_seconds_count",
        &[
            ("http_request_method", "_OTHER"),
            ("http_response_status_code", "405"),
            ("http_route", "/groups"),
            ("problem", "method-not-allowed"),
        ],
    );
    assert_eq!(refused, 2012);
}

#[tokio::test]
async fn queries_are_counted_by_whether_they_waited_and_not_by_what_they_ask() {
    let server = Server::start(|_| answer(&json!({ "teams": [{ "id": 1, "name": "one" }] }))).await;
    let gateway = Gateway::start(&settings(&[by_query("queried", &server)])).await;
    // Two queries of their own, the whole list, and a query that this answers.
    for path in ["search=a", "search=b", "", "search=c"] {
        gateway.page(&format!("/groups?{path}")).await;
    }
    let told = Told::by(&gateway).await;
    let lookups = |outcome| {
        let labels = [
            ("collapsed", "false"),
            ("outcome", outcome),
            ("source", "queried"),
        ];
        told.value("groupgate_source_lookups_total", &labels)
    };
    assert_eq!((lookups("miss"), lookups("hit")), (3, 1));
    let cache = [("cache", "queries")];
    assert!(told.value("groupgate_cache_capacity_bytes", &cache) > 0);
    assert_eq!(
        told.value("groupgate_snapshot_groups", &[("source", "queried")]),
        1
    );
}
