//! Secrets never show: every command and the server at the most verbose log, with a marked secret in
//! every place that takes one, over success and failure. Everything that is written is searched for
//! the marks, also encoded.

mod marks;

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use groupgate::app::App;
use groupgate::clock::WallClock;
use http::{Method, Request, Response, StatusCode};
use rstest::rstest;
use serde_json::json;

use crate::support::adapters::{NO_VARIABLES, load};
use crate::support::client::ask;
use crate::support::command::{ended, groupgate, line_with, lines, run, terminate};
use crate::support::server::{Server, Step, json, status};

use marks::{Setup, TOKEN, TlsPeer, assert_no_mark, setup};

/// How the upstreams behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    Succeeds,
    RefusesLists,
    RefusesLogins,
    SendsNoJson,
    SendsTheTokenInNoJson,
    RedirectsElsewhere,
    EchoesInErrors,
    EchoesInNoJson,
    SendsBackWhatItWasSent,
    RedirectsWithWhatItWasSent,
    LinksToWhatItWasSent,
    NamesWhatItWasSentAsNext,
    ListsWhatItWasSent,
    CountsWhatItWasSent,
    EndsALoginWithWhatItWasSent,
    IsTooLate,
}

fn answer(behaviour: Behaviour, request: &Request<Bytes>) -> Response<String> {
    let is_login = request.uri().path().starts_with("/login");
    let list = json(&json!({ "items": [{ "id": "a" }] }));
    let login = json(&json!({ "access_token": TOKEN, "token_type": "Bearer" }));
    let echo = || format!("{:?} {request:?}", request.body());
    match (behaviour, is_login) {
        (Behaviour::EchoesInErrors, _) => Response::builder().status(400).body(echo()).unwrap(),
        (Behaviour::EchoesInNoJson, _) => Response::new(sent_credential(request)),
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
            *answer.status_mut() = StatusCode::BAD_REQUEST;
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
        (Behaviour::LinksToWhatItWasSent, false) => Response::builder()
            .header(
                "link",
                format!("<{}>; rel=\"next\"", url_with(&sent_credential(request))),
            )
            .body(list.into_body())
            .unwrap(),
        (Behaviour::NamesWhatItWasSentAsNext, false) => {
            let next = url_with(&sent_credential(request));
            json(&json!({ "items": [{ "id": "a" }], "next": next }))
        }
        (Behaviour::ListsWhatItWasSent, false) => {
            json(&json!({ "items": sent_credential(request) }))
        }
        (Behaviour::CountsWhatItWasSent, false) => {
            json(&json!({ "items": [{ "id": "a" }], "total": sent_credential(request) }))
        }
        (Behaviour::EndsALoginWithWhatItWasSent, true) => {
            let end = sent_credential(request);
            json(&json!({ "access_token": TOKEN, "expires_in": end }))
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

/// The URL of a further page that repeats a credential.
fn url_with(credential: &str) -> String {
    let quoted: String = url::form_urlencoded::byte_serialize(credential.as_bytes()).collect();
    format!("/list?access_token={quoted}&page=2")
}

/// The first header that carries a mark, or else the path.
fn sent_credential(request: &Request<Bytes>) -> String {
    let mut values = request
        .headers()
        .values()
        .filter_map(|value| value.to_str().ok());
    let sent = values.find(|value| value.contains("mArK") || value.contains(TOKEN));
    sent.map_or_else(
        || request.uri().to_string(),
        |value| value.trim_start_matches("Bearer ").to_owned(),
    )
}

#[rstest]
#[case::success(Behaviour::Succeeds)]
#[case::refused_lists(Behaviour::RefusesLists)]
#[case::refused_logins(Behaviour::RefusesLogins)]
#[case::no_json(Behaviour::SendsNoJson)]
#[case::the_token_in_no_json(Behaviour::SendsTheTokenInNoJson)]
#[case::a_redirect(Behaviour::RedirectsElsewhere)]
#[case::an_echo_in_an_error(Behaviour::EchoesInErrors)]
#[case::an_echo_that_is_no_json(Behaviour::EchoesInNoJson)]
#[case::what_it_was_sent(Behaviour::SendsBackWhatItWasSent)]
#[case::a_redirect_with_what_it_was_sent(Behaviour::RedirectsWithWhatItWasSent)]
#[case::a_link_to_what_it_was_sent(Behaviour::LinksToWhatItWasSent)]
#[case::a_next_page_with_what_it_was_sent(Behaviour::NamesWhatItWasSentAsNext)]
#[case::records_that_are_what_it_was_sent(Behaviour::ListsWhatItWasSent)]
#[case::a_total_that_is_what_it_was_sent(Behaviour::CountsWhatItWasSent)]
#[case::an_expiry_that_is_what_it_was_sent(Behaviour::EndsALoginWithWhatItWasSent)]
#[case::too_late(Behaviour::IsTooLate)]
#[tokio::test]
async fn nothing_that_is_written_shows_a_secret(#[case] behaviour: Behaviour) {
    let directory = tempfile::tempdir().unwrap();
    let server = if behaviour == Behaviour::IsTooLate {
        Server::play(|_| vec![Step::Hang]).await
    } else {
        Server::start(move |request| answer(behaviour, request)).await
    };
    let tls = TlsPeer::start(move |request| answer(behaviour, request)).await;
    let mut setup = setup(server.base_url(), &tls, directory.path());
    let config = directory.path().join("gateway.toml");
    std::fs::write(&config, &setup.toml).unwrap();
    let config = config.to_str().unwrap();
    core_types_show_no_secret(&setup, directory.path()).await;
    setup
        .variables
        .push(("RUST_LOG".to_owned(), "trace".to_owned()));

    if behaviour == Behaviour::Succeeds {
        // It asks no upstream, so once is enough.
        let checked = run(groupgate(&["check", config], setup.variables.clone())).await;
        assert_eq!(checked.code, 0, "{}", checked.stderr);
        assert_no_mark(&(checked.stdout + &checked.stderr), &setup.marks, "check");
    }
    probes_show_no_secret(&setup, config, directory.path(), behaviour as usize).await;
    // It waits ten seconds for an answer, and needs to do so once.
    let most = if behaviour == Behaviour::IsTooLate {
        2
    } else {
        usize::MAX
    };
    infer_shows_no_secret(&setup, server.base_url(), most).await;
    serving_shows_no_secret(&setup, config).await;
}

/// `Debug` of what holds secrets, also while it works with them.
async fn core_types_show_no_secret(setup: &Setup, directory: &Path) {
    let cache = directory.join("another-cache").display().to_string();
    let variables = setup.variables.clone().into_iter();
    let loaded = load(
        &setup.toml,
        variables.chain([("GROUPGATE__CACHE__DIRECTORY".to_owned(), cache)]),
    );
    let wall = WallClock::system();
    let compiled = App::compile(&loaded, &wall).unwrap();
    let mut printed = format!("{loaded:?}\n{compiled:?}\n");
    let app = App::start(&loaded, compiled, &wall).await.unwrap();
    let url = format!("http://{}/groups", app.data_addr());
    ask(Method::GET, &url, &[]).await;
    write!(printed, "{app:?}\n{:?}", app.live().load()).unwrap();
    app.stop().await;
    assert_no_mark(&printed, &setup.marks, "Debug");
}

/// Each upstream once, as a text or as JSON in turn: `turn` says which begins.
async fn probes_show_no_secret(setup: &Setup, config: &str, directory: &Path, turn: usize) {
    let tapes = directory.join("tapes");
    for (index, name) in setup.names.iter().enumerate() {
        let mut arguments = vec!["probe", name, "--config", config];
        arguments.extend(["--record", tapes.to_str().unwrap()]);
        if (index + turn).is_multiple_of(2) {
            arguments.push("--json");
        }
        let probed = run(groupgate(&arguments, setup.variables.clone())).await;
        let written = probed.stdout + &probed.stderr;
        assert_no_mark(&written, &setup.marks, &format!("{arguments:?}"));
        let tape = std::fs::read_to_string(tapes.join(format!("{name}.toml"))).unwrap_or_default();
        assert_no_mark(&tape, &setup.marks, &format!("the recording of {name}"));
    }
}

/// Secrets in every argument of `infer` that takes one, which become variables; `most` runs at most.
async fn infer_shows_no_secret(setup: &Setup, base_url: &str, most: usize) {
    let mark = "mArK~in-an-argument?sEcReT>zZ";
    let quoted = percent_encoding::utf8_percent_encode(mark, percent_encoding::NON_ALPHANUMERIC);
    let with_user = base_url.replace("://", &format!("://me:{quoted}@"));
    let url = format!("{base_url}/g");
    let in_query = format!("{url}?api_key={quoted}&page=1");
    let bearer = format!("Authorization: Bearer {mark}");
    let basic = format!(
        "Authorization: Basic {}",
        STANDARD.encode(format!("me:{mark}"))
    );
    let cookie = format!("Cookie: session={mark}");
    let key = format!("X-Custom-Key: {mark}");
    let body = json!({ "filter": { "password": mark } }).to_string();
    let form = format!("client_secret={mark}");
    for arguments in [
        &["--url", &with_user][..],
        &["--url", &in_query],
        &["--url", &url, "--header", &bearer],
        &["--url", &url, "--header", &basic],
        &["--url", &url, "--header", &cookie, "--header", &key],
        &["--url", &url, "--method", "POST", "--json", &body],
        &["--url", &url, "--form", &form],
    ]
    .into_iter()
    .take(most)
    {
        let arguments = [&["infer"], arguments].concat();
        let inferred = run(groupgate(&arguments, setup.variables.clone())).await;
        let written = inferred.stdout + &inferred.stderr;
        assert_no_mark(&written, &[mark.to_owned()], &format!("{arguments:?}"));
    }
}

async fn serving_shows_no_secret(setup: &Setup, config: &str) {
    let arguments = ["serve", "--config", config];
    let mut process = groupgate(&arguments, setup.variables.clone())
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

/// The commands that take no secret, and so have none to show.
const WITHOUT_SECRETS: [&str; 7] = [
    "demo",
    "hash-key",
    "presets",
    "schema",
    "completions",
    "man",
    "help",
];

/// The commands that are run with secrets above.
const WITH_SECRETS: [&str; 4] = ["serve", "check", "probe", "infer"];

#[tokio::test]
async fn every_command_takes_no_secret_or_is_run_with_some() {
    let help = run(groupgate(&["help"], NO_VARIABLES)).await.stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    let mut found: Vec<_> = (commands)
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    let mut known = [&WITHOUT_SECRETS[..], &WITH_SECRETS].concat();
    found.sort_unstable();
    known.sort_unstable();
    assert_eq!(found, known);
}

#[tokio::test]
async fn commands_that_take_no_secret_print_none_of_the_environment() {
    let mark = "mArK~sEcReT";
    let variables = [("TALLYFY_TOKEN", mark), ("RUST_LOG", "trace")];
    for arguments in [
        &["presets"][..],
        &["presets", "github"],
        &["hash-key"],
        &["schema"],
        &["completions", "bash"],
        &["man"],
        &["help"],
        &["nonsense"],
    ] {
        let ran = run(groupgate(arguments, variables)).await;
        let written = ran.stdout + &ran.stderr;
        assert!(!written.is_empty());
        assert_no_mark(&written, &[mark.to_owned()], &format!("{arguments:?}"));
    }
}
