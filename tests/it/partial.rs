//! Partial answers: what is served while upstreams are down, slow, lying or broken, and what is
//! said of it.

use std::time::Duration;

use groupgate::tools::demo::InjectedFault;
use http::{Method, Response, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::client::{each, groups_of, source};
use crate::support::deployment::{Deployment, SOURCES, Setup};
use crate::support::server::Server;

const GROUPS: usize = 6;

/// How long the shipped configuration lets a caller wait.
const DEADLINE: Duration = Duration::from_secs(10);

/// Every group on one page, those marked deleted too.
const ALL: &str = "/groups?limit=1000&deleted=include";

/// What each test of a failing upstream needs: no second tries, and a walk whenever one is asked
/// for.
fn setup() -> Setup {
    Setup::new(GROUPS)
        .set("CACHE__MIN_REFRESH", "1ms")
        .set_each("LIMITS__RETRIES", "0")
}

/// Lists that serve for a moment only, so that every request shows how the upstreams are now.
fn short_lived() -> Setup {
    setup()
        .set("CACHE__TTL", "50ms")
        .set("CACHE__STALE_WHILE_REVALIDATE", "0s")
        .set("CACHE__STALE_IF_ERROR", "0s")
}

/// Asserts that a page has every group of all sources but one, and says what became of that one.
fn assert_only_missing(page: &Value, missing: &str, error: &str) {
    assert_eq!(page["complete"], false, "{page:#}");
    assert_eq!(page["total"], 4 * GROUPS);
    for name in SOURCES {
        let groups = groups_of(page)
            .iter()
            .filter(|group| group["source"] == name);
        let report = source(page, name);
        if name == missing {
            assert_eq!(groups.count(), 0);
            assert_eq!(report["state"], "failed");
            assert_eq!(report["error"]["type"], error, "{report}");
        } else {
            assert_eq!(groups.count(), GROUPS, "{name}");
            assert_eq!(report["state"], "fresh", "{report}");
            assert!(report["error"].is_null(), "{report}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn stopping_any_one_upstream_leaves_the_others_and_starting_it_heals(
    #[values("collections", "onlivesite", "publisher", "tallyfy", "vinyldns")] name: &str,
) {
    let gateway = short_lived().ready().await;
    gateway.until(ALL, |page| page["complete"] == true).await;

    gateway.emulation(name).stop().await;
    let page = gateway.until(ALL, |page| page["complete"] == false).await;
    assert_only_missing(&page, name, "connect");
    let one = gateway.get(&format!("/groups?source={name}")).await;
    one.problem(502, "sources-failed");

    gateway.emulation(name).restart().await.unwrap();
    let page = gateway.until(ALL, |page| page["complete"] == true).await;
    assert_eq!(page["total"], 5 * GROUPS);
    assert!(source(&page, name)["error"].is_null());
}

#[tokio::test]
async fn an_upstream_that_stops_is_served_stale_for_as_long_as_allowed() {
    let setup = setup().set("CACHE__TTL", "50ms");
    let gateway = setup.ready().await;
    let before = gateway.page(ALL).await;
    gateway.emulation("tallyfy").stop().await;
    let page = gateway
        .until(ALL, |page| !source(page, "tallyfy")["error"].is_null())
        .await;
    assert_eq!(groups_of(&page), groups_of(&before));
    assert_eq!(page["complete"], true);
    let report = source(&page, "tallyfy");
    assert_eq!(report["state"], "stale");
    assert_eq!(report["error"]["type"], "connect");
    assert_eq!(report["as_of"], source(&before, "tallyfy")["as_of"]);
}

#[tokio::test]
async fn whatever_goes_wrong_with_one_upstream_the_others_groups_are_all_there_until_it_heals() {
    // At the same time, for most of it is waiting.
    tokio::join!(
        suffer("collections", "rejected"),
        suffer("onlivesite", "rejected"),
        suffer("publisher", "mapping"),
        suffer("tallyfy", "mapping"),
        suffer("vinyldns", "decode"),
    );
}

/// Lets one upstream go wrong in every way that there is, and heal after each. An error in a body
/// is of the kind that its vendor's page makes of it.
async fn suffer(name: &str, error_in_body: &str) {
    let limit = format!("UPSTREAMS__{}__LIMITS__TIMEOUT", name.to_uppercase());
    let gateway = short_lived().set(&limit, "1s").ready().await;
    let faults = [
        (InjectedFault::Refuse, "connect"),
        (InjectedFault::Slow(Duration::from_secs(2)), "timeout"),
        (InjectedFault::Hang, "timeout"),
        (InjectedFault::Status(429), "rate_limited"),
        (InjectedFault::Status(500), "http_status"),
        (InjectedFault::Status(503), "http_status"),
        (InjectedFault::Garbage, "decode"),
        (InjectedFault::ErrorInBody, error_in_body),
        (InjectedFault::Unauthorized, "unauthorized"),
        (InjectedFault::Truncate, "connect"),
    ];
    for (fault, error) in faults {
        let begun = Instant::now();
        gateway.emulation(name).set_fault(Some(fault));
        let failing = |page: &Value| source(page, name)["error"]["type"] == error;
        let page = gateway.until(ALL, failing).await;
        assert!(begun.elapsed() < DEADLINE, "{fault}");
        assert_only_missing(&page, name, error);
        gateway.emulation(name).set_fault(None);
        gateway.until(ALL, |page| page["complete"] == true).await;
    }
    let livez = gateway.admin(Method::GET, "/livez", &[]).await;
    assert_eq!(livez.status, StatusCode::OK);
}

#[tokio::test]
async fn what_a_client_is_told_of_a_failure_quotes_nothing_of_the_upstream() {
    let gateway = setup()
        .fault("publisher", InjectedFault::Garbage)
        .ready()
        .await;
    let url = gateway.emulation("publisher").base_url();
    for path in ["/groups", "/groups?source=publisher", "/sources"] {
        let reply = gateway.get(path).await;
        assert!(
            reply.text().contains(r#""type":"decode""#),
            "{}",
            reply.text()
        );
        for secret in [url.as_str(), "demo-publisher-token", "<html"] {
            assert!(!reply.text().contains(secret), "{path}: {}", reply.text());
        }
    }
}

#[tokio::test]
async fn strict_handling_makes_an_incomplete_answer_a_problem() {
    let gateway = setup()
        .fault("vinyldns", InjectedFault::Status(404))
        .ready()
        .await;
    let strict = [("prefer", "handling=strict")];
    let refused = gateway.get_with("/groups", &strict).await;
    let problem = refused.problem(502, "sources-failed");
    let blamed = problem["sources"].as_array().unwrap();
    assert_eq!(blamed.len(), 1);
    assert_eq!(blamed[0]["name"], "vinyldns");
    assert_eq!(blamed[0]["error"]["type"], "http_status");

    let whole = gateway
        .get_with("/groups?source=tallyfy,publisher", &strict)
        .await;
    assert_eq!(whole.status, StatusCode::OK);
    assert_eq!(whole.header("preference-applied"), "handling=strict");
    assert_eq!(gateway.get("/groups").await.status, StatusCode::OK);
}

#[tokio::test]
async fn no_answer_that_asks_for_a_required_source_is_given_without_it() {
    let gateway = setup()
        .set("UPSTREAMS__TALLYFY__REQUIRED", "true")
        .fault("tallyfy", InjectedFault::Refuse)
        .ready()
        .await;
    let problem = gateway.get("/groups").await.problem(502, "sources-failed");
    let detail = "the required source `tallyfy` is unavailable";
    assert_eq!(problem["detail"], detail);
    let others = gateway.page("/groups?source=publisher,vinyldns").await;
    assert_eq!(others["complete"], true);
}

#[tokio::test]
async fn fewer_sources_than_min_sources_are_no_answer() {
    let gateway = setup()
        .set("GATEWAY__MIN_SOURCES", "4")
        .fault("tallyfy", InjectedFault::Refuse)
        .fault("publisher", InjectedFault::Refuse)
        .ready()
        .await;
    let problem = gateway.get("/groups").await.problem(502, "sources-failed");
    let detail = "3 of 5 sources are available, but 4 are required";
    assert_eq!(problem["detail"], detail);
    // Of two that are asked, no more than two can be needed.
    let two = gateway.page("/groups?source=collections,vinyldns").await;
    assert_eq!(two["complete"], true);
    gateway
        .get("/groups?source=collections,tallyfy")
        .await
        .problem(502, "sources-failed");
}

#[tokio::test]
async fn when_all_upstreams_time_out_the_gateway_timed_out() {
    let gateway = setup()
        .set_each("LIMITS__TIMEOUT", "200ms")
        .fault("*", InjectedFault::Hang)
        .ready()
        .await;
    let problem = gateway
        .get("/groups")
        .await
        .problem(504, "sources-timed-out");
    assert_eq!(problem["sources"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn when_all_upstreams_ask_for_patience_the_gateway_does_too() {
    let gateway = setup().fault("*", InjectedFault::Status(429)).ready().await;
    let reply = gateway.get("/groups").await;
    let problem = reply.problem(503, "sources-not-ready");
    assert_eq!(reply.header("retry-after"), "1");
    for report in problem["sources"].as_array().unwrap() {
        assert_eq!(report["error"]["retry_after_seconds"], 1, "{report}");
    }
}

#[tokio::test]
async fn while_all_first_walks_run_the_gateway_asks_for_patience() {
    let gateway = setup()
        .set("SERVER__DEADLINE", "200ms")
        .fault("*", InjectedFault::Hang)
        .start()
        .await;
    let reply = gateway.get("/groups").await;
    let problem = reply.problem(503, "sources-not-ready");
    assert_eq!(problem["sources"][0]["state"], "pending");
    assert_eq!(reply.header("retry-after"), "1");
}

#[tokio::test]
async fn when_upstreams_fail_in_different_ways_the_gateway_is_a_bad_one() {
    let gateway = setup()
        .fault("*", InjectedFault::Status(429))
        .fault("vinyldns", InjectedFault::Refuse)
        .ready()
        .await;
    gateway.get("/groups").await.problem(502, "sources-failed");
}

#[tokio::test]
async fn a_slow_upstream_is_pending_at_the_deadline_and_its_walk_goes_on() {
    let gateway = setup()
        .set("SERVER__DEADLINE", "1500ms")
        .fault("onlivesite", InjectedFault::Slow(Duration::from_secs(3)))
        .start()
        .await;
    let others = "/groups?source=collections,publisher,tallyfy,vinyldns";
    gateway.until(others, |page| page["complete"] == true).await;
    let page = gateway.page(ALL).await;
    assert_eq!(page["total"], 4 * GROUPS);
    assert_eq!(page["complete"], false);
    assert_eq!(source(&page, "onlivesite")["state"], "pending");
    gateway.until(ALL, |page| page["complete"] == true).await;
    assert_eq!(gateway.emulation("onlivesite").stats().walks, 1);
}

#[tokio::test]
async fn a_failing_upstream_is_left_alone_between_tries() {
    let gateway = setup()
        .set("CACHE__MIN_REFRESH", "1h")
        .fault("tallyfy", InjectedFault::Status(500))
        .ready()
        .await;
    for _ in 0..5 {
        let page = gateway.page("/groups").await;
        assert_eq!(page["complete"], false);
    }
    assert_eq!(gateway.emulation("tallyfy").stats().walks, 1);
}

#[tokio::test]
async fn a_group_without_id_or_name_is_skipped_and_counted_and_the_rest_is_kept() {
    let page = json!([
        { "id": 1, "name": "first" },
        { "name": "nobody's" },
        { "id": "", "name": "empty id" },
        { "id": 2, "name": null },
        { "id": 3, "name": { "en": "no text" } },
        { "id": 4, "name": "last", "made": "long ago" },
    ]);
    let server = Server::start(move |_| Response::new(page.to_string())).await;
    let gateway = Setup::new(GROUPS)
        .declare(&format!(
            r#"
            [upstreams.sixth]
            base_url = "{}"
            request = {{ path = "/" }}
            records = "/"
            fields = {{ id = "id", name = "name", created_at = "made" }}
            "#,
            server.base_url()
        ))
        .ready()
        .await;
    let page = gateway.page("/groups?source=sixth").await;
    assert_eq!(each(groups_of(&page), "name"), ["first", "last"]);
    assert_eq!(page["complete"], true);
    let last = &groups_of(&page)[1];
    assert!(last["created_at"].is_null());
    assert_eq!(last["attributes"], json!({ "made": "long ago" }));

    for reply in [
        gateway.get("/sources").await,
        gateway.admin(Method::GET, "/status", &[]).await,
    ] {
        let sources = reply.json();
        let report = source(&sources, "sixth");
        assert_eq!(report["groups"], 2);
        assert_eq!(report["skipped"], 4);
        assert_eq!(report["unparsed_timestamps"], 1);
    }
}

#[tokio::test]
async fn a_single_group_is_found_as_long_as_its_own_source_is_there() {
    let gateway = setup()
        .fault("tallyfy", InjectedFault::Refuse)
        .ready()
        .await;
    let page = gateway.page("/groups?source=vinyldns&limit=1").await;
    let id = groups_of(&page)[0]["id"].as_str().unwrap();
    assert_eq!(found(&gateway, id).await["id"], id);
    let reply = gateway.get("/groups/tallyfy:1").await;
    let problem = reply.problem(502, "sources-failed");
    assert_eq!(problem["sources"][0]["name"], "tallyfy");
}

async fn found(gateway: &Deployment, id: &str) -> Value {
    gateway.page(&format!("/groups/{id}")).await
}
