//! One walk however many ask, and answers that say how long they hold.

use std::time::Duration;

use flate2::read::GzDecoder;
use futures_util::future::join_all;
use groupgate::tools::demo::InjectedFault;
use http::{Method, StatusCode};
use rstest::rstest;

use crate::support::client::{Reply, groups_of, source};
use crate::support::deployment::{SOURCES, Setup};
use crate::support::wait::eventually;

const NO_CACHE: [(&str, &str); 1] = [("cache-control", "no-cache")];

#[tokio::test]
async fn a_hundred_concurrent_cold_callers_cause_one_walk_of_each_upstream() {
    // Slow enough that the last caller comes before the first walk ends.
    let slow = InjectedFault::Slow(Duration::from_millis(500));
    let gateway = Setup::new(30).fault("*", slow).start().await;
    let replies = join_all((0..100).map(|_| gateway.get("/groups?limit=1000"))).await;
    let first = replies[0].json();
    assert_eq!(first["complete"], true);
    for reply in &replies {
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.json(), first);
    }
    for emulation in gateway.emulations() {
        let stats = emulation.stats();
        let logins = u64::from(emulation.name() == "collections");
        assert_eq!(stats.walks, 1, "{}", emulation.name());
        assert_eq!(stats.logins, logins, "{}", emulation.name());
    }
}

#[tokio::test]
async fn every_query_is_answered_from_the_snapshots_that_are_there() {
    let gateway = Setup::new(30).ready().await;
    for path in [
        "/groups?search=sales",
        "/groups?sort=-created_at&limit=3",
        "/groups?source=tallyfy&fields=name",
        "/groups/tallyfy:nobody",
        "/sources",
    ] {
        gateway.get(path).await;
    }
    for emulation in gateway.emulations() {
        assert_eq!(emulation.stats().walks, 1, "{}", emulation.name());
    }
}

#[tokio::test]
async fn a_stale_list_is_served_at_once_while_one_refresh_runs_behind_it() {
    let gateway = Setup::new(10).set("CACHE__TTL", "100ms").ready().await;
    let before = gateway.emulation("publisher").stats().walks;
    gateway
        .emulation("publisher")
        .set_fault(Some(InjectedFault::Slow(Duration::from_secs(2))));
    gateway.emulation("publisher").set_groups(11);

    let path = "/groups?source=publisher";
    let stale = gateway
        .until(path, |page| source(page, "publisher")["state"] == "stale")
        .await;
    assert_eq!(stale["total"], 10);
    let replies = join_all((0..20).map(|_| gateway.get(path))).await;
    for reply in &replies {
        assert_eq!(reply.json()["total"], 10);
        assert_eq!(reply.header("cache-control"), "max-age=0");
        assert_eq!(reply.header("cache-status"), "publisher; hit; ttl=0");
    }
    assert_eq!(gateway.emulation("publisher").stats().walks, before + 1);
    gateway.until(path, |page| page["total"] == 11).await;
}

#[tokio::test]
async fn no_cache_brings_a_walk_begun_after_the_request_but_not_oftener_than_allowed() {
    let gateway = Setup::new(10).set("CACHE__MIN_REFRESH", "1h").ready().await;
    let path = "/groups?source=vinyldns";
    let too_soon = gateway.get_with(path, &NO_CACHE).await;
    assert!(is_hit(&too_soon), "{}", too_soon.header("cache-status"));
    assert!(
        too_soon
            .header("cache-status")
            .ends_with("; detail=min_refresh")
    );
    assert_eq!(gateway.emulation("vinyldns").stats().walks, 1);
}

#[tokio::test]
async fn of_two_no_cache_requests_in_a_row_the_second_gets_what_the_first_brought() {
    let gateway = Setup::new(10).set("CACHE__MIN_REFRESH", "2s").ready().await;
    let path = "/groups?source=vinyldns";
    gateway.emulation("vinyldns").set_groups(11);
    let first = eventually("a walk is allowed again", async || {
        let reply = gateway.get_with(path, &NO_CACHE).await;
        (!is_hit(&reply)).then_some(reply)
    })
    .await;
    assert_eq!(first.json()["total"], 11);
    assert!(
        first
            .header("cache-status")
            .starts_with("vinyldns; fwd=request; ttl=")
    );
    gateway.emulation("vinyldns").set_groups(12);
    let second = gateway.get_with(path, &NO_CACHE).await;
    assert!(is_hit(&second), "{}", second.header("cache-status"));
    assert_eq!(second.json()["total"], 11);
    assert_eq!(gateway.emulation("vinyldns").stats().walks, 2);
}

fn is_hit(reply: &Reply) -> bool {
    reply.header("cache-status").contains("; hit")
}

#[tokio::test]
async fn a_refresh_that_brings_the_same_content_keeps_the_etag() {
    let gateway = Setup::new(10)
        .set("CACHE__MIN_REFRESH", "1ms")
        .ready()
        .await;
    let before = gateway.get("/groups").await;
    assert!(before.header("etag").starts_with("W/\""));
    for emulation in gateway.emulations() {
        gateway.refresh(emulation.name()).await;
    }
    let same = gateway.get("/groups").await;
    assert_eq!(same.header("etag"), before.header("etag"));

    gateway.emulation("tallyfy").set_groups(11);
    gateway.refresh("tallyfy").await;
    let other = gateway.get("/groups").await;
    assert_ne!(other.header("etag"), before.header("etag"));
}

#[tokio::test]
async fn two_replicas_give_the_same_answer_the_same_etag() {
    let one = Setup::new(10).ready().await;
    let other = one.replica().await;
    other.ready().await;
    let mut tags = Vec::new();
    for path in ["/groups", "/groups?search=sales", "/groups?limit=3"] {
        let (left, right) = (one.get(path).await, other.get(path).await);
        assert_eq!(left.header("etag"), right.header("etag"), "{path}");
        tags.push(left.header("etag").to_owned());
    }
    let csv = one.get_with("/groups", &[("accept", "text/csv")]).await;
    tags.push(csv.header("etag").to_owned());
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4, "different answers have different tags");
}

#[rstest]
#[case("/groups?limit=3", "application/json")]
#[case("/groups?limit=all&source=tallyfy", "application/x-ndjson")]
#[tokio::test]
async fn whoever_has_the_answer_is_told_so_without_a_body(
    #[case] path: &str,
    #[case] accept: &str,
) {
    let gateway = Setup::new(10).ready().await;
    let accept = ("accept", accept);
    let first = gateway.get_with(path, &[accept]).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text());
    let known = format!("\"another\", {}", first.header("etag"));
    let again = gateway
        .get_with(path, &[accept, ("if-none-match", &known)])
        .await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert!(again.body.is_empty());
    for name in ["etag", "vary", "link"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
    assert!(again.header("cache-control").starts_with("max-age="));
}

#[tokio::test]
async fn an_answer_may_be_kept_for_as_long_as_its_shortest_lived_source_is_fresh() {
    let gateway = Setup::new(5)
        .set("CACHE__TTL", "1h")
        .set("UPSTREAMS__TALLYFY__TTL", "10m")
        .ready()
        .await;
    let max_age = async |path| {
        let reply = gateway.get(path).await;
        let age = reply
            .header("cache-control")
            .strip_prefix("max-age=")
            .unwrap();
        age.parse::<u64>().unwrap()
    };
    assert!((3540..3600).contains(&max_age("/groups?source=publisher").await));
    assert!((540..600).contains(&max_age("/groups?source=tallyfy").await));
    assert!((540..600).contains(&max_age("/groups").await));
}

#[tokio::test]
async fn nobody_may_keep_an_incomplete_answer() {
    let gateway = Setup::new(5)
        .fault("tallyfy", InjectedFault::Refuse)
        .ready()
        .await;
    let reply = gateway.get("/groups").await;
    assert_eq!(reply.json()["complete"], false);
    assert_eq!(reply.header("cache-control"), "no-store");
    let problem = gateway.get("/groups?source=tallyfy").await;
    problem.problem(502, "sources-failed");
    assert_eq!(problem.header("cache-control"), "no-store");
    let others = gateway.get("/groups?source=publisher").await;
    assert!(others.header("cache-control").starts_with("max-age="));
}

#[tokio::test]
async fn an_incomplete_answer_and_the_complete_one_after_it_have_different_etags() {
    let gateway = Setup::new(5)
        .set("CACHE__MIN_REFRESH", "1ms")
        .fault("tallyfy", InjectedFault::Refuse)
        .ready()
        .await;
    let part = gateway
        .get("/groups?search=no%20group%20has%20this%20name")
        .await;
    assert_eq!(part.json()["complete"], false);
    gateway.emulation("tallyfy").set_fault(None);
    gateway.refresh("tallyfy").await;
    let whole = gateway
        .get("/groups?search=no%20group%20has%20this%20name")
        .await;
    assert_eq!(whole.json()["complete"], true);
    assert_ne!(part.header("etag"), whole.header("etag"));
}

#[tokio::test]
async fn an_answer_names_each_source_in_its_cache_status_and_what_it_varies_by() {
    let gateway = Setup::new(5).set("CACHE__TTL", "1h").ready().await;
    let reply = gateway.get("/groups").await;
    let status = reply.header("cache-status");
    let members: Vec<_> = status.split(", ").collect();
    assert_eq!(members.len(), 5, "{status}");
    for (member, name) in members.iter().zip(SOURCES) {
        assert!(
            member.starts_with(&format!("{name}; hit; ttl=35")),
            "{member}"
        );
    }
    assert_eq!(reply.header("vary"), "accept, accept-encoding, prefer");
    assert_eq!(reply.header("age"), "");
}

#[tokio::test]
async fn a_head_is_answered_as_a_get_without_the_body() {
    let gateway = Setup::new(5).set("CACHE__TTL", "1h").ready().await;
    for path in [
        "/groups?limit=3",
        "/groups/tallyfy:nobody",
        "/groups?limt=3",
    ] {
        let whole = gateway.get(path).await;
        let head = gateway.ask(Method::HEAD, path, &[]).await;
        assert_eq!(head.status, whole.status, "{path}");
        assert!(head.body.is_empty());
        for name in ["content-type", "content-length", "etag", "link", "vary"] {
            assert_eq!(head.header(name), whole.header(name), "{path} {name}");
        }
    }
}

/// Whether an answer was ready, as it says itself.
fn was_ready(reply: &Reply) -> bool {
    reply.header("server-timing") == "cache;desc=hit"
}

#[tokio::test]
async fn of_two_equal_requests_the_one_after_a_change_gets_the_new_list() {
    let gateway = Setup::new(10)
        .set("CACHE__MIN_REFRESH", "1ms")
        .set("SERVER__SERVER_TIMING", "true")
        .ready()
        .await;
    let path = "/groups?source=vinyldns";
    gateway.get(path).await;
    let before = gateway.get(path).await;
    assert!(was_ready(&before));
    assert_eq!(before.json()["total"], 10);

    gateway.emulation("vinyldns").set_groups(11);
    let refreshed = gateway.refresh("vinyldns").await;
    assert_eq!(refreshed.status, StatusCode::OK, "{}", refreshed.text());
    let after = gateway.get(path).await;
    assert!(!was_ready(&after));
    assert_eq!(after.json()["total"], 11);
    assert!(was_ready(&gateway.get(path).await));
}

#[tokio::test]
async fn get_and_head_and_whoever_has_the_answer_get_one_compressed_answer() {
    let gateway = Setup::new(50)
        .set("CACHE__TTL", "1h")
        .set("SERVER__SERVER_TIMING", "true")
        .ready()
        .await;
    let (path, gzip) = ("/groups?limit=50", ("accept-encoding", "gzip"));
    let made = gateway.get_with(path, &[gzip]).await;
    assert!(!was_ready(&made));
    let ready = gateway.get_with(path, &[gzip]).await;
    assert!(was_ready(&ready));
    assert_eq!(ready.body, made.body);
    let mut plain = String::new();
    std::io::Read::read_to_string(&mut GzDecoder::new(&ready.body[..]), &mut plain).unwrap();
    assert_eq!(plain, gateway.get(path).await.text());

    let head = gateway.ask(Method::HEAD, path, &[gzip]).await;
    let known = [gzip, ("if-none-match", made.header("etag"))];
    let known = gateway.get_with(path, &known).await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    for reply in [&head, &known] {
        assert!(was_ready(reply) && reply.body.is_empty());
        assert_eq!(reply.header("etag"), made.header("etag"));
    }
    assert_eq!(head.header("content-encoding"), "gzip");
    let length = made.body.len().to_string();
    assert_eq!(head.header("content-length"), length);
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_end_the_walk_that_it_began() {
    let gateway = Setup::new(5)
        .set("UPSTREAMS__PUBLISHER__TTL", "1ms")
        .set("UPSTREAMS__PUBLISHER__STALE_WHILE_REVALIDATE", "0s")
        .ready()
        .await;
    let path = "/groups?source=publisher";
    let slow = InjectedFault::Slow(Duration::from_secs(2));
    gateway.emulation("publisher").set_fault(Some(slow));
    gateway.emulation("publisher").reset_stats();
    let impatient = tokio::time::timeout(Duration::from_millis(100), gateway.get(path)).await;
    assert!(impatient.is_err(), "the walk was too fast for this test");
    let patient = gateway.get(path).await;
    assert!(patient.header("cache-status").contains("; collapsed"));
    assert_eq!(groups_of(&patient.json()).len(), 5);
    assert_eq!(gateway.emulation("publisher").stats().walks, 1);
}
