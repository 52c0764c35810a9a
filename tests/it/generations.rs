//! Other settings take the place of those in force while requests are answered.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use groupgate::app::App;
use groupgate::catalog::{Scope, UpstreamRuntime};
use groupgate::clock::WallClock;
use groupgate::config::Loaded;
use groupgate::tools::demo::InjectedFault;
use groupgate::upstream::transport::CircuitState;
use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::adapters::load;
use crate::support::client::{each, groups_of, source};
use crate::support::deployment::{SOURCES, Setup};
use crate::support::gateway::{ANY_PORT, Gateway};
use crate::support::server::{Server, json as answer, status};
use crate::support::wait::eventually;

/// Those whose settings change, and in whose groups it shows.
const CHANGED: [&str; 2] = ["collections", "publisher"];
const UNCHANGED: [&str; 3] = ["onlivesite", "tallyfy", "vinyldns"];

fn setup() -> Setup {
    Setup::new(30)
        .set("CACHE__TTL", "10m")
        .set("CACHE__MIN_REFRESH", "100ms")
        .set("SERVER__SHUTDOWN_DELAY", "0s")
}

/// The same, but that nothing is kept of what no field takes, and clients may ask less at once.
fn dropping() -> Setup {
    let setup = setup().set("RATE_LIMIT__BURST", "90000");
    CHANGED.iter().fold(setup, |setup, name| {
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

/// Under which settings the groups of those that change were read, as far as they are fresh: what is stale was
/// read before.
fn settings_seen(page: &Value) -> BTreeSet<bool> {
    let is_fresh = |name: &str| source(page, name)["state"] == "fresh";
    let groups = groups_of(page).iter();
    groups
        .filter(|group| {
            CHANGED
                .iter()
                .any(|name| group["source"] == *name && is_fresh(name))
        })
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
    let pages: Arc<[AtomicUsize; 8]> = Arc::default();
    let clients = (0..8).map(|client| {
        let (gateway, is_over) = (Arc::clone(&gateway), Arc::clone(&is_over));
        let pages = Arc::clone(&pages);
        tokio::spawn(async move {
            let mut seen = BTreeSet::new();
            while !is_over.load(Ordering::Relaxed) {
                let reply = gateway.get("/groups?limit=1000").await;
                let policy = reply.header("ratelimit-policy").contains("q=90000");
                let page = reply.json();
                let settings = settings_seen(&page);
                assert!(
                    settings.iter().all(|settings| *settings == policy),
                    "{settings:?}"
                );
                for name in UNCHANGED {
                    assert_eq!(source(&page, name)["state"], "fresh");
                }
                seen.extend(settings);
                pages[client].fetch_add(1, Ordering::Relaxed);
            }
            seen
        })
    });
    let clients: Vec<_> = clients.collect();
    for turn in 0..8 {
        let settings = if turn % 2 == 0 { dropping() } else { setup() };
        let epoch = gateway.app().live().load().catalog().epoch();
        gateway.swap(&settings).await;
        assert_ne!(gateway.app().live().load().catalog().epoch(), epoch);
        // Until then, they serve their old lists.
        let is_fresh = |page: &Value| {
            let mut states = CHANGED.iter().map(|name| &source(page, name)["state"]);
            states.all(|state| state == "fresh")
        };
        gateway.until("/sources", is_fresh).await;
        // The one under way may have begun before.
        let asked = || pages.each_ref().map(|pages| pages.load(Ordering::Relaxed));
        let before = asked();
        eventually("each client has seen them", async || {
            let mut each = asked().into_iter().zip(before);
            each.all(|(now, before)| now >= before + 2).then_some(())
        })
        .await;
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

#[rstest]
#[case::of_another("extra = 'drop'", "")]
#[case::the_terms_of_all("", "ttl = '1h'\nstale_while_revalidate = '1h'\nstale_if_error = '2h'")]
#[tokio::test]
async fn what_is_not_asked_otherwise_keeps_its_snapshot_token_breaker_limiter_and_connections(
    #[case] extra: &str,
    #[case] terms: &str,
) {
    let well = Server::start(|request| match request.uri().path() {
        "/token" => {
            answer(&json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 3600 }))
        }
        _ => answer(&json!([{ "id": 1, "name": "one" }])),
    })
    .await;
    let broken = Server::start(|_| status(503)).await;
    let slow = Server::start(|_| answer(&json!([{ "id": 1, "name": "one" }]))).await;
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
    let settings = |extra: &str, terms: &str| {
        let blocks = [
            block("broken", &broken, breaker),
            block("changed", &changed, extra),
            block(
                "slow",
                &slow,
                "limits = { rate = '1/h', walk = '1s', timeout = '1s', connect_timeout = '1s', retries = 0 }",
            ),
            block("well", &well, &login),
        ];
        let text = format!(
            "{ANY_PORT}[cache]\nmin_refresh = '1ms'\n{terms}\n{}",
            blocks.concat()
        );
        load(&text, [("SECRET", "secret")])
    };
    let gateway = Gateway::start(&settings("", "")).await;
    gateway.ready().await;
    let held = |name| running(&gateway, name).peek(&Scope::Shared).snapshot;
    let (snapshot, circuit) = (held("well").unwrap(), running(&gateway, "broken").circuit());
    assert_eq!(circuit.unwrap().state, CircuitState::Open);
    let (connections, refused) = (well.connections(), broken.asked().len());
    assert_eq!(well.asked(), ["/token", "/list"]);

    gateway.swap(&settings(extra, terms)).await;
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
    // The only token of the hour was taken before.
    gateway.refresh("slow").await;
    assert_eq!(slow.asked(), ["/list"]);
}

#[tokio::test]
async fn whoever_waits_for_a_walk_that_ends_with_its_settings_is_told_at_once() {
    let gateway = setup()
        .fault("publisher", InjectedFault::Hang)
        .start()
        .await;
    let waits = "groupgate_source_lookups_total{collapsed=\"true\",outcome=\"miss\",source=\"publisher\"} 1";
    let swap = async {
        eventually("the request waits for the walk", async || {
            let told = gateway.admin(Method::GET, "/metrics", &[]).await;
            told.text().contains(waits).then_some(())
        })
        .await;
        gateway.swap(&dropping()).await;
    };
    // Told of the reload, and not of the deadline.
    let (reply, ()) = tokio::join!(gateway.get("/groups?source=publisher,vinyldns"), swap);
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
async fn a_swap_that_nobody_waits_for_goes_on_and_none_begins_once_the_gateway_has_stopped() {
    let (server, with) = pair().await;
    let gateway = Gateway::start(&with("", LIST)).await;
    gateway.ready().await;
    let live = gateway.app().live().clone();
    let compile = |toml: &str| {
        let loaded = with("", &format!("{LIST}\n{toml}"));
        App::compile(&loaded, &WallClock::system()).unwrap()
    };
    let next = compile("required = true");
    let mut swap = Box::pin(live.swap(next.plan, next.adapters));
    // Polled once, and given up.
    assert!(futures_util::poll!(&mut swap).is_pending());
    drop(swap);
    eventually("the swap has ended", async || {
        let generation = live.load();
        let mut sources = generation.catalog().sources().iter();
        sources.any(|source| source.required).then_some(())
    })
    .await;
    gateway.stop().await;
    let before = live.load();
    let next = compile("extra = 'drop'");
    let asked = server.requests().len();
    live.swap(next.plan, next.adapters).await.unwrap();
    assert!(Arc::ptr_eq(&before, &live.load()));
    assert_eq!(server.requests().len(), asked);
}

#[tokio::test]
async fn a_list_of_the_same_shape_and_account_serves_on_as_stale_under_other_settings() {
    let gateway = setup().ready().await;
    let before = gateway.page("/groups?limit=1000").await;
    for emulation in gateway.emulations() {
        emulation.set_fault(Some(InjectedFault::Hang));
    }
    let slower = setup().set("UPSTREAMS__TALLYFY__LIMITS__TIMEOUT", "1s");
    gateway.swap(&slower).await;
    let page = gateway.page("/groups?limit=1000").await;
    assert_eq!(page["groups"], before["groups"]);
    let states = SOURCES.map(|name| source(&page, name)["state"].clone());
    assert_eq!(states, ["fresh", "fresh", "fresh", "stale", "fresh"]);
}

#[tokio::test]
async fn another_size_and_folder_of_the_cache_change_no_upstream_and_move_what_is_kept() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let in_folder = |folder: &tempfile::TempDir| {
        setup().set("CACHE__DIRECTORY", folder.path().to_str().unwrap())
    };
    let gateway = in_folder(&first).ready().await;
    let before = gateway.page("/groups?limit=1000").await;
    let kept = SOURCES.map(|name| running(&gateway, name));
    let requests = SOURCES.map(|name| gateway.emulation(name).stats().requests);
    let smaller = |setup: Setup| setup.set("CACHE__CAPACITY", "64MiB");
    for settings in [smaller(setup()), smaller(in_folder(&second))] {
        gateway.swap(&settings).await;
        for (name, before) in SOURCES.iter().zip(&kept) {
            assert!(Arc::ptr_eq(&running(&gateway, name), before), "{name}");
        }
        let page = gateway.page("/groups?limit=1000").await;
        assert_eq!(page["groups"], before["groups"]);
    }
    let after = SOURCES.map(|name| gateway.emulation(name).stats().requests);
    assert_eq!(after, requests, "nothing was asked of them");
    gateway.stop().await;
    assert_eq!(std::fs::read_dir(&second).unwrap().count(), SOURCES.len());
}

/// Two lists, of which the second may be asked by query, and more settings.
async fn pair() -> (Server, impl Fn(&str, &str) -> Loaded) {
    let server = Server::start(|request| match request.uri().path() {
        "/down" => status(500),
        _ => answer(&json!([{ "id": 1, "name": "one" }, { "id": 2, "name": "two" }])),
    })
    .await;
    let base_url = server.base_url().to_owned();
    let settings = move |more: &str, second: &str| {
        let block = |name: &str, more: &str| {
            format!(
                "[upstreams.{name}]\nbase_url = '{base_url}'\nrecords = '/'\n\
                 limits = {{ retries = 0 }}\nfields = {{ id = 'id', name = 'name' }}\n{more}\n"
            )
        };
        let by_query = "list = 'by_query'\nrequest = { path = '/list', query = { q = '{search}' } }\n\
            pushdown.search = { matches = 'contains', in = ['name'], case = 'folded' }";
        let blocks = [block("asked", by_query), block("second", second)];
        let keys = ["A", "B"].map(|key| (key, key.repeat(32)));
        let keys = keys.each_ref().map(|(name, key)| (*name, &**key));
        load(&format!("{more}\n{ANY_PORT}{}", blocks.concat()), keys)
    };
    (server, settings)
}

const LIST: &str = "request = { path = '/list' }";
const DOWN: &str = "request = { path = '/down' }";

#[tokio::test]
async fn one_more_upstream_that_is_asked_by_query_takes_nothing_from_another_but_room() {
    let (server, settings) = pair().await;
    let gateway = Gateway::start(&settings("", LIST)).await;
    gateway.ready().await;
    let search = "/groups?source=asked&search=on";
    let before = gateway.page(search).await;
    assert_eq!(before["total"], 1);
    let (asked, upstream) = (server.asked().len(), running(&gateway, "asked"));
    let by_query = "list = 'by_query'\nrequest = { path = '/list', query = { q = '{search}' } }\n\
        pushdown.search = { matches = 'contains', in = ['name'], case = 'folded' }";
    gateway.swap(&settings("", by_query)).await;
    assert!(Arc::ptr_eq(&running(&gateway, "asked"), &upstream));
    assert_eq!(gateway.page(search).await["groups"], before["groups"]);
    assert_eq!(server.asked().len(), asked, "its results are there still");
}

#[tokio::test]
async fn min_sources_and_the_deadline_change_with_the_plan() {
    let (_server, settings) = pair().await;
    let gateway = Gateway::start(&settings("gateway.min_sources = 1", DOWN)).await;
    gateway.ready().await;
    assert_eq!(gateway.page("/groups").await["complete"], false);
    gateway
        .swap(&settings("gateway.min_sources = 2", DOWN))
        .await;
    let reply = gateway.get("/groups").await;
    assert_eq!(reply.status, StatusCode::BAD_GATEWAY);
    assert!(reply.text().contains("1 of 2 sources"), "{reply:?}");

    let hangs = setup().set("SERVER__DEADLINE", "1h");
    let gateway = hangs.fault("publisher", InjectedFault::Hang).start().await;
    gateway.swap(&setup().set("SERVER__DEADLINE", "1s")).await;
    let begun = Instant::now();
    let page = gateway.page("/groups?source=publisher,vinyldns").await;
    assert_eq!(source(&page, "publisher")["state"], "pending");
    assert!(begun.elapsed() < Duration::from_mins(1));
}

#[tokio::test]
async fn what_a_client_has_used_stays_used_until_its_limit_is_another() {
    let (_server, settings) = pair().await;
    let limit = |burst: u32| format!("rate_limit = {{ per_client = '1/h', burst = {burst} }}");
    let gateway = Gateway::start(&settings(&limit(2), LIST)).await;
    let mut statuses = Vec::new();
    for settings in [
        settings(&limit(2), LIST),
        settings(&format!("gateway.min_sources = 2\n{}", limit(2)), DOWN),
        settings(&limit(2), LIST),
        settings(&limit(3), LIST),
    ] {
        gateway.swap(&settings).await;
        statuses.push(gateway.get("/sources").await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 429, 200]);
}

#[tokio::test]
async fn a_cursor_lives_as_long_as_its_key_and_so_does_the_page_that_holds_it() {
    let (_server, settings) = pair().await;
    let keys = |names: &[&str]| {
        let keys = names.iter().map(|name| format!("{{ env = '{name}' }}"));
        format!("cursor.keys = [{}]", keys.collect::<Vec<_>>().join(", "))
    };
    let gateway = Gateway::start(&settings("", LIST)).await;
    gateway.ready().await;
    let first = "/groups?source=second&limit=1";
    let mut cursors = Vec::new();
    let mut tag = String::new();
    // The process's own key, then those of each plan: which of the cursors so far still work?
    for (names, works) in [
        (None, vec![]),
        (Some(&["A"][..]), vec![true]),
        (Some(&["B", "A"][..]), vec![true, true]),
        (Some(&["B"][..]), vec![true, false, true]),
        (None, vec![true, false, false, false]),
    ] {
        gateway
            .swap(&settings(&names.map_or(String::new(), &keys), LIST))
            .await;
        let mut still = Vec::new();
        for cursor in &cursors {
            let reply = gateway.get(&format!("/groups?cursor={cursor}")).await;
            still.push(reply.status == StatusCode::OK);
        }
        assert_eq!(still, works, "{names:?}");
        let reply = gateway.get_with(first, &[("if-none-match", &tag)]).await;
        // Where the key that signs has changed, nobody is told to go on with what it signed.
        let is_same = names == Some(&["B"][..]);
        assert_eq!(
            reply.status == StatusCode::NOT_MODIFIED,
            is_same,
            "{names:?}"
        );
        tag = reply.header("etag").to_owned();
        let page = gateway.page(first).await;
        cursors.push(page["next_cursor"].as_str().unwrap().to_owned());
    }
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
