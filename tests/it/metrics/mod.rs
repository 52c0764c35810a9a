//! `/metrics`, the last walks in `/status`, and the page that shows them: what a gateway over scripted upstreams
//! tells of what happened.

mod cardinality;
mod requests;
mod resilience;

use std::collections::{BTreeMap, BTreeSet};

use groupgate::config::Loaded;
use groupgate::metrics::{METRICS, MetricEntry, reference};
use http::{Method, StatusCode};
use serde_json::json;

use crate::support::adapters::load;
use crate::support::client::source;
use crate::support::gateway::{ANY_PORT, Gateway};
use crate::support::server::{Server, json as answer, parameter, status};

/// What `/metrics` tells.
#[derive(Debug)]
struct Told(BTreeMap<String, f64>);

impl Told {
    async fn by(gateway: &Gateway) -> Self {
        let reply = gateway.admin(Method::GET, "/metrics", &[]).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.header("content-type"), "text/plain; version=0.0.4");
        let samples = reply.text().lines().filter(|line| !line.starts_with('#'));
        let samples = samples.map(|line| {
            let (series, value) = line.rsplit_once(' ').expect("a sample has a value");
            (
                series.to_owned(),
                value.parse().expect("a value is a number"),
            )
        });
        Self(samples.collect())
    }

    /// The value of a series, by the end of its name and its labels in order. What is not told is 0.
    fn value(&self, family: &str, labels: &[(&str, &str)]) -> u64 {
        let labels = labels
            .iter()
            .map(|(name, value)| format!("{name}={value:?}"));
        let labels = labels.collect::<Vec<_>>().join(",");
        let series = if labels.is_empty() {
            family.to_owned()
        } else {
            format!("{family}{{{labels}}}")
        };
        let value = self.0.get(&series).copied();
        value.unwrap_or_default() as u64
    }

    fn series(&self) -> BTreeSet<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

/// A block that asks `server` in the simplest way, with more keys.
fn block(name: &str, server: &Server, more: &str) -> String {
    format!(
        "[upstreams.{name}]\nbase_url = '{}'\nrecords = '/teams'\n\
         fields = {{ id = 'id', name = 'name' }}\n{more}\n",
        server.base_url()
    )
}

fn settings(blocks: &[String]) -> Loaded {
    let cache = "[cache]\nmin_refresh = '1ms'\nttl = '1h'\n";
    let blocks = blocks.concat();
    load(
        &format!("{ANY_PORT}{cache}{blocks}"),
        [("SECRET", "secret")],
    )
}

/// Three pages of two records each, of which one has no id. The second page fails once, each needs a token,
/// and no more than four requests go out in a second.
async fn paged() -> (Server, String) {
    let server = Server::start(move |request| {
        if request.uri().path() == "/token" {
            return answer(
                &json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 3600 }),
            );
        }
        let page: usize = parameter(request, "page").map_or(1, |page| page.parse().unwrap());
        let record = |number: usize| json!({ "id": number, "name": format!("team {number}") });
        let second = if page == 3 {
            json!({ "name": "no id" })
        } else {
            record(page * 2)
        };
        answer(&json!({
            "teams": [record(page * 2 - 1), second],
            "next": (page < 3).then(|| (page + 1).to_string()),
        }))
    })
    .await;
    let auth = format!(
        "auth = {{ type = 'oauth2_client_credentials', token_url = '{}/token', client_id = 'me', \
         client_secret = {{ env = 'SECRET' }} }}",
        server.base_url()
    );
    let more = format!(
        "request = {{ path = '/teams', query = {{ page = '{{cursor}}' }} }}\n\
         pagination = {{ style = 'cursor', next = '/next' }}\nlimits.rate = '4/s'\n{auth}"
    );
    let block = block("paged", &server, &more);
    (server, block)
}

#[tokio::test]
async fn what_happens_with_upstreams_is_counted_and_shown_page_by_page() {
    let (server, block_of_pages) = paged().await;
    let failing = Server::start(|_| status(503)).await;
    let more = "request = { path = '/teams' }\nlimits.retries = 1\n\
                breaker = { failures = 2, open_for = '1h' }";
    let gateway = Gateway::start(&settings(&[
        block_of_pages,
        block("failing", &failing, more),
    ]))
    .await;
    gateway.ready().await;
    assert_eq!(
        gateway.page("/groups?source=paged").await["groups"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    let told = Told::by(&gateway).await;
    let of = |family: &str, labels: &[(&str, &str)]| told.value(family, labels);
    let paged = ("source", "paged");
    let address = ("server_address", "127.0.0.1");
    let port = server.address().port().to_string();
    let port = ("server_port", &*port);
    let [listed, logged_in] = [
        ("http_request_method", "GET"),
        ("http_request_method", "POST"),
    ];
    let ok = ("http_response_status_code", "200");
    assert_eq!(
        of(
            "http_client_request_duration_seconds_count",
            &[listed, ok, address, port, paged]
        ),
        3
    );
    assert_eq!(
        of(
            "http_client_request_duration_seconds_count",
            &[logged_in, ok, address, port, paged]
        ),
        1
    );
    assert_eq!(of("groupgate_upstream_logins_total", &[paged]), 1);
    assert_eq!(of("groupgate_walk_pages_total", &[paged]), 3);
    assert_eq!(of("groupgate_walk_records_total", &[paged]), 6);
    assert_eq!(of("groupgate_walk_groups_total", &[paged]), 5);
    assert_eq!(of("groupgate_walk_skipped_total", &[paged]), 1);
    assert_eq!(
        of(
            "groupgate_walk_ended_total",
            &[("ended_by", "no_next"), paged]
        ),
        1
    );
    let replaced = ("outcome", "replaced");
    assert_eq!(
        of("groupgate_walk_duration_seconds_count", &[replaced, paged]),
        1
    );
    // Of four requests that go out 250 ms apart, three have to wait.
    assert_eq!(
        of("groupgate_upstream_rate_limit_wait_seconds_count", &[paged]),
        3
    );
    assert_eq!(of("groupgate_snapshot_groups", &[paged]), 5);
    assert!(of("groupgate_snapshot_size_bytes", &[paged]) > 100);
    assert!(of("groupgate_cache_size_bytes", &[("cache", "snapshots")]) > 100);
    assert!(of("groupgate_memory_used_bytes", &[("use", "lists")]) > 100);
    assert_eq!(
        of("groupgate_source_state", &[paged, ("state", "fresh")]),
        1
    );
    assert_eq!(
        of("groupgate_upstream_circuit", &[paged, ("state", "closed")]),
        1
    );
    let hit = [("collapsed", "false"), ("outcome", "hit"), paged];
    assert_eq!(of("groupgate_source_lookups_total", &hit), 1);

    let port = failing.address().port().to_string();
    let port = ("server_port", &*port);
    let (failing, unavailable) = (("source", "failing"), ("error_type", "503"));
    let code = ("http_response_status_code", "503");
    let failed = [unavailable, listed, code, address, port, failing];
    assert_eq!(of("http_client_request_duration_seconds_count", &failed), 2);
    let reason = ("error_type", "http_status");
    assert_eq!(
        of("groupgate_upstream_retries_total", &[reason, failing]),
        1
    );
    let failed = [reason, ("outcome", "failed"), failing];
    assert_eq!(of("groupgate_walk_duration_seconds_count", &failed), 1);
    assert_eq!(
        of("groupgate_source_state", &[failing, ("state", "failed")]),
        1
    );
    assert_eq!(
        of("groupgate_upstream_circuit", &[failing, ("state", "open")]),
        1
    );

    let status = gateway.admin(Method::GET, "/status", &[]).await.json();
    let walk = &source(&status, "paged")["walks"][0];
    let expected = json!({ "outcome": "replaced", "groups": 5, "ended_by": "no_next", "error": null,
        "pages": 3, "records": 6, "retries": 0, "restarts": 0, "between": 0, "is_filtered": false });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&walk[field], value, "{field}: {walk}");
    }
    let notes = walk["first"].as_array().unwrap();
    let numbers = |field: &str| {
        notes
            .iter()
            .map(|note| note[field].as_f64())
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers("number"), [Some(1.0), Some(2.0), Some(3.0)]);
    assert_eq!(numbers("records"), [Some(2.0); 3]);
    let bytes: f64 = numbers("bytes").into_iter().flatten().sum();
    assert_eq!(walk["bytes"].as_f64(), Some(bytes));
    let times = numbers("at_seconds");
    assert!(
        times.is_sorted() && times[2] <= walk["seconds"].as_f64(),
        "{walk}"
    );
    let walk = &source(&status, "failing")["walks"][0];
    assert_eq!(
        (&walk["outcome"], &walk["retries"]),
        (&json!("failed"), &json!(1))
    );
    assert_eq!(walk["error"]["type"], "http_status");
    assert_eq!(walk["error"]["status"], 503);
    assert_eq!(walk["first"][0]["error"], "http_status");
    assert_eq!(walk["first"][0]["retries"], 1);
}

#[tokio::test]
async fn an_upstream_that_is_removed_shows_no_state_any_more() {
    let server = Server::start(|_| answer(&json!({ "teams": [{ "id": 1, "name": "one" }] }))).await;
    let club = |name| block(name, &server, "request = { path = '/teams' }");
    let gateway = Gateway::start(&settings(&[club("alpha"), club("beta")])).await;
    gateway.ready().await;
    let groups = async |name| {
        let told = Told::by(&gateway).await;
        told.value("groupgate_snapshot_groups", &[("source", name)])
    };
    assert_eq!((groups("alpha").await, groups("beta").await), (1, 1));
    gateway.swap(&settings(&[club("alpha")])).await;
    assert_eq!((groups("alpha").await, groups("beta").await), (1, 0));
    let told = Told::by(&gateway).await;
    let states = told
        .series()
        .into_iter()
        .filter(|series| series.starts_with("groupgate_source_state"));
    assert_eq!(states.count(), 4);
}

#[tokio::test]
async fn the_admin_listener_has_a_page_that_needs_nothing_else_and_keeps_what_its_token_guards() {
    let server = Server::start(|_| answer(&json!({ "teams": [] }))).await;
    let club = block("club", &server, "request = { path = '/teams' }");
    let gateway = Gateway::start(&settings(std::slice::from_ref(&club))).await;
    let page = gateway.admin(Method::GET, "/", &[]).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    for outside in ["http://", "https://", "src=", "<link", "@import"] {
        assert!(!page.text().contains(outside), "{outside}");
    }
    let guarded = load(
        &format!("{ANY_PORT}admin_token = {{ env = 'SECRET' }}\n{club}"),
        [("SECRET", "0123456789abcdef0123456789abcdef")],
    );
    let gateway = Gateway::start(&guarded).await;
    let token = [("authorization", "Bearer 0123456789abcdef0123456789abcdef")];
    for (headers, expected) in [
        (&[][..], StatusCode::UNAUTHORIZED),
        (&token, StatusCode::OK),
    ] {
        let reply = gateway.admin(Method::GET, "/metrics", headers).await;
        assert_eq!(reply.status, expected);
    }
}

#[test]
fn the_manual_lists_every_metric_and_no_other() {
    let manual = include_str!("../../../docs/operating.md");
    let table = reference();
    assert!(
        manual.contains(&table),
        "docs/operating.md should hold:\n{table}"
    );
    let names: BTreeSet<_> = METRICS.iter().map(MetricEntry::exposed_name).collect();
    let listed = manual.lines().filter(|line| line.starts_with("| `"));
    let listed = listed.filter_map(|line| line.split('`').nth(1));
    let listed = listed.filter(|name| name.starts_with("groupgate_") || name.starts_with("http_"));
    let listed: Vec<_> = listed.collect();
    assert_eq!(
        listed.len(),
        METRICS.len() - 1,
        "each once, besides the start of the process"
    );
    assert!(
        listed.iter().all(|name| names.contains(*name)),
        "{listed:?}"
    );
}
