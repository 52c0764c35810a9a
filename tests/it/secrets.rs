//! Secrets never show: every command and the server at the most verbose log, with a marked secret in
//! every place that takes one, over success and failure. Everything that is written is searched for
//! the marks, also encoded.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use bytes::Bytes;
use http::{Method, Request, Response};
use rstest::rstest;
use serde_json::json;

use crate::support::adapters::load;
use crate::support::client::ask;
use crate::support::command::{ended, groupgate, line_with, lines, run, terminate};
use crate::support::server::{Server, json, status};

/// What stands at the end of every upstream's block.
const USUAL: &str = "records = '/items'\nmessage = '/message'\nlimits = { retries = 1, timeout = '300ms' }\n\
                     fields = { id = 'id', name = 'id' }\n";

/// Each upstream's keys besides the usual ones. `MARK` is a secret of its own at each place.
const UPSTREAMS: &[&str] = &[
    "auth = { type = 'bearer', token = MARK }",
    "auth = { type = 'basic', username = MARK, password = MARK }",
    "auth = { type = 'api_key', header = 'x-key', key = MARK }",
    "auth = { type = 'api_key', query = 'key', key = MARK }",
    "auth = { type = 'aws_sigv4', region = 'r', service = 's', access_key = MARK, secret_key = MARK, session_token = MARK }",
    "auth = { type = 'hmac', key_id = MARK, secret = MARK, string_to_sign = '{method}{path}{query}{host}{key_id}{body_hash}', header = 'K {key_id} {signature}' }",
    "auth = { type = 'oauth2_client_credentials', token_url = 'BASE/login', client_id = MARK, client_secret = MARK, scope = 'a' }",
    "auth = { type = 'token_exchange', request = { method = 'POST', path = '/login/{v}', vars = { v = MARK }, headers = { x-a = MARK }, query = { q = MARK }, json = { a = [{ b = MARK }] } }, token = '/access_token' }",
    "auth = { type = 'token_exchange', request = { method = 'POST', path = '/login', form = { a = MARK } }, token = '/access_token' }",
    "auth = { type = 'token_exchange', request = { method = 'POST', path = '/login', body = MARK }, token = '/access_token' }",
    "request = { path = '/{v}', vars = { v = MARK }, headers = { cookie = MARK, x-b = '{v}' }, query = { sig = MARK, several = [MARK, MARK] } }",
    "request = { method = 'POST', path = '/g', idempotent = true, json = { a = { b = [MARK] } } }",
    "request = { method = 'POST', path = '/g', idempotent = true, form = { pwd = MARK } }",
    "request = { method = 'POST', path = '/g', idempotent = true, body = MARK }",
    "connection = { proxy = 'BASE', proxy_username = MARK, proxy_password = MARK }",
];

/// The token that a login brings, which is a secret too.
const TOKEN: &str = "tOkEn~login?mark>7f3a9c";

/// How the upstreams behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    Succeeds,
    RefusesLists,
    RefusesLogins,
    SendsNoJson,
    SendsTheTokenInNoJson,
    RedirectsElsewhere,
    SendsBackWhatItWasSent,
    RedirectsWithWhatItWasSent,
    IsTooLate,
}

fn answer(behaviour: Behaviour, request: &Request<Bytes>) -> Response<String> {
    let is_login = request.uri().path().starts_with("/login");
    let list = json(&json!({ "items": [{ "id": "a" }] }));
    let login = json(&json!({ "access_token": TOKEN, "token_type": "Bearer" }));
    match (behaviour, is_login) {
        (Behaviour::RefusesLists, false) | (Behaviour::RefusesLogins, true) => status(401),
        (Behaviour::SendsTheTokenInNoJson, true) => Response::new(TOKEN.to_owned()),
        (Behaviour::SendsNoJson, false) => Response::new("<html>".to_owned()),
        (Behaviour::RedirectsElsewhere, false) => Response::builder()
            .status(302)
            .header("location", "http://elsewhere.example/")
            .body(String::new())
            .unwrap(),
        (Behaviour::SendsBackWhatItWasSent, _) => {
            let mut answer = json(&json!({ "message": heard(request) }));
            *answer.status_mut() = http::StatusCode::BAD_REQUEST;
            answer
        }
        (Behaviour::RedirectsWithWhatItWasSent, false) => {
            let query = request.uri().query().unwrap_or_default();
            Response::builder()
                .status(302)
                .header("location", format!("http://elsewhere.example/?{query}"))
                .body(heard(request))
                .unwrap()
        }
        (_, true) => login,
        (_, false) => list,
    }
}

/// All that a request says, the credentials first.
fn heard(request: &Request<Bytes>) -> String {
    let headers = request.headers().iter();
    let headers = headers.filter(|(name, _)| !["host", "accept"].contains(&name.as_str()));
    let headers: Vec<_> = headers
        .map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let body = String::from_utf8_lossy(request.body()).into_owned();
    format!("{} {} {body}", request.uri(), headers.join(" "))
}

/// A configuration, and the secrets in it.
struct Setup {
    toml: String,
    names: Vec<String>,
    variables: Vec<(String, String)>,
    marks: Vec<String>,
}

fn setup(base_url: &str, directory: &Path) -> Setup {
    let mut setup = Setup {
        toml: format!(
            "[server]\nlisten = '127.0.0.1:0'\nadmin = '127.0.0.1:0'\nadmin_token = MARK\n\
             shutdown_delay = '0s'\n[cursor]\nkeys = [MARK]\n[cache]\ndirectory = '{}'\n",
            directory.join("cache").display()
        ),
        names: Vec::new(),
        variables: Vec::new(),
        marks: vec![TOKEN.to_owned()],
    };
    for (index, keys) in UPSTREAMS.iter().enumerate() {
        let request = if keys.starts_with("request") {
            ""
        } else {
            "request = { path = '/g' }\n"
        };
        let name = format!("upstream-{index}");
        writeln!(
            setup.toml,
            "[upstreams.{name}]\nbase_url = '{base_url}'\n{request}{USUAL}{}",
            keys.replace("BASE", base_url)
        )
        .unwrap();
        setup.names.push(name);
    }
    while let Some(at) = setup.toml.find("MARK") {
        let number = setup.marks.len();
        // Long enough for a cursor key, with letters that every encoding changes.
        let mark = format!("mArK~{number:02}?sEcReT>for-a-test-of-{number:02}-leaks~zZ");
        // From the environment and from files in turn.
        let place = if number.is_multiple_of(2) {
            let path = directory.join(format!("secret-{number}"));
            std::fs::write(&path, format!("{mark}\n")).unwrap();
            format!("{{ file = '{}' }}", path.display())
        } else {
            setup
                .variables
                .push((format!("NUMBER_{number}"), mark.clone()));
            format!("{{ env = 'NUMBER_{number}' }}")
        };
        setup.toml.replace_range(at..at + 4, &place);
        setup.marks.push(mark);
    }
    setup
}

/// A secret as it may be written: as it is, percent-encoded, in hexadecimal digits and in base64, there
/// wherever it begins in a longer text.
fn forms(mark: &str) -> Vec<String> {
    let hex = mark
        .bytes()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let percent = percent_encoding::utf8_percent_encode(mark, percent_encoding::NON_ALPHANUMERIC);
    let query: String = url::form_urlencoded::byte_serialize(mark.as_bytes()).collect();
    let unreserved = percent.to_string().replace("%2D", "-").replace("%7E", "~");
    let mut forms = vec![mark.to_owned(), percent.to_string(), unreserved, query];
    forms.extend([hex.to_uppercase(), hex]);
    for before in 0..3 {
        let text = [&vec![b'x'; before][..], mark.as_bytes()].concat();
        for engine in [STANDARD, URL_SAFE] {
            let encoded = engine.encode(&text);
            // The letters at both ends depend on what is around.
            forms.push(encoded[4..encoded.len() - 4].to_owned());
        }
    }
    forms
}

fn assert_no_mark(written: &str, marks: &[String], what: &str) {
    for mark in marks {
        for form in forms(mark) {
            if let Some(at) = written.find(&form) {
                let start = written.floor_char_boundary(at.saturating_sub(300));
                let end = written.floor_char_boundary(at + 200);
                panic!("{what} shows {mark} as {form}: {}", &written[start..end]);
            }
        }
    }
}

#[test]
fn a_mark_is_found_in_every_form() {
    let mark = "mArK~01?sEcReT>".to_owned();
    for text in [
        "x mArK~01?sEcReT> y".to_owned(),
        STANDARD.encode("user:mArK~01?sEcReT>"),
        URL_SAFE.encode("u:mArK~01?sEcReT>"),
        "a=mArK~01%3FsEcReT%3E".to_owned(),
        "6d41724b7e30313f7345635265543e".to_owned(),
    ] {
        let found = forms(&mark).iter().any(|form| text.contains(form.as_str()));
        assert!(found, "{text}");
    }
}

#[rstest]
#[case::success(Behaviour::Succeeds)]
#[case::refused_lists(Behaviour::RefusesLists)]
#[case::refused_logins(Behaviour::RefusesLogins)]
#[case::no_json(Behaviour::SendsNoJson)]
#[case::the_token_in_no_json(Behaviour::SendsTheTokenInNoJson)]
#[case::a_redirect(Behaviour::RedirectsElsewhere)]
#[case::what_it_was_sent(Behaviour::SendsBackWhatItWasSent)]
#[case::a_redirect_with_what_it_was_sent(Behaviour::RedirectsWithWhatItWasSent)]
#[case::too_late(Behaviour::IsTooLate)]
#[tokio::test]
async fn nothing_that_is_written_shows_a_secret(#[case] behaviour: Behaviour) {
    let directory = tempfile::tempdir().unwrap();
    let server = if behaviour == Behaviour::IsTooLate {
        Server::play(|_| vec![crate::support::server::Step::Hang]).await
    } else {
        Server::start(move |request| answer(behaviour, request)).await
    };
    let setup = setup(server.base_url(), directory.path());
    let config = directory.path().join("gateway.toml");
    std::fs::write(&config, &setup.toml).unwrap();
    let config = config.to_str().unwrap();
    let mut variables = setup.variables.clone();
    let loaded = load(&setup.toml, variables.clone());
    let printed = format!("{:?}\n{:?}", loaded.plan, loaded.settings);
    assert_no_mark(&printed, &setup.marks, "Debug");
    variables.push(("RUST_LOG".to_owned(), "trace".to_owned()));

    let checked = run(groupgate(&["check", config], variables.clone())).await;
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    assert_no_mark(&(checked.stdout + &checked.stderr), &setup.marks, "check");
    for name in &setup.names {
        let tapes = directory.path().join("tapes");
        let recorded = ["--record", tapes.to_str().unwrap()];
        for options in [&recorded[..], &["--json"][..]] {
            let arguments = [&["probe", name, "--config", config], options].concat();
            let probed = run(groupgate(&arguments, variables.clone())).await;
            let written = probed.stdout + &probed.stderr;
            assert_no_mark(&written, &setup.marks, &format!("probe {name} {options:?}"));
        }
        let tape = std::fs::read_to_string(tapes.join(format!("{name}.toml"))).unwrap_or_default();
        assert_no_mark(&tape, &setup.marks, &format!("the recording of {name}"));
    }

    let mut process = groupgate(&["serve", "--config", config], variables)
        .spawn()
        .unwrap();
    let mut log = lines(process.stderr.take());
    let serving = line_with(&mut log, "\"serving\"").await;
    let serving: serde_json::Value = serde_json::from_str(&serving).unwrap();
    let mut written = serving.to_string();
    let (data, admin) = (
        serving["listen"].as_str().unwrap(),
        serving["admin"].as_str().unwrap(),
    );
    let token = format!("Bearer {}", setup.marks[1]);
    for url in [
        format!("http://{data}/groups"),
        format!("http://{data}/sources"),
        format!("http://{data}/openapi.json"),
        format!("http://{admin}/status"),
        format!("http://{admin}/metrics"),
        format!("http://{admin}/"),
    ] {
        let reply = ask(Method::GET, &url, &[("authorization", &token)]).await;
        writeln!(written, "{url}: {}", reply.text()).unwrap();
    }
    terminate(&process).await;
    while let Some(line) = log.next_line().await.unwrap() {
        writeln!(written, "{line}").unwrap();
    }
    ended(process).await;
    assert!(written.contains("groupgate"), "{written}");
    assert_no_mark(&written, &setup.marks, "serve");
}
