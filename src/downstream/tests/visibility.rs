//! Two callers, one of whom may not see every source: for it, what it may not see does not exist.

use std::convert::Infallible;
use std::future;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use http::request::Builder;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::Service as _;

use crate::app::App;
use crate::caller::{Caller, VisibleSources};
use crate::catalog::Catalog;
use crate::clock::WallClock;
use crate::config::testing::load;
use crate::downstream::generation::{Generation, Live};
use crate::downstream::testing::{exchange_as, get, text};
use crate::downstream::{layers, route};
use crate::observe::Observers;
use crate::reload::Reloads;

/// Nobody listens there.
pub(super) const NOWHERE: &str = "http://127.0.0.1:1";

/// Where every path is a list of two groups, but `/busy`, which has too much to do, and `/mute` and `/late`, which never
/// answer.
pub(super) async fn upstream() -> String {
    let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    let list = service_fn(async |request: http::Request<Incoming>| {
        let name = &request.uri().path()[1..];
        let group = |id: u8| {
            let mut group = json!({ "id": id, "name": format!("{name} {id}"), "level": "high" });
            if name == "gamma" {
                group["department"] = "sales".into();
            }
            group
        };
        let list = json!([group(1), group(2)]);
        if matches!(name, "mute" | "late") {
            future::pending::<()>().await;
        }
        let body = Full::new(Bytes::from(list.to_string()));
        let mut response = http::Response::new(body);
        if name == "busy" {
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        }
        Ok::<_, Infallible>(response)
    });
    tokio::spawn(async move {
        loop {
            let (stream, _) = socket.accept().await.unwrap();
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), list);
            tokio::spawn(connection);
        }
    });
    format!("http://{address}")
}

/// The state of a data listener over a gateway.
pub(super) type Listening = Arc<Generation>;

/// A gateway over these upstreams: name, address, and whether no answer may be given without it.
fn gateway(upstreams: &[(&str, &str, bool)]) -> Listening {
    gateway_with("", upstreams)
}

/// The same with more settings.
pub(super) fn gateway_with(more: &str, upstreams: &[(&str, &str, bool)]) -> Listening {
    gateway_of(more, upstreams, "")
}

/// The same with more to say of upstreams. For that which is late nobody waits long.
pub(super) fn gateway_of(
    more: &str,
    upstreams: &[(&str, &str, bool)],
    more_of_upstreams: &str,
) -> Listening {
    let block = |(name, base_url, required): &(&str, &str, bool)| {
        let timeout = if *name == "late" { "100ms" } else { "10s" };
        let filterable = match *name {
            "alpha" => "['level']",
            "gamma" => "['level', 'department']",
            _ => "[]",
        };
        format!(
            "[upstreams.{name}]
            base_url = '{base_url}'
            request = {{ path = '/{name}' }}
            required = {required}
            records = '/'
            limits = {{ retries = 0, timeout = '{timeout}' }}
            fields = {{ id = 'id', name = 'name' }}
            filterable = {filterable}
            "
        )
    };
    let blocks: String = upstreams.iter().map(block).collect();
    let settings = "rate_limit = { per_client = '100000/s', burst = 100000 }\nserver.server_timing = true\ngateway.min_sources = 3\ncache.ttl = '1h'\ncursor.keys = [{ env = 'KEY' }]";
    let loaded = load(
        &format!("{settings}\n{more}\n{blocks}\n{more_of_upstreams}"),
        &[("KEY", &"7".repeat(32))],
    );
    let wall = WallClock::fixed(Timestamp::UNIX_EPOCH);
    let compiled = App::compile(&loaded, &wall).unwrap();
    let plan = compiled.plan;
    let catalog = Catalog::new(compiled.adapters, &plan.cache, &wall, Observers::default());
    Live::new(plan, catalog, Arc::default(), Reloads::none()).load()
}

pub(super) fn seeing(visible: VisibleSources) -> Caller {
    Caller {
        visible,
        ..Caller::default()
    }
}

pub(super) fn limited() -> Caller {
    seeing(VisibleSources::only(["alpha", "beta"]))
}

/// What `gateway` answers to `caller`: status, headers and body, without what says how long it took.
async fn answer(gateway: &Listening, caller: Caller, path: &str) -> (StatusCode, String, String) {
    answer_to(gateway, caller, get(path)).await
}

/// The same of a request.
pub(super) async fn answer_to(
    gateway: &Listening,
    caller: Caller,
    request: Builder,
) -> (StatusCode, String, String) {
    let request = request.header("x-request-id", "the-id");
    let exchange = exchange_as(caller, Arc::clone(gateway), request);
    let Ok(mut response) = layers::data(route::route).call(&exchange).await;
    // How long it took is another matter than what it says.
    if let Some(stages) = response.headers().get("server-timing") {
        let stages = stages.to_str().unwrap().split(',');
        let stages: Vec<_> = stages
            .map(|stage| stage.split(";dur").next().unwrap().trim())
            .collect();
        let stages = stages.join(",").parse().unwrap();
        response.headers_mut().insert("server-timing", stages);
    }
    response.headers_mut().remove("ratelimit");
    let headers = format!("{:?}", response.headers());
    (response.status(), headers, text(response).await)
}

/// A gateway with two sources that `limited` may not see, one of them down and both required; and one
/// that does not have them. Both have just been asked for everything.
pub(super) async fn with_and_without() -> [Listening; 2] {
    let up = upstream().await;
    let seen = [("alpha", &*up, false), ("beta", &*up, true)];
    let hidden = [("gamma", &*up, true), ("delta", NOWHERE, true)];
    let with = gateway(&[seen, hidden].concat());
    let without = gateway(&seen);
    tokio::join!(
        answer(&with, Caller::default(), "/groups"),
        answer(&without, Caller::default(), "/groups"),
    );
    // Whether one of them was asked a moment earlier must not show.
    tokio::time::pause();
    [with, without]
}

#[rstest]
#[case("/groups", 200)]
#[case("/groups?limit=3", 200)]
#[case("/groups?sort=-source,name", 200)]
#[case("/groups?search=gamma", 200)]
#[case("/groups?source=gamma", 400)]
#[case("/groups?source=alpha,delta", 400)]
#[case("/groups?source=gama", 400)]
#[case("/groups?id=gamma:1", 200)]
#[case("/groups?id=gamma:1&id=alpha:1", 200)]
#[case("/groups?id=delta:1", 200)]
#[case("/groups/alpha:1", 200)]
#[case("/groups/gamma:1", 404)]
#[case("/groups/delta:1", 404)]
#[case("/sources", 200)]
#[tokio::test]
async fn a_source_that_is_not_visible_is_answered_byte_for_byte_like_one_that_does_not_exist(
    #[case] path: &str,
    #[case] status: u16,
) {
    let [with, without] = with_and_without().await;
    let hidden = answer(&with, limited(), path).await;
    assert_eq!(hidden.0, status, "{}", hidden.2);
    assert_eq!(hidden, answer(&without, limited(), path).await);
    let everything = format!("{hidden:?}");
    let asked = path.contains("gam") || path.contains("delta");
    assert!(asked || !everything.contains("gamma") && !everything.contains("delta"));
}

#[tokio::test]
async fn totals_needs_and_completeness_count_what_the_caller_may_see() {
    let [with, _] = with_and_without().await;
    let (status, headers, body) = answer(&with, limited(), "/groups").await;
    assert_eq!(status, StatusCode::OK);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["total"], 4);
    assert_eq!(body["complete"], true);
    assert!(headers.contains("private, max-age="), "{headers}");
    // The other caller sees the required source that is down.
    let (status, _, body) = answer(&with, Caller::default(), "/groups").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(
        body.contains("the required source `delta` is unavailable"),
        "{body}"
    );
}

#[tokio::test]
async fn a_caller_who_sees_nothing_gets_an_empty_list() {
    let [with, _] = with_and_without().await;
    let nothing = || seeing(VisibleSources::only::<&str>([]));
    let (status, headers, body) = answer(&with, nothing(), "/groups").await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(!headers.contains("cache-status"), "{headers}");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["total"], &body["sources"]), (&json!(0), &json!([])));
    let (_, _, body) = answer(&with, nothing(), "/sources").await;
    assert_eq!(body, r#"{"sources":[]}"#);
}

#[tokio::test]
async fn a_cursor_of_another_caller_says_to_start_over() {
    let [with, without] = with_and_without().await;
    let (_, _, body) = answer(&with, limited(), "/groups?source=alpha&limit=1").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    let next = format!("/groups?cursor={}", body["next_cursor"].as_str().unwrap());
    // It works for the same caller on every replica.
    for gateway in [&with, &without] {
        let (status, _, body) = answer(gateway, limited(), &next).await;
        assert_eq!(status, StatusCode::OK, "{body}");
    }
    let others = [Caller::default(), seeing(VisibleSources::only(["alpha"]))];
    for other in others {
        let (status, _, body) = answer(&with, other, &next).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(body.contains("urn:groupgate:problem:start-over"), "{body}");
    }
}
