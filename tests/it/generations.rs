//! Other settings take the place of those in force while requests are answered.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use groupgate::catalog::{Scope, UpstreamRuntime};
use groupgate::tools::demo::InjectedFault;
use groupgate::upstream::transport::CircuitState;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::support::adapters::load;
use crate::support::client::{each, groups_of, source};
use crate::support::deployment::{SOURCES, Setup};
use crate::support::gateway::{ANY_PORT, Gateway};
use crate::support::server::{Server, json as answer, status};

/// Those whose settings change, and in whose groups it shows.
const CHANGED: [&str; 2] = ["collections", "publisher"];
const UNCHANGED: [&str; 3] = ["onlivesite", "tallyfy", "vinyldns"];

fn setup() -> Setup {
    Setup::new(30)
        .set("CACHE__TTL", "10m")
        .set("CACHE__MIN_REFRESH", "100ms")
        .set("SERVER__SHUTDOWN_DELAY", "0s")
}

/// The same, but that nothing is kept of what no field takes.
fn dropping() -> Setup {
    CHANGED.iter().fold(setup(), |setup, name| {
        setup.set(
            &format!("UPSTREAMS__{}__EXTRA", name.to_uppercase()),
            "drop",
        )
    })
}

fn running(gateway: &Gateway, name: &str) -> Arc<UpstreamRuntime> {
    let generation = gateway.app().live().load();
    Arc::clone(generation.catalog().upstream(name).unwrap())
}

/// Under which settings the groups of those that change were read, as far as they are there.
fn settings_seen(page: &Value) -> BTreeSet<bool> {
    let groups = groups_of(page).iter();
    groups
        .filter(|group| CHANGED.iter().any(|name| group["source"] == *name))
        .map(|group| group["attributes"] == serde_json::json!({}))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_request_sees_one_generation_and_what_has_not_changed_stays_what_it_is() {
    let gateway = Arc::new(setup().ready().await);
    let before = gateway.page("/groups?limit=1000").await;
    assert_eq!(settings_seen(&before), BTreeSet::from([false]));
    let kept = UNCHANGED.map(|name| running(&gateway, name));
    let requests = UNCHANGED.map(|name| gateway.emulation(name).stats().requests);
    let first = running(&gateway, "publisher");

    let is_over = Arc::new(AtomicBool::new(false));
    let clients = (0..8).map(|_| {
        let (gateway, is_over) = (Arc::clone(&gateway), Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut seen = BTreeSet::new();
            while !is_over.load(Ordering::Relaxed) {
                let page = gateway.page("/groups?limit=1000").await;
                let settings = settings_seen(&page);
                assert!(settings.len() <= 1, "two generations in one answer");
                for name in UNCHANGED {
                    assert_eq!(source(&page, name)["state"], "fresh");
                }
                seen.extend(settings);
            }
            seen
        })
    });
    let clients: Vec<_> = clients.collect();
    for turn in 0..8 {
        let settings = if turn % 2 == 0 { dropping() } else { setup() };
        let epoch = gateway.app().live().epoch();
        gateway.swap(&settings).await;
        assert_ne!(gateway.app().live().epoch(), epoch);
        sleep(Duration::from_millis(100)).await;
    }
    is_over.store(true, Ordering::Relaxed);
    for seen in join_all(clients).await {
        assert_eq!(seen.unwrap(), BTreeSet::from([false, true]));
    }

    for (name, before) in UNCHANGED.iter().zip(&kept) {
        // With it go its snapshot, token, breaker, limiter and connections.
        assert!(Arc::ptr_eq(&running(&gateway, name), before), "{name}");
    }
    let after = UNCHANGED.map(|name| gateway.emulation(name).stats().requests);
    assert_eq!(after, requests, "nothing was asked of them");
    assert!(!Arc::ptr_eq(&running(&gateway, "publisher"), &first));
    let page = gateway.page("/groups?limit=1000").await;
    assert_eq!(page["groups"], before["groups"]);
}

#[tokio::test]
async fn an_upstream_that_has_not_changed_keeps_its_snapshot_token_breaker_and_connections() {
    let well = Server::start(|request| match request.uri().path() {
        "/token" => {
            answer(&json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 3600 }))
        }
        _ => answer(&json!([{ "id": 1, "name": "one" }])),
    })
    .await;
    let broken = Server::start(|_| status(503)).await;
    let changed = Server::start(|_| answer(&json!([{ "id": 1, "name": "one" }]))).await;
    let block = |name: &str, server: &Server, more: &str| {
        format!(
            "[upstreams.{name}]\nbase_url = '{}'\nrequest = {{ path = '/list' }}\nrecords = '/'\n\
             fields = {{ id = 'id', name = 'name' }}\n{more}\n",
            server.base_url()
        )
    };
    let login = format!(
        "auth = {{ type = 'oauth2_client_credentials', token_url = '{}/token', \
         client_id = 'me', client_secret = {{ env = 'SECRET' }} }}",
        well.base_url()
    );
    let breaker = "limits = { retries = 0 }\nbreaker = { failures = 1, open_for = '1h' }";
    let settings = |extra: &str| {
        let blocks = [
            block("broken", &broken, breaker),
            block("changed", &changed, extra),
            block("well", &well, &login),
        ];
        let text = format!(
            "{ANY_PORT}[cache]\nmin_refresh = '1ms'\n{}",
            blocks.concat()
        );
        load(&text, [("SECRET", "secret")])
    };
    let gateway = Gateway::start(&settings("")).await;
    gateway.ready().await;
    let held = |name| running(&gateway, name).peek(&Scope::Shared).snapshot;
    let (snapshot, circuit) = (held("well").unwrap(), running(&gateway, "broken").circuit());
    assert_eq!(circuit.unwrap().state, CircuitState::Open);
    let (connections, refused) = (well.connections(), broken.asked().len());
    assert_eq!(well.asked(), ["/token", "/list"]);

    gateway.swap(&settings("extra = 'drop'")).await;
    assert!(Arc::ptr_eq(&held("well").unwrap(), &snapshot));
    let after = running(&gateway, "broken").circuit();
    assert_eq!(
        after.map(|after| after.since),
        circuit.map(|before| before.since)
    );
    gateway.refresh("broken").await;
    assert_eq!(broken.asked().len(), refused, "its breaker is open still");
    assert_eq!(gateway.refresh("well").await.status, StatusCode::OK);
    assert_eq!(well.asked(), ["/token", "/list", "/list"]);
    assert_eq!(well.connections(), connections);
}

#[tokio::test]
async fn whoever_waits_for_a_walk_that_ends_with_its_settings_is_told_at_once() {
    let gateway = setup()
        .fault("publisher", InjectedFault::Hang)
        .start()
        .await;
    let begun = Instant::now();
    let swap = async {
        sleep(Duration::from_millis(200)).await;
        gateway.swap(&dropping()).await;
    };
    let (reply, ()) = tokio::join!(gateway.get("/groups?source=publisher,vinyldns"), swap);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(
        reply.header("cache-status").contains("reloaded"),
        "{reply:?}"
    );
    let page = reply.json();
    assert_eq!(page["complete"], false);
    assert_eq!(source(&page, "publisher")["state"], "pending");
    assert_eq!(source(&page, "vinyldns")["state"], "fresh");
}

#[tokio::test]
async fn a_list_of_the_same_shape_and_account_serves_on_as_stale_under_other_settings() {
    let gateway = setup().ready().await;
    let before = gateway.page("/groups?limit=1000").await;
    for emulation in gateway.emulations() {
        emulation.set_fault(Some(InjectedFault::Hang));
    }
    // One upstream is asked by other limits; then all of them keep their lists in another store.
    let slower = setup().set("UPSTREAMS__TALLYFY__LIMITS__TIMEOUT", "1s");
    gateway.swap(&slower).await;
    let page = gateway.page("/groups?limit=1000").await;
    assert_eq!(page["groups"], before["groups"]);
    let states = SOURCES.map(|name| source(&page, name)["state"].clone());
    assert_eq!(states, ["fresh", "fresh", "fresh", "stale", "fresh"]);
    gateway.swap(&slower.set("CACHE__CAPACITY", "64MiB")).await;
    let page = gateway.page("/groups?limit=1000").await;
    assert_eq!(page["groups"], before["groups"]);
    assert!(
        SOURCES
            .iter()
            .all(|name| source(&page, name)["state"] == "stale")
    );
}

#[tokio::test]
async fn the_list_of_another_account_is_never_served_under_the_settings_that_follow() {
    let gateway = setup().set("SERVER__DEADLINE", "1s").ready().await;
    gateway
        .emulation("tallyfy")
        .set_fault(Some(InjectedFault::Hang));
    gateway.swap(&setup().variable("TALLYFY_ORG", "beta")).await;
    let page = gateway.page("/groups?limit=1000").await;
    assert_eq!(source(&page, "tallyfy")["state"], "pending");
    assert!(!each(groups_of(&page), "source").contains(&"tallyfy"));
}
