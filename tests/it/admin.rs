//! The admin listener: health for probes, status and refresh for operators.

use groupgate::tools::demo::InjectedFault;
use http::{Method, StatusCode};

use crate::support::client::{Reply, each, source};
use crate::support::deployment::{Deployment, SOURCES, Setup};

async fn get(gateway: &Deployment, path: &str) -> Reply {
    gateway.admin(Method::GET, path, &[]).await
}

#[tokio::test]
async fn it_is_alive_at_once_and_ready_when_every_upstream_was_walked() {
    let gateway = Setup::new(5)
        .fault("tallyfy", InjectedFault::Hang)
        .start()
        .await;
    assert_eq!(get(&gateway, "/livez").await.text(), "alive\n");
    // All but the one that hangs.
    gateway
        .until("/sources", |answer| {
            let sources = answer["sources"].as_array().unwrap();
            sources
                .iter()
                .filter(|source| source["state"] == "fresh")
                .count()
                == 4
        })
        .await;
    let problem = get(&gateway, "/readyz").await.problem(503, "not-ready");
    assert_eq!(problem["detail"], "not yet walked: tallyfy");
}

#[tokio::test]
async fn an_upstream_that_has_failed_once_does_not_keep_it_from_being_ready() {
    let gateway = Setup::new(5)
        .fault("tallyfy", InjectedFault::Refuse)
        .ready()
        .await;
    assert_eq!(get(&gateway, "/readyz").await.text(), "ready\n");
    let status = get(&gateway, "/status").await.json();
    assert_eq!(source(&status, "tallyfy")["state"], "failed");
    assert_eq!(source(&status, "tallyfy")["error"]["type"], "connect");
}

#[tokio::test]
async fn the_status_shows_which_circuit_breakers_are_open() {
    let gateway = Setup::new(5)
        .set("UPSTREAMS__TALLYFY__BREAKER__FAILURES", "1")
        .set("UPSTREAMS__TALLYFY__BREAKER__OPEN_FOR", "1m")
        .set("UPSTREAMS__PUBLISHER__BREAKER__ENABLED", "false")
        .fault("tallyfy", InjectedFault::Status(500))
        .ready()
        .await;
    let status = get(&gateway, "/status").await.json();
    let circuit = |name| &source(&status, name)["circuit"];
    assert_eq!(circuit("tallyfy")["state"], "open");
    assert_eq!(circuit("vinyldns")["state"], "closed");
    assert!(circuit("vinyldns")["since"].is_string());
    assert!(circuit("publisher").is_null());
    let error = &source(&status, "tallyfy")["error"];
    // The error that opened it is shown, with the time to come back.
    assert_eq!(error["type"], "http_status");
    assert!(
        error["retry_after_seconds"].as_u64().unwrap() >= 40,
        "{error}"
    );
    // Nobody gets at it out of turn, and everybody is told when to come back.
    let refresh = gateway.admin(Method::POST, "/refresh/tallyfy", &[]).await;
    let wait: u64 = refresh.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

#[tokio::test]
async fn the_status_shows_every_source() {
    let gateway = Setup::new(5).ready().await;
    let reply = get(&gateway, "/status").await;
    assert_eq!(reply.header("cache-control"), "no-store");
    let status = reply.json();
    assert_eq!(each(status["sources"].as_array().unwrap(), "name"), SOURCES);
    assert_eq!(status["groups"], 25);
    assert_eq!(status["draining"], false);
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    for name in SOURCES {
        assert_eq!(source(&status, name)["groups"], 5);
        assert_eq!(source(&status, name)["skipped"], 0);
    }
}

#[tokio::test]
async fn a_refresh_walks_one_upstream_and_answers_how_it_stands_then() {
    let gateway = Setup::new(5).set("CACHE__MIN_REFRESH", "1ms").ready().await;
    gateway.emulation("tallyfy").set_groups(7);
    let reply = gateway.refresh("tallyfy").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.json()["groups"], 7);
    assert_eq!(gateway.emulation("tallyfy").stats().walks, 2);
    assert_eq!(gateway.emulation("publisher").stats().walks, 1);
}

#[tokio::test]
async fn a_refresh_that_fails_says_so_and_what_was_read_before_still_serves() {
    let gateway = Setup::new(5).set("CACHE__MIN_REFRESH", "1ms").ready().await;
    gateway
        .emulation("tallyfy")
        .set_fault(Some(InjectedFault::Refuse));
    let problem = gateway
        .refresh("tallyfy")
        .await
        .problem(502, "sources-failed");
    assert_eq!(problem["sources"][0]["error"]["type"], "connect");
    let list = gateway.get("/groups?source=tallyfy&deleted=include").await;
    assert_eq!(list.json()["total"], 5);

    gateway
        .emulation("tallyfy")
        .set_fault(Some(InjectedFault::Unauthorized));
    let problem = gateway
        .refresh("tallyfy")
        .await
        .problem(502, "sources-failed");
    assert_eq!(problem["sources"][0]["error"]["type"], "unauthorized");
}

#[tokio::test]
async fn a_refresh_of_an_unknown_upstream_names_those_that_there_are() {
    let gateway = Setup::new(1).ready().await;
    let problem = gateway.refresh("tallify").await.problem(404, "not-found");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("`tallify`"), "{detail}");
    assert!(detail.contains(&SOURCES.join(", ")), "{detail}");
    let reply = get(&gateway, "/refresh/tallyfy").await;
    reply.problem(405, "method-not-allowed");
    assert_eq!(reply.header("allow"), "POST");
}

#[tokio::test]
async fn operators_need_the_token_where_there_is_one_and_probes_do_not() {
    let gateway = Setup::new(1)
        .set("SERVER__ADMIN_TOKEN__ENV", "ADMIN_TOKEN")
        .variable("ADMIN_TOKEN", "a token for operators")
        .ready()
        .await;
    for path in ["/livez", "/readyz"] {
        assert_eq!(get(&gateway, path).await.status, StatusCode::OK, "{path}");
    }
    for authorization in ["", "Bearer another", "Basic a token for operators"] {
        let sent = [("authorization", authorization)];
        let status = gateway.admin(Method::GET, "/status", &sent).await;
        status.problem(401, "unauthorized");
        assert_eq!(status.header("www-authenticate"), "Bearer");
        let refresh = gateway.admin(Method::POST, "/refresh/tallyfy", &sent).await;
        refresh.problem(401, "unauthorized");
    }
    let sent = [("authorization", "Bearer a token for operators")];
    let status = gateway.admin(Method::GET, "/status", &sent).await;
    assert_eq!(status.status, StatusCode::OK);
}

#[tokio::test]
async fn groups_are_never_served_on_the_admin_listener() {
    let gateway = Setup::new(1).ready().await;
    for path in ["/groups", "/sources", "/openapi.json", "/docs"] {
        get(&gateway, path).await.problem(404, "not-found");
    }
}
