//! Callers with tokens: what each sees, and what an issuer does to those who trust it.

use std::sync::{Arc, Mutex};

use rstest::rstest;
use serde_json::Value;
use tempfile::NamedTempFile;

use crate::support::issuer::{Issuer, claims, unsigned};
use crate::support::server::{Step, head, status, whole};
use crate::support::wait::eventually;

use super::*;

/// Callers with tokens of the issuer whose keys are there, and one with a key.
fn token_callers(jwks: &str) -> String {
    format!(
        "[callers.jwt]
        issuer = 'https://id.example.com'
        audience = 'groupgate'
        jwks = {jwks}
        [grants.first]
        sources = ['alpha', 'beta']
        when = {{ claim = '/groups', any = ['staff'] }}
        [grants.last]
        sources = ['gamma']
        when = {{ claim = '/groups', any = ['audit', 'finance'] }}
        {}",
        keys(&[("one", "key-one", &["last"])])
    )
}

/// A file with the keys of an issuer.
fn file_of(issuer: &Issuer) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(&file, issuer.published().to_string()).unwrap();
    file
}

fn in_file(file: &NamedTempFile) -> String {
    format!("{{ file = '{}' }}", file.path().display())
}

fn at(server: &Server) -> String {
    format!("{{ url = '{}/keys' }}", server.base_url())
}

/// A server of keys, which others can take the place of.
async fn server_of(issuer: &Issuer) -> (Server, Arc<Mutex<Value>>) {
    let keys = Arc::new(Mutex::new(issuer.published()));
    let published = Arc::clone(&keys);
    let server = Server::start(move |_| answer(&published.lock().unwrap())).await;
    (server, keys)
}

async fn metrics(gateway: &Gateway) -> String {
    let reply = gateway.admin(Method::GET, "/metrics", &[]).await;
    reply.text().to_owned()
}

#[tokio::test]
async fn a_caller_with_a_token_sees_what_its_claims_grant() {
    let upstream = upstream().await;
    let issuer = Issuer::new("a");
    let (server, _) = server_of(&issuer).await;
    let gateway = started(&configuration(&upstream, &token_callers(&at(&server)))).await;
    let staff = issuer.token("anna", &["staff"]);
    // The first time it is verified, then it is remembered.
    for _ in 0..3 {
        let reply = asked_with(&gateway, &staff, "/groups?search=2").await;
        assert_eq!(names(&reply), ["alpha 2", "beta 2"]);
    }
    let both = issuer.token("ben", &["staff", "finance"]);
    let reply = asked_with(&gateway, &both, "/groups?search=2").await;
    assert_eq!(names(&reply), ["alpha 2", "beta 2", "gamma 2"]);
    let nobody = issuer.token("cleo", &["guests"]);
    assert_eq!(
        names(&asked_with(&gateway, &nobody, "/groups").await),
        [""; 0]
    );
    let by_key = asked_with(&gateway, "key-one", "/groups?search=2").await;
    assert_eq!(names(&by_key), ["gamma 2"]);
    assert_eq!(server.requests().len(), 1);
    let metrics = metrics(&gateway).await;
    for line in [
        r#"groupgate_tokens_total{outcome="verified"} 3"#,
        r#"groupgate_authentications_total{outcome="token"} 5"#,
        r#"groupgate_key_set_fetches_total{outcome="fetched"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn a_bad_token_is_refused_without_a_reason() {
    let upstream = upstream().await;
    let (issuer, other) = (Issuer::new("a"), Issuer::new("a"));
    let file = file_of(&issuer);
    let gateway = started(&configuration(&upstream, &token_callers(&in_file(&file)))).await;
    let with = |name: &str, value: Value| {
        let mut claims = claims("anna", &["staff"]);
        claims[name] = value;
        issuer.signed(&claims)
    };
    let mut refusals = Vec::new();
    for token in [
        unsigned(&claims("anna", &["staff"])),
        other.token("anna", &["staff"]),
        with("exp", json!(1)),
        with("nbf", json!(99_999_999_999_u64)),
        with("iss", json!("https://id.example.org")),
        with("aud", json!("other")),
        with("sub", json!("anna\u{0}")),
        format!("{}.x", issuer.token("anna", &["staff"])),
    ] {
        let refused = asked_with(&gateway, &token, "/groups").await;
        let mut problem = refused.problem(401, "unauthorized");
        problem["instance"].take();
        let challenge = refused.header("www-authenticate");
        assert_eq!(
            challenge,
            r#"Bearer realm="groupgate", error="invalid_token""#
        );
        refusals.push(problem.clone());
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    // However often an address sends bad ones, whoever has to renew its own is told so.
    let mut bad = StatusCode::UNAUTHORIZED;
    while bad == StatusCode::UNAUTHORIZED {
        bad = asked_with(&gateway, "no token", "/groups").await.status;
    }
    assert_eq!(bad, StatusCode::TOO_MANY_REQUESTS);
    let ended = asked_with(&gateway, &with("exp", json!(1)), "/groups").await;
    ended.problem(401, "unauthorized");
    assert!(!ended.header("www-authenticate").is_empty());
}

#[tokio::test]
async fn a_cursor_belongs_to_the_subject_and_not_to_its_token() {
    let upstream = upstream().await;
    let issuer = Issuer::new("a");
    let file = file_of(&issuer);
    let gateway = started(&configuration(&upstream, &token_callers(&in_file(&file)))).await;
    let first = issuer.token("anna", &["staff"]);
    let page = asked_with(&gateway, &first, "/groups?limit=1").await.json();
    let next = format!("/groups?cursor={}", page["next_cursor"].as_str().unwrap());
    let mut renewed = claims("anna", &["staff"]);
    renewed["jti"] = json!("another");
    let renewed = issuer.signed(&renewed);
    assert_eq!(names(&asked_with(&gateway, &renewed, &next).await).len(), 1);
    let other = issuer.token("ben", &["staff"]);
    asked_with(&gateway, &other, &next)
        .await
        .problem(400, "start-over");
}

#[rstest]
#[case::down("status", 0)]
#[case::elsewhere("status", 1)]
#[case::malformed("unusable", 2)]
#[case::without_a_key("unusable", 3)]
#[case::huge("too-large", 4)]
#[case::cut_off("unreachable", 5)]
#[tokio::test]
async fn without_keys_tokens_wait_and_other_callers_do_not(
    #[case] outcome: &str,
    #[case] kind: u8,
) {
    let upstream = upstream().await;
    let issuer = Issuer::new("a");
    let server = match kind {
        0 => Server::start(|_| status(503)).await,
        1 => {
            // Where it leads, keys would be found.
            let (elsewhere, _) = server_of(&issuer).await;
            let location = format!("{}/keys", elsewhere.base_url());
            Server::start(move |_| {
                let mut response = status(302);
                let location = location.parse().unwrap();
                response.headers_mut().insert("location", location);
                response
            })
            .await
        }
        2 => Server::play(|_| whole("<html>")).await,
        3 => Server::play(|_| whole(r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#)).await,
        4 => Server::play(|_| vec![head(""), Step::Flood(vec![b' '; 4096])]).await,
        _ => Server::play(|_| vec![head("content-length: 99\r\n")]).await,
    };
    let gateway = started(&configuration(&upstream, &token_callers(&at(&server)))).await;
    let refused = asked_with(&gateway, &issuer.token("anna", &["staff"]), "/groups").await;
    refused.problem(503, "authentication-unavailable");
    let seconds: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    // What is no token of the issuer is not known to be none.
    let by_key = asked_with(&gateway, "key-one", "/groups?search=2").await;
    assert_eq!(names(&by_key), ["gamma 2"]);
    gateway.get("/groups").await.problem(401, "unauthorized");
    let metrics = metrics(&gateway).await;
    let counted = format!(r#"groupgate_key_set_fetches_total{{outcome="{outcome}"}}"#);
    assert!(metrics.contains(&counted), "{metrics}");
}

#[tokio::test]
async fn other_rules_fetch_keys_of_their_own_and_those_from_before_go() {
    let upstream = upstream().await;
    let [issuer, other] = ["a", "b"].map(Issuer::new);
    let (server, published) = server_of(&issuer).await;
    let before = token_callers(&at(&server));
    let gateway = started(&configuration(&upstream, &before)).await;
    let search = "/groups?search=2";
    let [token, next] = [&issuer, &other].map(|issuer| issuer.token("anna", &["staff"]));
    assert_eq!(names(&asked_with(&gateway, &token, search).await).len(), 2);
    *published.lock().unwrap() = other.published();
    let jwks = format!("{}\n        algorithms = ['ES256', 'RS256']", at(&server));
    let changed = token_callers(&jwks);
    gateway.swap(&configuration(&upstream, &changed)).await;
    eventually("the keys are fetched again", async || {
        (server.requests().len() == 2).then_some(())
    })
    .await;
    assert_eq!(names(&asked_with(&gateway, &next, search).await).len(), 2);
    let refused = asked_with(&gateway, &token, search).await;
    refused.problem(401, "unauthorized");
}

#[tokio::test]
async fn keys_that_a_reload_does_not_touch_stay_and_others_go() {
    let upstream = upstream().await;
    let issuer = Issuer::new("a");
    let (server, _) = server_of(&issuer).await;
    let before = token_callers(&at(&server));
    let gateway = started(&configuration(&upstream, &before)).await;
    let token = issuer.token("anna", &["staff"]);
    let search = "/groups?search=2";
    assert_eq!(names(&asked_with(&gateway, &token, search).await).len(), 2);

    // A grant that changes counts for a token that is remembered.
    let granted = before.replace("['alpha', 'beta']", "['beta']");
    gateway.swap(&configuration(&upstream, &granted)).await;
    let reply = asked_with(&gateway, &token, search).await;
    assert_eq!(names(&reply), ["beta 2"]);
    assert_eq!(server.requests().len(), 1);

    let stricter = granted.replace("'groupgate'", "'another'");
    gateway.swap(&configuration(&upstream, &stricter)).await;
    asked_with(&gateway, &token, search)
        .await
        .problem(401, "unauthorized");
    assert_eq!(server.requests().len(), 1);

    let other = Issuer::new("a");
    let file = file_of(&other);
    let from_file = before.replace(&at(&server), &in_file(&file));
    gateway.swap(&configuration(&upstream, &from_file)).await;
    asked_with(&gateway, &token, search)
        .await
        .problem(401, "unauthorized");
    let token = other.token("anna", &["staff"]);
    assert_eq!(names(&asked_with(&gateway, &token, search).await).len(), 2);

    std::fs::write(&file, issuer.published().to_string()).unwrap();
    gateway.swap(&configuration(&upstream, &from_file)).await;
    asked_with(&gateway, &token, search)
        .await
        .problem(401, "unauthorized");
}
