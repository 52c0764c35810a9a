//! Logins of every kind: how they are asked, where the token stands, what refuses it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use groupgate::error::ErrorKind;
use http::Response;
use rstest::rstest;
use serde_json::json;

use crate::staff::adapter;
use crate::support::adapters::{failed, ids, walked};
use crate::support::server::{Server, header, json, status};

fn login(keys: &str) -> String {
    format!(
        "[upstreams.staff.auth]\n\
         type = 'token_exchange'\n\
         {keys}"
    )
}

/// An upstream whose login answers so, and whose list wants the token `t0ken`.
async fn upstream(answer: fn() -> Response<String>) -> Server {
    Server::start(move |request| {
        if request.uri().path() == "/login" {
            return answer();
        }
        match header(request, "authorization") {
            Some("Bearer t0ken") => json(&json!({ "items": [{ "id": 1 }] })),
            _ => status(401),
        }
    })
    .await
}

fn in_a_body() -> Response<String> {
    json(&json!({ "data": { "token": "t0ken", "expires_in": "3600" } }))
}

fn as_a_json_string() -> Response<String> {
    json(&json!("t0ken"))
}

fn as_a_text() -> Response<String> {
    Response::new("t0ken\n".to_owned())
}

fn as_xml() -> Response<String> {
    Response::new("<login><token>t0ken</token></login>".to_owned())
}

fn in_a_header() -> Response<String> {
    let builder = Response::builder().status(201).header("x-token", "t0ken");
    builder.body(String::new()).unwrap()
}

#[rstest]
#[case::body("token = '/data/token'\nexpires = '/data/expires_in'", in_a_body)]
#[case::json_string("token = '/'", as_a_json_string)]
#[case::text("token = '/'\nanswer = 'text'", as_a_text)]
#[case::xml("token = '/login/token'\nanswer = 'xml'", as_xml)]
#[case::header("token = { header = 'x-token' }", in_a_header)]
#[tokio::test]
async fn a_token_is_found_wherever_the_login_puts_it(
    #[case] keys: &str,
    #[case] answer: fn() -> Response<String>,
) {
    let server = upstream(answer).await;
    let request = "request = { method = 'POST', path = '/login', form = { user = 'u', password = { env = 'PASSWORD' } } }\n";
    let keys = login(&format!("{request}{keys}"));
    let adapter = adapter(server.base_url(), &keys);
    assert_eq!(ids(&walked(&adapter).await), ["1"]);
    let sent = &server.requests()[0];
    assert_eq!(sent.body(), "password=pass%20word&user=u");
    assert_eq!(
        header(sent, "content-type"),
        Some("application/x-www-form-urlencoded")
    );
}

#[rstest]
#[case::with_401("", || status(401))]
#[case::with_403("", || status(403))]
#[case::with_500("answers = [{ status = 500, means = 'unauthorized' }]", || status(500))]
#[case::with_a_code("answers = [{ path = '/error', equals = 'token_expired', means = 'unauthorized' }]", || json(&json!({ "error": "token_expired" })))]
#[case::with_a_status_in_the_body("success = { path = '/code', equals = 0, absent = 'ok' }", || json(&json!({ "code": 401 })))]
#[tokio::test]
async fn a_refused_token_is_renewed_once_however_it_is_refused(
    #[case] keys: &str,
    #[case] refusal: fn() -> Response<String>,
) {
    let logins = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&logins);
    let server = Server::start(move |request| {
        if request.uri().path() == "/login" {
            let number = counted.fetch_add(1, Ordering::Relaxed) + 1;
            return json(&json!({ "token": format!("t{number}") }));
        }
        match header(request, "authorization") {
            Some("Bearer t2") => json(&json!({ "items": [{ "id": 1 }] })),
            _ => refusal(),
        }
    })
    .await;
    let login = login("request = { method = 'POST', path = '/login' }\ntoken = '/token'");
    let adapter = adapter(server.base_url(), &format!("{keys}\n{login}"));
    assert_eq!(ids(&walked(&adapter).await), ["1"]);
    assert_eq!(logins.load(Ordering::Relaxed), 2);
}

#[rstest]
#[case::a_4xx("", || status(400), ErrorKind::Unauthorized, 2)]
#[case::a_5xx("", || status(500), ErrorKind::HttpStatus, 3)]
#[case::a_code("answers = [{ path = '/error', equals = 'locked', means = 'unauthorized' }]", || json(&json!({ "error": "locked" })), ErrorKind::Unauthorized, 2)]
#[case::busy("answers = [{ path = '/error', equals = 'locked', means = 'retry' }]", || json(&json!({ "error": "locked" })), ErrorKind::Rejected, 3)]
#[case::no_token("", || json(&json!({})), ErrorKind::Mapping, 1)]
#[tokio::test]
async fn a_login_that_fails_says_whose_fault_it_is(
    #[case] keys: &str,
    #[case] answer: fn() -> Response<String>,
    #[case] expected: ErrorKind,
    #[case] logins: usize,
) {
    let server = Server::start(move |_| answer()).await;
    let request = "request = { method = 'POST', path = '/login' }\ntoken = '/token'\n";
    let login = login(&format!("{request}{keys}"));
    let error = failed(&adapter(server.base_url(), &login)).await;
    assert_eq!(error.kind, expected, "{error}");
    assert_eq!(server.requests().len(), logins);
}
