//! Upstreams that are asked on behalf of each caller: whoever asks gets its own list, and nobody else's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use groupgate::caller::{Caller, Credentials, Identity, Verified};
use groupgate::catalog::{CacheMode, Catalog, Scope, SourceLookup, SourceState};
use groupgate::clock::WallClock;
use groupgate::error::{ErrorKind, UpstreamError};
use groupgate::observe::Observers;
use groupgate::plan::Cache;
use groupgate::upstream::Adapter;
use groupgate::upstream::pushdown::Conditions;
use groupgate::upstream::transport::{CircuitState, Replay};
use http::{HeaderName, Request, Response, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::adapters::{adapter_of, compile, load};
use crate::support::server::{Server, json as answer, status};
use crate::support::wait::PATIENCE;

mod crowds;
mod refusals;
mod related;
mod shared_login;
mod values;

/// Asks with what the caller sent.
const FORWARDS: &str =
    "auth = { type = 'forward', headers = ['authorization'], optional_headers = ['x-tenant'] }";

/// Who says so and nothing else: its key is `Bearer NAME-key`.
fn caller(name: &str) -> Caller {
    caller_with(name, json!({}), &[("authorization", &key(name))])
}

fn key(name: &str) -> String {
    format!("Bearer {name}-key")
}

fn caller_with(id: &str, claims: Value, headers: &[(&'static str, &str)]) -> Caller {
    let headers = headers.iter();
    let headers =
        headers.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
    let mut identity = [0; 32];
    let bytes = id.as_bytes();
    identity[..bytes.len()].copy_from_slice(bytes);
    Caller {
        identity: Identity::Authenticated(identity),
        credentials: Credentials::of(Verified {
            id: id.to_owned(),
            claims,
            token: Some(SecretString::from(format!("jwt-of-{id}"))),
            forwarded: headers.collect(),
        }),
        ..Caller::default()
    }
}

/// A group that says whose it is.
fn list_of(owner: &str) -> Response<Bytes> {
    answer(&json!([{ "id": "1", "name": format!("group of {owner}") }])).map(Bytes::from)
}

fn header<'r>(request: &'r Request<Bytes>, name: &str) -> &'r str {
    let value = request.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

/// Answers by who asks.
fn by_key(request: &Request<Bytes>) -> Response<Bytes> {
    match header(request, "authorization").strip_prefix("Bearer ") {
        Some(owner) => list_of(owner),
        None => status(401).map(Bytes::from),
    }
}

fn adapter(server: &Server, keys: &str) -> Arc<Adapter> {
    adapter_at(server.base_url(), keys)
}

fn adapter_at(base_url: &str, keys: &str) -> Arc<Adapter> {
    let toml = format!(
        "[upstreams.club]
        base_url = \"\"
        records = '/'
        fields.id = 'id'
        fields.name = 'name'
        ttl = '1h'
        limits.retries = 0
        {keys}
        "
    );
    let toml = if keys.contains("request") {
        toml
    } else {
        format!("{toml}\nrequest = {{ path = '/groups' }}")
    };
    adapter_of(&toml, base_url, &[("SECRET", "s3cret-of-ours")])
}

fn catalog(adapter: Arc<Adapter>) -> Catalog {
    catalog_of(adapter, 64 << 20)
}

fn catalog_of(adapter: Arc<Adapter>, capacity: u64) -> Catalog {
    let cache = Cache {
        capacity,
        directory: None,
    };
    let wall = WallClock::system();
    Catalog::new(vec![adapter], &cache, &wall, Observers::default())
}

async fn ask(catalog: &Catalog, caller: &Caller) -> SourceLookup {
    ask_as(catalog, caller, CacheMode::Cached).await
}

async fn ask_as(catalog: &Catalog, caller: &Caller, mode: CacheMode) -> SourceLookup {
    let deadline = Instant::now() + PATIENCE;
    let conditions = Conditions::default();
    let found = catalog.find("club", caller, &conditions, mode, deadline);
    found.await.unwrap()
}

/// Whose list it is.
fn owner(found: &SourceLookup) -> String {
    let Some(snapshot) = &found.snapshot else {
        panic!("no list: {:?}", found.error)
    };
    let group: Value = serde_json::from_slice(&snapshot.row(0).json()).unwrap();
    let name = group["name"].as_str().unwrap();
    name.strip_prefix("group of ").unwrap().to_owned()
}

fn error(found: &SourceLookup) -> (ErrorKind, String) {
    assert!(found.snapshot.is_none());
    let error = found.error.as_ref().expect("an error");
    (error.kind, error.detail.clone())
}

#[tokio::test]
async fn each_caller_gets_its_own_list_and_equal_ones_share_a_walk() {
    let server = Server::start(by_key).await;
    let catalog = catalog(adapter(&server, FORWARDS));
    let callers: Vec<_> = (0..40).map(|n| caller(&format!("c{}", n % 4))).collect();
    let found = join_all(callers.iter().map(|caller| ask(&catalog, caller))).await;
    for (n, found) in found.iter().enumerate() {
        assert_eq!(owner(found), format!("c{}-key", n % 4));
    }
    assert_eq!(server.requests().len(), 4);
    // Who they are makes no difference to an upstream that is not told.
    let another = caller_with("another", json!({}), &[("authorization", &key("c0"))]);
    assert_eq!(owner(&ask(&catalog, &another).await), "c0-key");
    assert_eq!(server.requests().len(), 4);
    // Every header that is forwarded does.
    let headers = [("authorization", &*key("c0")), ("x-tenant", "a")];
    ask(&catalog, &caller_with("c0", json!({}), &headers)).await;
    let asked = server.requests();
    assert_eq!(asked.len(), 5);
    assert_eq!(header(&asked[4], "x-tenant"), "a");
}

#[tokio::test]
async fn whoever_brings_nothing_is_refused_and_the_upstream_is_not_asked() {
    let server = Server::start(by_key).await;
    let catalog = catalog(adapter(&server, FORWARDS));
    ask(&catalog, &caller("alice")).await;
    let (kind, detail) = error(&ask(&catalog, &Caller::default()).await);
    assert_eq!(kind, ErrorKind::Unauthorized);
    assert_eq!(
        detail,
        "the source cannot be asked on behalf of this caller: it did not authenticate"
    );
    let silent = caller_with("alice", json!({}), &[("cookie", "authorization=x")]);
    let (kind, detail) = error(&ask(&catalog, &silent).await);
    assert_eq!(kind, ErrorKind::Unauthorized);
    assert!(detail.ends_with("(authorization)"), "{detail}");
    assert_eq!(server.requests().len(), 1);
    // Nor does anybody see what is there on behalf of nobody in particular.
    let deadline = Instant::now() + PATIENCE;
    let shared = catalog.get("club", &Scope::Shared, CacheMode::Insist, deadline);
    assert!(shared.await.unwrap().snapshot.is_none());
    assert!(
        catalog
            .peek("club", &Scope::Shared)
            .unwrap()
            .snapshot
            .is_none()
    );
    assert!(
        catalog
            .peek_for("club", &silent)
            .unwrap()
            .snapshot
            .is_none()
    );
    let own = catalog.peek_for("club", &caller("alice")).unwrap();
    assert_eq!(owner(&own), "alice-key");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn values_of_a_caller_are_written_where_the_request_says() {
    let server = Server::start(|request| {
        let body = String::from_utf8_lossy(request.body());
        let tenant = header(request, "x-tenant");
        list_of(&format!("{} {tenant} {body}", request.uri()))
    })
    .await;
    let request = "request = { method = 'POST', path = '/of/{caller.id}/{caller.claims/org/id}', \
        query = { t = '{caller.claims/https:~1~1id.example~1tenant}' }, \
        headers = { x-tenant = 'a {caller.claims/org/id}' }, \
        json = { level = '{caller.claims/level}', admin = '{caller.claims/admin}', n = '{caller.claims/level}.' } }";
    let catalog = catalog(adapter(&server, request));
    let claims = json!({
        "org": { "id": "a/b" }, "https://id.example/tenant": "é&x=1", "level": 7, "admin": true,
    });
    let alice = caller_with("alice@example.com", claims.clone(), &[]);
    assert_eq!(
        owner(&ask(&catalog, &alice).await),
        "/of/alice%40example.com/a%2Fb?t=%C3%A9%26x%3D1 a a/b \
         {\"admin\":true,\"level\":7,\"n\":\"7.\"}"
    );
    // What is not sent makes no difference.
    let mut more = claims.clone();
    more["email"] = json!("alice@example.com");
    ask(&catalog, &caller_with("alice@example.com", more, &[])).await;
    assert_eq!(server.requests().len(), 1);
    for missing in ["org", "level", "https://id.example/tenant"] {
        let mut less = claims.clone();
        less.as_object_mut().unwrap().remove(missing);
        let without = caller_with("alice@example.com", less, &[]);
        let (kind, detail) = error(&ask(&catalog, &without).await);
        assert_eq!(kind, ErrorKind::Unauthorized);
        assert!(detail.contains("{caller.claims/"), "{detail}");
        assert!(
            !detail.contains("alice") && !detail.contains("a/b"),
            "{detail}"
        );
    }
    assert_eq!(server.requests().len(), 1);
}

/// A token endpoint that gives each caller a token of its own, and the upstream that takes them.
fn exchanging(request: &Request<Bytes>) -> Response<Bytes> {
    if request.uri().path() != "/token" {
        return by_key(request);
    }
    let form: Vec<(String, String)> = url::form_urlencoded::parse(request.body())
        .into_owned()
        .collect();
    let field = |name: &str| {
        let mut fields = form.iter();
        let field = fields.find_map(|(field, value)| (field == name).then_some(value.as_str()));
        field.unwrap_or_default()
    };
    let is_right = field("grant_type") == "urn:ietf:params:oauth:grant-type:token-exchange"
        && field("subject_token_type") == "urn:ietf:params:oauth:token-type:access_token"
        && field("audience") == "club"
        && field("scope") == "groups.read"
        && header(request, "authorization") == "Basic Y2xpZW50OnMzY3JldC1vZi1vdXJz";
    if !is_right {
        return status(401).map(Bytes::from);
    }
    match field("subject_token").strip_prefix("jwt-of-") {
        None | Some("mallory") => {
            let body =
                json!({ "error": "invalid_grant", "error_description": "no jwt-of-mallory" });
            let mut response = answer(&body).map(Bytes::from);
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response
        }
        Some(name) => {
            let body = json!({
                "access_token": format!("exchanged-for-{name}"), "token_type": "Bearer",
                "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
                "expires_in": 3600,
            });
            answer(&body).map(Bytes::from)
        }
    }
}

fn exchanges(server: &Server) -> String {
    format!(
        "auth = {{ type = 'token_exchange_caller', token_url = '{}/token', client_id = 'client', \
         client_secret = {{ env = 'SECRET' }}, audience = 'club', scope = 'groups.read' }}",
        server.base_url()
    )
}

#[tokio::test]
async fn a_token_is_exchanged_once_for_each_caller_and_a_refused_one_concerns_no_other() {
    let server = Server::start(exchanging).await;
    let catalog = catalog(adapter(&server, &exchanges(&server)));
    let [alice, bob, mallory] = ["alice", "bob", "mallory"].map(caller);
    let all = [&alice, &alice, &bob, &mallory, &alice, &bob];
    let found = join_all(all.map(|caller| ask(&catalog, caller))).await;
    for (at, name) in [
        (0, "alice"),
        (1, "alice"),
        (2, "bob"),
        (4, "alice"),
        (5, "bob"),
    ] {
        assert_eq!(owner(&found[at]), format!("exchanged-for-{name}"));
    }
    let (kind, detail) = error(&found[3]);
    assert_eq!(kind, ErrorKind::Unauthorized);
    assert!(!detail.contains("mallory"), "{detail}");
    let logins = |server: &Server| {
        let asked = server.asked();
        asked.iter().filter(|path| *path == "/token").count()
    };
    // A refusal is believed when it is confirmed.
    assert_eq!(logins(&server), 1 + 1 + 2);
    // The token is kept for as long as it lives.
    ask_as(&catalog, &alice, CacheMode::Insist).await;
    assert_eq!(logins(&server), 4);
    let circuit = catalog.circuit("club").unwrap();
    assert_eq!(circuit.state, CircuitState::Closed);
}

#[tokio::test]
async fn a_refused_caller_loses_its_own_list_and_nobody_else_notices() {
    let is_refused = Arc::new(AtomicBool::new(false));
    let refuses = Arc::clone(&is_refused);
    let server = Server::start(move |request| {
        let key = header(request, "authorization");
        if key == "Bearer mallory-key" && refuses.load(Ordering::SeqCst) {
            let mut response = answer(&json!(format!("who is {key}?"))).map(Bytes::from);
            *response.status_mut() = StatusCode::FORBIDDEN;
            return response;
        }
        by_key(request)
    })
    .await;
    let keys =
        format!("{FORWARDS}\nmin_refresh = '0s'\nbreaker = {{ failures = 1 }}\nmessage = '/'");
    let catalog = catalog(adapter(&server, &keys));
    let [alice, mallory] = ["alice", "mallory"].map(caller);
    assert_eq!(owner(&ask(&catalog, &alice).await), "alice-key");
    assert_eq!(owner(&ask(&catalog, &mallory).await), "mallory-key");
    is_refused.store(true, Ordering::SeqCst);
    let lookup = ask_as(&catalog, &mallory, CacheMode::Insist).await;
    let (kind, detail) = error(&lookup);
    assert_eq!(kind, ErrorKind::Unauthorized);
    assert!(!detail.contains("mallory-key"), "{detail}");
    assert!(detail.contains("who is ***"), "{detail}");
    let walks = serde_json::to_string(&catalog.last_walks("club")).unwrap();
    assert!(!walks.contains("mallory"), "{walks}");

    let circuit = catalog.circuit("club").unwrap();
    assert_eq!(circuit.state, CircuitState::Closed);
    let kept = ask(&catalog, &alice).await;
    assert_eq!(
        (owner(&kept), kept.state),
        ("alice-key".to_owned(), SourceState::Fresh)
    );
    let renewed = ask_as(&catalog, &alice, CacheMode::Insist).await;
    assert!(renewed.error.is_none() && owner(&renewed) == "alice-key");
}

#[tokio::test]
async fn the_least_recently_used_caller_is_dropped_for_a_new_one() {
    let server = Server::start(by_key).await;
    let catalog = catalog(adapter(&server, &format!("{FORWARDS}\nscopes = 2")));
    let [alice, bob, carol] = ["alice", "bobby", "carol"].map(caller);
    for caller in [&alice, &bob, &alice, &carol] {
        ask(&catalog, caller).await;
    }
    assert_eq!(server.requests().len(), 3);
    assert_eq!(owner(&ask(&catalog, &alice).await), "alice-key");
    assert_eq!(server.requests().len(), 3);
    let gone = catalog.peek_for("club", &bob).unwrap();
    assert_eq!(gone.state, SourceState::Pending);
    // No list of it was left behind.
    let standing = || {
        let standing = catalog.upstream("club").unwrap().standing_of_scopes();
        standing.unwrap()
    };
    let both = standing().bytes;
    let again = ask(&catalog, &bob).await;
    assert_eq!(owner(&again), "bobby-key");
    assert!(again.outcome.forwarded.is_some(), "{again:?}");
    assert_eq!(server.requests().len(), 4);
    assert_eq!((standing().entries, standing().bytes), (2, both));
}

#[tokio::test]
async fn other_settings_keep_the_lists_of_callers_where_the_upstream_is_the_same() {
    let server = Server::start(by_key).await;
    let adapter = |keys: &str| {
        let toml = format!(
            "[upstreams.club]\nbase_url = '{}'\nrequest = {{ path = '/groups' }}\nrecords = '/'\n\
             fields = {{ id = 'id', name = 'name' }}\n{FORWARDS}\n{keys}",
            server.base_url()
        );
        let loaded = load(&toml, crate::support::adapters::NO_VARIABLES);
        compile(&loaded, "club", &WallClock::system())
    };
    let before = catalog(adapter("ttl = '1h'"));
    ask(&before, &caller("alice")).await;
    let cache = Cache {
        capacity: 32 << 20,
        directory: None,
    };
    // How long lists serve is no reason to read them again.
    let same = before.succeed(vec![adapter("ttl = '2h'")], &cache);
    before.retire_for(&same).await;
    assert_eq!(owner(&ask(&same, &caller("alice")).await), "alice-key");
    assert_eq!(server.requests().len(), 1);
    let other = same.succeed(vec![adapter("scopes = 9")], &cache);
    same.retire_for(&other).await;
    assert_eq!(owner(&ask(&other, &caller("alice")).await), "alice-key");
    assert_eq!(server.requests().len(), 2);
}

/// Answers by who asks, with two groups of some kilobytes. No connection is made: what is counted is lists.
#[derive(Debug)]
struct LongLists;

impl Replay for LongLists {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        let owner = header(request, "authorization").trim_start_matches("Bearer ");
        let (name, padding) = (format!("group of {owner}"), "x".repeat(2000));
        let group = |id| json!({ "id": id, "name": name, "about": padding });
        Ok(answer(&json!([group(0), group(1)])).map(Bytes::from))
    }

    fn has_only_pages(&self) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_callers_take_no_more_memory_than_their_share() {
    const CAPACITY: u64 = 8 << 20;
    let keys = format!("{FORWARDS}\nlimits.concurrency = 32");
    let club = adapter_at("http://127.0.0.1:1", &keys);
    club.set_replay(Arc::new(LongLists));
    let catalog = Arc::new(catalog_of(club, CAPACITY));
    let next = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let clients = (0..32).map(|_| {
        let (catalog, next, most) = (Arc::clone(&catalog), Arc::clone(&next), Arc::clone(&most));
        tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::SeqCst);
                if number >= 10_000 {
                    break;
                }
                let name = format!("c{number}");
                let found = ask(&catalog, &caller(&name)).await;
                assert_eq!(owner(&found), format!("{name}-key"));
                // Each look goes through all entries.
                if number.is_multiple_of(16) {
                    let standing = catalog.upstream("club").unwrap().standing_of_scopes();
                    most.fetch_max(standing.unwrap().bytes as usize, Ordering::SeqCst);
                }
            }
        })
    });
    for client in join_all(clients).await {
        client.unwrap();
    }
    let standing = catalog
        .upstream("club")
        .unwrap()
        .standing_of_scopes()
        .unwrap();
    assert!(standing.entries <= 1000, "{standing:?}");
    assert!(standing.capacity <= CAPACITY / 8, "{standing:?}");
    // What the cache puts off may be there for a moment.
    let most = most.load(Ordering::SeqCst) as u64;
    assert!(
        most <= standing.capacity + (256 << 10),
        "{most} {standing:?}"
    );
    let lists = catalog.page_memory().lists.lists;
    assert!(lists <= CAPACITY / 4, "{lists}");
}

#[tokio::test(start_paused = true)]
async fn an_old_list_is_served_to_its_caller_while_one_refresh_runs_behind() {
    let walks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&walks);
    let server = Server::start(move |request| {
        counted.fetch_add(1, Ordering::SeqCst);
        by_key(request)
    })
    .await;
    let keys = format!("{FORWARDS}\nstale_while_revalidate = '1h'");
    let catalog = catalog(adapter(&server, &keys));
    let alice = caller("alice");
    ask(&catalog, &alice).await;
    tokio::time::advance(Duration::from_mins(61)).await;
    let stale = join_all([&alice; 3].map(|caller| ask(&catalog, caller))).await;
    for found in &stale {
        assert_eq!(
            (owner(found), found.state),
            ("alice-key".to_owned(), SourceState::Stale)
        );
    }
    crate::support::wait::eventually("the refresh ends", async || {
        let found = catalog.peek_for("club", &alice).unwrap();
        (found.state == SourceState::Fresh).then_some(())
    })
    .await;
    assert_eq!(walks.load(Ordering::SeqCst), 2);
}
