//! Refused credentials: one refusal among successes changes nothing, a second one right after it evicts
//! the list, in memory and on disk. The same for every scheme.

use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use rstest::rstest;
use serde_json::json;
use tempfile::TempDir;

use crate::support::adapters::load;
use crate::support::client::source;
use crate::support::gateway::{ANY_PORT, Gateway};
use crate::support::server::{Server, json, status};
use crate::support::wait::eventually;

const SECRETS: [(&str, &str); 2] = [("KEY", "key-id"), ("SECRET", "a-secret")];

/// What the upstream does to the next requests instead of answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Status(u16),
    InBody(u16),
    RetryAfter,
    NothingRemains,
}

impl Refusal {
    fn answer(self) -> Response<String> {
        let forbidden = |name: &str, value: &str| {
            let builder = Response::builder().status(403).header(name, value);
            builder.body(String::new()).unwrap()
        };
        match self {
            Self::Status(code) => status(code),
            Self::InBody(code) => json(&json!({ "code": code, "items": [] })),
            Self::RetryAfter => forbidden("retry-after", "1"),
            Self::NothingRemains => forbidden("x-ratelimit-remaining", "0"),
        }
    }
}

/// The refusals that are still to be given, of pages and of logins.
#[derive(Debug, Default)]
struct Planned {
    pages: Vec<Refusal>,
    logins: Vec<Refusal>,
}

/// A gateway with one upstream, whose refusals are planned.
struct Site {
    gateway: Gateway,
    planned: Arc<Mutex<Planned>>,
    server: Server,
}

async fn site(auth: &str, directory: &Path) -> Site {
    let planned = Arc::<Mutex<Planned>>::default();
    let next = Arc::clone(&planned);
    let server = Server::start(move |request: &Request<Bytes>| {
        let mut planned = next.lock().unwrap();
        let is_login = request.uri().path() == "/login";
        let refusals = if is_login {
            &mut planned.logins
        } else {
            &mut planned.pages
        };
        if let Some(refusal) = refusals.pop() {
            return refusal.answer();
        }
        if is_login {
            return json(&json!({ "access_token": "t0ken", "token_type": "Bearer" }));
        }
        json(&json!({ "code": 200, "items": [{ "id": "a" }] }))
    })
    .await;
    let (url, directory) = (server.base_url(), directory.display());
    let auth = auth.replace("BASE", url);
    let toml = format!(
        "{ANY_PORT}
        [cache]
        directory = '{directory}'
        min_refresh = '1ms'
        [upstreams.u]
        base_url = '{url}'
        request = {{ path = '/groups' }}
        records = '/items'
        success = {{ path = '/code', equals = 200, absent = 'ok' }}
        limits = {{ retries = 0, pacing = false }}
        fields = {{ id = 'id', name = 'id' }}
        {auth}"
    );
    let gateway = Gateway::start(&load(&toml, SECRETS)).await;
    gateway.ready().await;
    Site {
        gateway,
        planned,
        server,
    }
}

impl Site {
    fn plan(&self, pages: &[Refusal], logins: &[Refusal]) {
        *self.planned.lock().unwrap() = Planned {
            pages: pages.to_vec(),
            logins: logins.to_vec(),
        };
    }

    /// The status of a refresh.
    async fn refresh(&self) -> StatusCode {
        self.gateway.refresh("u").await.status
    }

    /// How many groups are served, and the type of the source's error.
    async fn served(&self) -> (u64, String) {
        let reply = self.gateway.get("/groups").await.json();
        let source = if reply["sources"][0].is_object() {
            source(&reply, "u").clone()
        } else {
            panic!("no source: {reply}")
        };
        let kind = source["error"]["type"].as_str().unwrap_or_default();
        (
            source["groups"].as_u64().unwrap_or_default(),
            kind.to_owned(),
        )
    }
}

/// A folder in memory where the system has one: a busy disk takes long to sync.
fn directory() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

/// Waits until so many files are there. One that is being written is beside the one before.
async fn files_are(expected: usize, directory: &Path) {
    eventually("the files are as expected", async || {
        (files(directory) == expected).then_some(())
    })
    .await;
}

fn files(directory: &Path) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}

#[rstest]
#[case::none("auth = { type = 'none' }")]
#[case::bearer("auth = { type = 'bearer', token = { env = 'SECRET' } }")]
#[case::basic("auth = { type = 'basic', username = 'u', password = { env = 'SECRET' } }")]
#[case::key_in_a_header("auth = { type = 'api_key', header = 'x-key', key = { env = 'SECRET' } }")]
#[case::key_in_the_query("auth = { type = 'api_key', query = 'key', key = { env = 'SECRET' } }")]
#[case::sigv4(
    "auth = { type = 'aws_sigv4', region = 'r', service = 's', access_key = { env = 'KEY' }, secret_key = { env = 'SECRET' } }"
)]
#[case::hmac(
    "auth = { type = 'hmac', key_id = { env = 'KEY' }, secret = { env = 'SECRET' }, string_to_sign = '{path}', header = '{key_id} {signature}' }"
)]
#[case::login(
    "auth = { type = 'token_exchange', request = { method = 'POST', path = '/login' }, token = '/access_token' }"
)]
#[case::oauth2(
    "auth = { type = 'oauth2_client_credentials', token_url = 'BASE/login', client_id = 'c', client_secret = { env = 'SECRET' } }"
)]
#[tokio::test]
async fn one_refusal_among_successes_evicts_nothing_and_a_second_one_evicts_everywhere(
    #[case] auth: &str,
) {
    let directory = directory();
    let site = site(auth, directory.path()).await;
    files_are(1, directory.path()).await;
    for refusal in [401, 403]
        .into_iter()
        .flat_map(|code| [Refusal::Status(code), Refusal::InBody(code)])
    {
        site.plan(&[refusal], &[]);
        assert_eq!(site.refresh().await, StatusCode::OK, "{refusal:?}");
        assert_eq!(site.served().await, (1, String::new()), "{refusal:?}");
    }
    for refusal in [Refusal::RetryAfter, Refusal::NothingRemains] {
        site.plan(&[refusal], &[]);
        assert_ne!(site.refresh().await, StatusCode::OK, "{refusal:?}");
        assert_eq!(
            site.served().await,
            (1, "rate_limited".to_owned()),
            "{refusal:?}"
        );
    }
    files_are(1, directory.path()).await;
    // Every further walk is refused, too: none may bring the file back.
    site.plan(&[Refusal::Status(403); 100], &[]);
    let before = site.server.requests().len();
    assert_ne!(site.refresh().await, StatusCode::OK);
    let pages = site.server.requests().split_off(before);
    let pages = pages
        .iter()
        .filter(|request| request.uri().path() == "/groups");
    assert_eq!(pages.count(), 2);
    site.gateway
        .get("/groups")
        .await
        .problem(502, "sources-failed");
    files_are(0, directory.path()).await;
}

#[rstest]
#[case::login(
    "auth = { type = 'token_exchange', request = { method = 'POST', path = '/login' }, token = '/access_token' }"
)]
#[case::oauth2(
    "auth = { type = 'oauth2_client_credentials', token_url = 'BASE/login', client_id = 'c', client_secret = { env = 'SECRET' } }"
)]
#[tokio::test]
async fn a_login_that_is_refused_once_or_fails_evicts_nothing_and_one_refused_twice_does(
    #[case] auth: &str,
) {
    let directory = directory();
    let site = site(auth, directory.path()).await;
    files_are(1, directory.path()).await;
    for code in [400, 401, 403, 422] {
        site.plan(&[Refusal::Status(401)], &[Refusal::Status(code)]);
        assert_eq!(site.refresh().await, StatusCode::OK, "{code}");
        assert_eq!(site.served().await, (1, String::new()), "{code}");
    }
    for (refusal, kind) in [
        (Refusal::Status(500), "http_status"),
        (Refusal::Status(503), "http_status"),
        (Refusal::Status(429), "rate_limited"),
        (Refusal::RetryAfter, "rate_limited"),
    ] {
        site.plan(&[Refusal::Status(401)], &[refusal]);
        assert_ne!(site.refresh().await, StatusCode::OK, "{refusal:?}");
        assert_eq!(site.served().await, (1, kind.to_owned()), "{refusal:?}");
    }
    files_are(1, directory.path()).await;
    site.plan(&[Refusal::Status(401); 100], &[Refusal::Status(400); 100]);
    assert_ne!(site.refresh().await, StatusCode::OK);
    site.gateway
        .get("/groups")
        .await
        .problem(502, "sources-failed");
    files_are(0, directory.path()).await;
}

#[tokio::test]
async fn an_upstream_whose_name_has_a_hyphen_is_reached_by_everything() {
    let server = Server::start(|_| json(&json!({ "items": [{ "id": "a" }] }))).await;
    let toml = format!(
        "{ANY_PORT}
        [upstreams.club-one]
        base_url = 'http://127.0.0.1:9'
        request = {{ path = '/groups' }}
        min_refresh = '1ms'
        records = '/items'
        fields = {{ id = 'id', name = 'id' }}"
    );
    let variable = (
        "GROUPGATE__UPSTREAMS__CLUB_ONE__BASE_URL",
        server.base_url(),
    );
    let gateway = Gateway::start(&load(&toml, [variable])).await;
    gateway.ready().await;
    assert_eq!(gateway.refresh("club-one").await.status, StatusCode::OK);
    let page = gateway.page("/groups?source=club-one&limit=1").await;
    assert_eq!(page["groups"][0]["id"], "club-one:a");
    let one = gateway.page("/groups/club-one:a").await;
    assert_eq!(one["source"], "club-one");
    let sources = gateway.page("/sources").await;
    assert_eq!(source(&sources, "club-one")["groups"], 1);
}

#[tokio::test]
async fn a_list_from_disk_outlives_one_refusal_after_a_restart() {
    let directory = directory();
    let auth = "auth = { type = 'none' }";
    let first = site(auth, directory.path()).await;
    first.gateway.stop().await;
    files_are(1, directory.path()).await;
    let second = site(auth, directory.path()).await;
    second.plan(&[Refusal::Status(403)], &[]);
    assert_eq!(second.refresh().await, StatusCode::OK);
    assert_eq!(second.served().await, (1, String::new()));
}
