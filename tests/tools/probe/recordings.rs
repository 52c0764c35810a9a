//! A recording holds no secret, and brings the same groups when it is walked.

use std::path::Path;

use groupgate::tools::case::CaseFile;
use groupgate::tools::demo::{Emulations, Options};
use http::Response;
use rstest::rstest;
use serde_json::json;
use tempfile::TempDir;

use super::command::{Outcome, probe, steady};
use super::shown::{SECRET, directory};
use crate::support::server::{Server, json as answer, parameter};

fn name(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}

/// Walks a recording without anything else at hand.
async fn replay(upstream: &str, folder: &TempDir) -> Outcome {
    let case = folder.path().join(format!("{upstream}.toml"));
    probe(&[upstream, "--sample", name(&case)], &[]).await
}

fn recorded(upstream: &str, folder: &TempDir) -> String {
    std::fs::read_to_string(folder.path().join(format!("{upstream}.toml"))).unwrap()
}

#[tokio::test]
async fn a_recording_of_every_emulation_is_walked_to_the_same_groups_and_holds_no_secret() {
    let options = Options {
        groups: 230,
        ..Options::default()
    };
    let emulations = Emulations::start(options).await.unwrap();
    let variables = emulations.variables();
    let folder = TempDir::new().unwrap();
    for upstream in [
        "collections",
        "vinyldns",
        "publisher",
        "onlivesite",
        "tallyfy",
    ] {
        let arguments = [upstream, "--record", name(folder.path())];
        let outcome = probe(&arguments, &variables).await;
        assert_eq!(
            (outcome.code, outcome.complained.as_str()),
            (0, ""),
            "{upstream}"
        );
        let case = recorded(upstream, &folder);
        for (variable, value) in &variables {
            let is_secret = !variable.ends_with("BASE_URL");
            assert!(
                !is_secret || !case.contains(value),
                "{upstream}: {variable} shows"
            );
            assert!(
                !is_secret || !outcome.said.contains(value),
                "{upstream}: {variable} shows"
            );
        }
        for header in ["authorization", "signature"] {
            let [exchanges, _] = case.split("[expect]").collect::<Vec<_>>()[..] else {
                panic!("{case}");
            };
            let (_, exchanges) = exchanges.split_once("[[exchange]]").unwrap();
            assert!(
                !exchanges.to_lowercase().contains(header),
                "{upstream}: {header}"
            );
        }
        let outcome = replay(upstream, &folder).await;
        assert_eq!(
            (outcome.code, outcome.complained.as_str()),
            (0, ""),
            "{upstream}"
        );
        assert!(outcome.said.contains("230 groups on "), "{}", outcome.said);
    }
}

/// A login whose answer holds more than the token, and pages that name the next by URL.
const LINKED: &str = r#"
[upstreams.directory]
base_url = ""
records = "/teams"
request = { path = "/teams", headers = { x-view = "full", x-key = { env = "KEY" } }, query = { v = "2" } }
pagination = { style = "next_url", next = "/next" }
fields = { id = "key", name = "title", url = "link" }
limits = { rate = "1000/s" }

[upstreams.directory.auth]
type = "token_exchange"
request = { method = "POST", path = "/login", json = { key = { env = "KEY" } } }
token = "/data/token"
"#;

async fn linked() -> Server {
    Server::start(|request| {
        let host = request.headers()["host"].to_str().unwrap();
        if request.uri().path() == "/api/login" {
            let answer = json!({
                "data": { "token": "t0ken-of-the-upstream" },
                "refresh_token": "r3fresh-of-the-upstream",
                "user": "svc",
            });
            let answer = Response::builder()
                .header("set-cookie", "session=c00kie")
                .body(answer.to_string());
            return answer.unwrap();
        }
        let is_second = parameter(request, "page").is_some();
        let next = (!is_second).then(|| format!("http://{host}/api/teams?v=2&page=2"));
        let key = if is_second { "2" } else { "1" };
        let link = format!("http://{host}/api/teams/{key}");
        let team = json!({ "key": key, "title": "a", "link": link, "note": format!("{SECRET}!"), "none": null });
        answer(&json!({ "teams": [team], "next": next }))
    })
    .await
}

#[tokio::test]
async fn a_recording_says_what_it_replaced_and_is_of_any_origin() {
    let server = linked().await;
    let toml = LINKED.replace(
        "base_url = \"\"",
        &format!("base_url = \"{}/api\"", server.base_url()),
    );
    let folder = TempDir::new().unwrap();
    let arguments = ["--record", name(folder.path())];
    let outcome = directory(&toml, &server, &arguments).await;
    assert_eq!((outcome.code, outcome.complained.as_str()), (0, ""));
    let (_, told) = outcome.said.split_once("\nrecorded ").unwrap();
    let told = told.replace(name(folder.path()), "FOLDER");
    let case = recorded("directory", &folder);
    for secret in [SECRET, "t0ken-of", "r3fresh-of", "c00kie"] {
        assert!(!case.contains(secret), "{secret}: {case}");
    }
    let shown = case.lines().map(|line| match line {
        line if line.starts_with("now = ") => "now = ‹time›",
        line => line,
    });
    let shown = shown.collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(steady(&format!("{told}\n--\n{shown}"), server.base_url()));
    let outcome = replay("directory", &folder).await;
    assert_eq!((outcome.code, outcome.complained.as_str()), (0, ""));
    assert!(
        outcome.said.contains("2 groups on 2 pages"),
        "{}",
        outcome.said
    );
}

#[rstest]
#[case::under_another_name(
    r#"{"jwt": "eyJhbGciOi.eyJzdWIiOiI.c2lnbmF0dXJl", "ends": "2026-11-25T01:18:05.562Z"}"#
)]
#[case::as_the_whole_answer("eyJhbGciOi.eyJzdWIiOiI.c2lnbmF0dXJl\n")]
#[tokio::test]
async fn a_token_that_the_login_did_not_find_is_not_written_down(#[case] login: &'static str) {
    let server = Server::start(|_| Response::new(login.to_owned())).await;
    let folder = TempDir::new().unwrap();
    let outcome = directory(LINKED, &server, &["--record", name(folder.path())]).await;
    assert_eq!(outcome.code, 1);
    let case = recorded("directory", &folder);
    let shown = [&case, &outcome.said, &outcome.complained];
    for text in shown {
        // What was expected instead is told with the first letters of what came.
        assert!(!text.contains("eyJzdWIiOiI"), "{text}");
    }
    assert!(case.contains("REMOVED_"), "{case}");
    assert_eq!(
        case.contains("2026-11-25"),
        login.contains("2026-11-25"),
        "{case}"
    );
}

#[rstest]
#[case::as_they_are("c3ZjOmh1bnRlcjItaHVudGVyMg==")]
#[case::without_padding("c3ZjOmh1bnRlcjItaHVudGVyMg")]
#[case::decoded("svc:hunter2-hunter2")]
#[case::in_hexadecimal_digits("7376633A68756E746572322D68756E74657232")]
#[case::encoded_once_more("YzNaak9taDFiblJsY2pJdGFIVnVkR1Z5TWc9PQ==")]
#[tokio::test]
async fn credentials_that_are_echoed_are_not_shown(#[case] echoed: &'static str) {
    let server = Server::start(move |request| {
        let sent = request.headers()["authorization"].to_str().unwrap();
        assert_eq!(sent, "Basic c3ZjOmh1bnRlcjItaHVudGVyMg==");
        answer(&json!([{ "id": 1, "name": "a", "sent": format!("<{echoed}>") }]))
    })
    .await;
    let toml = r#"
        [upstreams.directory]
        base_url = ""
        request = { path = "/teams" }
        records = "/"
        fields = { id = "id", name = "name" }
        auth = { type = "basic", username = "svc", password = { env = "KEY" } }
    "#;
    let folder = TempDir::new().unwrap();
    let outcome = directory(toml, &server, &["--record", name(folder.path())]).await;
    assert_eq!((outcome.code, outcome.complained.as_str()), (0, ""));
    let case = recorded("directory", &folder);
    let bare = echoed.trim_end_matches('=');
    for text in [&outcome.said, &case] {
        assert!(!text.contains(&bare[..bare.len() - 2]), "{text}");
    }
    assert!(case.contains("<REMOVED_"), "{case}");
}

#[tokio::test]
async fn a_recording_is_never_written_over_another() {
    let server = linked().await;
    let toml = LINKED.replace(
        "base_url = \"\"",
        &format!("base_url = \"{}/api\"", server.base_url()),
    );
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("directory.toml"), "mine").unwrap();
    let outcome = directory(&toml, &server, &["--record", name(folder.path())]).await;
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.complained.contains("already exists"),
        "{}",
        outcome.complained
    );
    assert_eq!(recorded("directory", &folder), "mine");
}

#[tokio::test]
async fn a_walk_that_fails_is_recorded_with_its_failure() {
    let server = Server::start(|_| answer(&json!({ "people": [] }))).await;
    let toml = r#"
        [upstreams.directory]
        base_url = ""
        request = { path = "/teams" }
        records = "/teams"
        fields = { id = "key", name = "title" }
    "#;
    let folder = TempDir::new().unwrap();
    let outcome = directory(toml, &server, &["--record", name(folder.path())]).await;
    assert_eq!(outcome.code, 1);
    let case = recorded("directory", &folder);
    assert!(
        case.contains("error = { type = \"mapping\", detail = "),
        "{case}"
    );
    let outcome = replay("directory", &folder).await;
    assert_eq!(
        (outcome.code, outcome.complained.as_str()),
        (0, ""),
        "{}",
        outcome.said
    );
}

#[tokio::test]
async fn a_case_whose_groups_are_others_is_a_failure_that_names_them() {
    let server = linked().await;
    let toml = LINKED.replace(
        "base_url = \"\"",
        &format!("base_url = \"{}/api\"", server.base_url()),
    );
    let folder = TempDir::new().unwrap();
    directory(&toml, &server, &["--record", name(folder.path())]).await;
    let case = recorded("directory", &folder).replace("name = \"title\"", "name = \"key\"");
    std::fs::write(folder.path().join("directory.toml"), case).unwrap();
    let outcome = replay("directory", &folder).await;
    assert_eq!(outcome.code, 1);
    assert!(
        outcome
            .complained
            .contains("group 1: `name` is \"1\"; expected \"a\""),
        "{}",
        outcome.complained
    );
}

#[tokio::test]
async fn a_case_of_the_style_tests_is_walked_as_a_recording_is() {
    let (mut walked, mut failed) = (0, Vec::new());
    for file in std::fs::read_dir("tests/styles").unwrap() {
        let file = file.unwrap().path();
        let Ok(case) = CaseFile::read(&file) else {
            continue;
        };
        // A case that answers callers is no walk, what stands in for an upstream sends its bodies as they are,
        // and without partitions there is no page of groups.
        let left_out = |value: &String| value == "D29 gzip" || value == "D32 no partitions";
        if case.ask.is_some() || case.covers.iter().any(left_out) {
            continue;
        }
        let outcome = probe(&["it", "--sample", name(&file)], &[]).await;
        if outcome.code != 0 {
            failed.push(format!("{}: {}", file.display(), outcome.complained));
        }
        walked += 1;
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(walked > 150, "{walked} cases");
}
