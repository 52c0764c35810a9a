//! Logins: one for many pages, renewed once when it is refused, and their failures told apart.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use groupgate::clock::WallClock;
use groupgate::error::ErrorKind;
use groupgate::tools::demo::{Change, InjectedFault, LoginStatus, Options, TokenKind};
use http::Response;
use jiff::Timestamp;
use rstest::rstest;
use serde_json::json;

use crate::support::adapters::{
    GATEWAY, adapter, adapter_at, adapter_of, compile, failed, ids, load_emulated, walked,
};
use crate::support::emulations::{emulated, emulated_by, emulation};
use crate::support::server::{Server, header, json as answer, parameter, status};

const NAME: &str = "collections";

#[rstest]
#[tokio::test]
async fn one_login_serves_many_walks(
    #[values(TokenKind::Jwt, TokenKind::Opaque)] tokens: TokenKind,
    #[values(LoginStatus::StatusCode, LoginStatus::Status, LoginStatus::Absent)]
    login_status: LoginStatus,
) {
    let emulations = emulated_by(Options {
        groups: 5,
        tokens,
        login_status,
        ..Options::default()
    })
    .await;
    let adapter = adapter(&emulations, NAME, &[("limits.concurrency", "1")]);
    for _ in 0..3 {
        assert_eq!(walked(&adapter).await.groups.len(), 5);
    }
    let stats = emulation(&emulations, NAME).stats();
    assert_eq!((stats.logins, stats.pages, stats.unauthorized), (1, 3, 0));
}

#[rstest]
#[tokio::test]
async fn a_revoked_token_is_renewed_once(
    #[values(TokenKind::Jwt, TokenKind::Opaque)] tokens: TokenKind,
) {
    let emulations = emulated_by(Options {
        groups: 5,
        tokens,
        ..Options::default()
    })
    .await;
    let collections = emulation(&emulations, NAME);
    collections.before_page(1, Change::RevokeTokens);
    assert_eq!(
        walked(&adapter(&emulations, NAME, &[])).await.groups.len(),
        5
    );
    let stats = collections.stats();
    assert_eq!((stats.logins, stats.pages, stats.unauthorized), (2, 2, 1));
}

/// The clock of an emulation that a test can move: tests have one each.
macro_rules! clock {
    ($now:ident, $clock:ident) => {
        static $now: AtomicI64 = AtomicI64::new(1_800_000_000);
        fn $clock() -> Timestamp {
            Timestamp::from_second($now.load(Ordering::Relaxed)).unwrap()
        }
    };
}

#[tokio::test]
async fn a_token_that_the_upstream_thinks_has_ended_is_renewed() {
    clock!(NOW, clock);
    let emulations = emulated_by(Options {
        groups: 5,
        token_life: Duration::from_mins(10),
        clock,
        ..Options::default()
    })
    .await;
    let adapter = adapter_at(&emulations, NAME, &[], &WallClock::fixed(clock()));
    walked(&adapter).await;
    NOW.fetch_add(700, Ordering::Relaxed);
    assert_eq!(walked(&adapter).await.groups.len(), 5);
    let stats = emulation(&emulations, NAME).stats();
    assert_eq!((stats.logins, stats.pages, stats.unauthorized), (2, 3, 1));
}

#[tokio::test]
async fn wrong_credentials_are_unauthorized_at_the_login() {
    let emulations = emulated(5).await;
    let variables = [("COLLECTIONS_SECRET", "guessed")];
    let loaded = load_emulated(GATEWAY, &emulations, &variables);
    let adapter = compile(&loaded, NAME, &WallClock::system());
    let error = failed(&adapter).await;
    assert_eq!(
        error.to_string(),
        "unauthorized: login: status 401: Invalid client credentials"
    );
    let stats = emulation(&emulations, NAME).stats();
    assert_eq!((stats.logins, stats.pages), (2, 0));
}

#[tokio::test]
async fn a_list_that_refuses_every_token_is_unauthorized_after_exactly_one_renewal() {
    let emulations = emulated(5).await;
    let domain = r#"headers = { domain = "my-domain" }"#;
    let toml = GATEWAY.replace(domain, r#"headers = { domain = "not-mine" }"#);
    assert_ne!(toml, GATEWAY);
    let loaded = load_emulated(&toml, &emulations, &[]);
    let error = failed(&compile(&loaded, NAME, &WallClock::system())).await;
    assert_eq!(error.to_string(), "unauthorized: status 403: UNAUTHORIZED");
    let stats = emulation(&emulations, NAME).stats();
    assert_eq!((stats.logins, stats.pages, stats.unauthorized), (2, 2, 2));
}

#[rstest]
#[case::no_answer(InjectedFault::Hang, ErrorKind::Timeout)]
#[case::server_error(InjectedFault::Status(500), ErrorKind::HttpStatus)]
#[case::unavailable(InjectedFault::Status(503), ErrorKind::HttpStatus)]
#[case::too_many(InjectedFault::Status(429), ErrorKind::RateLimited)]
#[case::error_in_body(InjectedFault::ErrorInBody, ErrorKind::Rejected)]
#[case::web_page(InjectedFault::Garbage, ErrorKind::Decode)]
#[case::broken_off(InjectedFault::Truncate, ErrorKind::Connect)]
#[case::refused(InjectedFault::Status(400), ErrorKind::Unauthorized)]
#[case::refused_as_a_form(InjectedFault::Status(422), ErrorKind::Unauthorized)]
#[case::not_found(InjectedFault::Status(404), ErrorKind::HttpStatus)]
#[case::too_slow(InjectedFault::Status(408), ErrorKind::HttpStatus)]
#[case::in_conflict(InjectedFault::Status(409), ErrorKind::HttpStatus)]
#[tokio::test]
async fn a_login_that_fails_is_unauthorized_only_if_it_was_refused(
    #[case] fault: InjectedFault,
    #[case] kind: ErrorKind,
) {
    let emulations = emulated(5).await;
    emulation(&emulations, NAME).set_fault(Some(fault));
    let waits = kind == ErrorKind::Timeout;
    let timeout = if waits { "150ms" } else { "5s" };
    let settings = [("limits.timeout", timeout), ("limits.retries", "0")];
    let error = failed(&adapter(&emulations, NAME, &settings)).await;
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.detail.starts_with("login: "), "{error}");
    let stats = emulation(&emulations, NAME).stats();
    let logins = if kind == ErrorKind::Unauthorized {
        2
    } else {
        1
    };
    assert_eq!((stats.logins, stats.pages), (logins, 0));
}

/// An upstream with a login and pages, which no shipped one has.
const PAGES_BEHIND_A_LOGIN: &str = r#"
    [upstreams.club]
    base_url = ""
    request = { path = "/teams", query = { page = "{page}" } }
    records = "/teams"
    pagination = { style = "page", pages = "/pages" }
    fields = { id = "id", name = "id" }

    [upstreams.club.auth]
    type = "token_exchange"
    token = { header = "X-Session" }
    header = "X-Session"
    scheme = ""
    request = { method = "POST", path = "/login", json = { password = { env = "PASSWORD" } } }
"#;

/// Serves 40 pages of one team. A session holds for `life` pages.
async fn club(life: u64) -> Server {
    let (sessions, pages) = (AtomicU64::new(0), AtomicU64::new(0));
    Server::start(move |request| {
        if request.uri().path() == "/login" {
            assert_eq!(request.body(), r#"{"password":"open sesame"}"#);
            pages.store(0, Ordering::SeqCst);
            let session = sessions.fetch_add(1, Ordering::SeqCst) + 1;
            let session = format!("session-{session}");
            let answer = Response::builder().header("X-Session", session);
            return answer.body("{}".to_owned()).unwrap();
        }
        let session = format!("session-{}", sessions.load(Ordering::SeqCst));
        if header(request, "X-Session") != Some(&session)
            || pages.fetch_add(1, Ordering::SeqCst) >= life
        {
            return status(401);
        }
        let page = parameter(request, "page").unwrap();
        answer(&json!({ "teams": [{ "id": format!("team-{page}") }], "pages": 40 }))
    })
    .await
}

async fn logins(server: &Server) -> usize {
    let variables = [("PASSWORD", "open sesame")];
    let adapter = adapter_of(PAGES_BEHIND_A_LOGIN, server.base_url(), &variables);
    let walked = walked(&adapter).await;
    let expected: Vec<_> = (1..=40).map(|page| format!("team-{page}")).collect();
    assert_eq!(ids(&walked), expected);
    let requests = server.requests();
    let logins = requests.iter().filter(|request| request.uri() == "/login");
    logins.count()
}

#[tokio::test]
async fn one_login_serves_many_pages() {
    assert_eq!(logins(&club(u64::MAX).await).await, 1);
}

#[tokio::test]
async fn a_token_that_ends_in_the_middle_of_a_walk_is_renewed_once_for_all_pages_under_way() {
    assert_eq!(logins(&club(25).await).await, 2);
}

#[tokio::test]
async fn many_walks_at_once_log_in_once() {
    let server = Arc::new(club(u64::MAX).await);
    let variables = [("PASSWORD", "open sesame")];
    let adapter = adapter_of(PAGES_BEHIND_A_LOGIN, server.base_url(), &variables);
    tokio::join!(walked(&adapter), walked(&adapter), walked(&adapter));
    let requests = server.requests();
    let logins = requests.iter().filter(|request| request.uri() == "/login");
    assert_eq!(logins.count(), 1);
}
