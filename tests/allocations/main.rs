//! What a ready answer allocates between the request's head and the response, hyper's own work left
//! out: counted on the thread that answers, with everything on.
//!
//! The bounds are what is measured. Whoever has to raise one makes every request slower.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/server.rs"]
#[allow(dead_code, reason = "it has more than is needed here")]
mod server;
#[path = "../support/wait.rs"]
mod wait;

mod pages;

use std::convert::Infallible;
use std::sync::Arc;

use allocation_counter::{AllocationInfo, measure};
use bytes::Bytes;
use futures_util::FutureExt as _;
use groupgate::app::App;
use groupgate::catalog::Catalog;
use groupgate::clock::WallClock;
use groupgate::config::{Environment, load_text};
use groupgate::downstream::{self, Body, Content, Live};
use groupgate::metrics::Metrics;
use groupgate::reload::Reloads;
use groupgate::snapshot::Snapshot;
use groupgate::telemetry::{self, LogFormat};
use http::{Request, Response, StatusCode};
use serde_json::json;
use tower::Service;

use server::Server;
use wait::eventually;

const PATH: &str = "/groups?limit=50";

/// How often each is asked: some of the caches' own housekeeping comes up, too.
const TIMES: u64 = 1000;

/// Headers of a request, and what its answer takes at most.
struct Case {
    name: &'static str,
    method: &'static str,
    headers: &'static [(&'static str, &'static str)],
    status: StatusCode,
    allocations: u64,
    bytes: u64,
}

/// Five are the request and its response, two of the header map, and the value of `X-Request-ID`; that of `RateLimit` is
/// most often the one before.
/// `HEAD` makes room for `Content-Length` and writes it.
const CASES: [Case; 4] = [
    Case {
        name: "plain",
        method: "GET",
        headers: &[],
        status: StatusCode::OK,
        allocations: 5,
        bytes: 2_450,
    },
    Case {
        name: "gzip",
        method: "GET",
        headers: &[("accept-encoding", "gzip")],
        status: StatusCode::OK,
        allocations: 5,
        bytes: 2_550,
    },
    Case {
        name: "HEAD",
        method: "HEAD",
        headers: &[],
        status: StatusCode::OK,
        allocations: 8,
        bytes: 4_550,
    },
    Case {
        name: "304",
        method: "GET",
        headers: &[("if-none-match", "*")],
        status: StatusCode::NOT_MODIFIED,
        allocations: 5,
        bytes: 2_450,
    },
];

#[tokio::test]
async fn a_ready_answer_allocates_next_to_nothing_and_copies_no_body() {
    // As it is served: with a line in the log for each.
    let _log = telemetry::init_to(std::io::sink(), LogFormat::Json, "info", &|_| None).unwrap();
    let upstream = Server::start(|_| Response::new(list())).await;
    let mut service = service(&upstream).await;
    for case in CASES {
        let name = case.name;
        // The first one is made, and kept.
        let first = case.body(service.call(case.request()).await);
        let (responses, taken) = hits(&mut service, &case);
        println!("{name}: {taken:?} in {TIMES}");
        // The caches' own housekeeping may take one for every tenth.
        let allocations = case.allocations * TIMES + TIMES / 10;
        assert!(taken.count_total <= allocations, "{name}: {taken:?}");
        assert!(taken.bytes_total <= case.bytes * TIMES, "{name}: {taken:?}");

        for response in responses {
            let body = case.body(response);
            assert_eq!(body, first, "{name}");
            // An empty one is nowhere.
            let is_the_same = body.is_empty() || body.as_ptr() == first.as_ptr();
            assert!(is_the_same, "{name}: the body was copied");
        }
    }
}

#[test]
fn a_snapshot_takes_as_much_memory_as_it_says() {
    let snapshot = || {
        let groups = (0..1000).map(|number| serde_json::from_value(group(number)).unwrap());
        Snapshot::new("a".into(), groups.collect())
    };
    // Tables that are made once are no part of it.
    drop(snapshot());
    let mut kept = None;
    let taken = measure(|| kept = Some(snapshot())).bytes_current;
    let kept = kept.unwrap();
    let said = i64::try_from(kept.bytes()).unwrap();
    assert!((said - taken).abs() <= said / 100, "{said} of {taken}");
}

fn group(number: u32) -> serde_json::Value {
    let name = format!("Équipe {number}");
    json!({
        "id": format!("a:{number}"), "source": "a", "source_id": number.to_string(), "name": name,
        "description": format!("What {name} is for, in a sentence or so."), "email": null,
        "status": "active", "organization_id": "o", "external_id": null, "parent_id": null,
        "path": null, "url": null, "logo_url": null,
        "members": [{ "id": number.to_string(), "email": format!("{number}@example.com") }],
        "admins": [], "guests": [], "member_count": 1, "created_at": "2024-03-10T09:00:00Z",
        "updated_at": null, "deleted_at": null, "attributes": { "number": number },
    })
}

/// Asks for what is ready, again and again, and counts only what that takes.
fn hits(
    service: &mut impl Edge,
    case: &Case,
) -> (
    Vec<Result<http::Response<Body>, Infallible>>,
    AllocationInfo,
) {
    let requests: Vec<_> = (0..TIMES).map(|_| case.request()).collect();
    let mut responses = Vec::with_capacity(requests.len());
    let taken = measure(|| {
        for request in requests {
            let response = service.call(request).now_or_never();
            responses.push(response.expect("it is ready"));
        }
    });
    (responses, taken)
}

impl Case {
    fn request(&self) -> Request<()> {
        let request = Request::builder().method(self.method).uri(PATH);
        let request = request.header("host", "here");
        let headers = self.headers.iter();
        let request = headers.fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        let request = request.body(()).unwrap();
        // As they come from a connection: shared from the start, so that a clone allocates nothing.
        let _ = request.clone();
        request
    }

    /// The body of a good response.
    fn body(&self, response: Result<http::Response<Body>, Infallible>) -> Bytes {
        let Ok(response) = response;
        assert_eq!(response.status(), self.status, "{}", self.name);
        match response.into_body().content {
            Content::Full(bytes) => bytes,
            Content::Empty => Bytes::new(),
            Content::Streamed(_) => panic!("{}: a stream is not ready", self.name),
        }
    }
}

/// The edge of a gateway over one upstream, once that has been walked.
async fn service(upstream: &Server) -> impl Edge {
    let toml = format!(
        "rate_limit = {{ per_client = '1000000/s', burst = 1000000 }}
        [upstreams.alpha]
        base_url = '{}'
        request = {{ path = '/' }}
        records = '/'
        fields = {{ id = 'id', name = 'name' }}",
        upstream.base_url()
    );
    let loaded = load_text("gateway.toml", &toml, Environment::default()).unwrap();
    let wall = WallClock::system();
    let compiled = App::compile(&loaded, &wall).unwrap();
    let plan = compiled.plan;
    let metrics = Arc::<Metrics>::default();
    let observers = Arc::clone(&metrics).into();
    let catalog = Catalog::new(compiled.adapters, &plan.cache, &wall, observers);
    let live = Live::new(plan, catalog, metrics, Reloads::none());
    live.load().catalog().start(None);
    let mut service = downstream::service(&live, ([127, 0, 0, 1], 1).into());
    eventually("the upstream is walked", async || {
        let Ok(response) = service.call(CASES[0].request()).await;
        (response.status() == StatusCode::OK).then_some(())
    })
    .await;
    service
}

fn list() -> Vec<u8> {
    let group = |id: u32| json!({ "id": id, "name": format!("group {id}") });
    let groups: Vec<_> = (0..100).map(group).collect();
    serde_json::to_vec(&groups).unwrap()
}

trait Edge: Service<Request<()>, Response = http::Response<Body>, Error = Infallible> {}

impl<T: Service<Request<()>, Response = http::Response<Body>, Error = Infallible>> Edge for T {}
