//! The command line, run as a user runs it: the built binary, its output and its exit code.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use groupgate::tools::demo::{Emulations, InjectedFault};
use http::{Method, StatusCode};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::net::TcpListener;

use crate::support::adapters::{NO_VARIABLES, SECRETS, borrowed};
use crate::support::client::{ask, each};
use crate::support::command::{Outcome, ended, groupgate, line_with, lines, run, terminate};
use crate::support::deployment::SOURCES;
use crate::support::emulations::{emulated, emulation};
use crate::support::wait::eventually;

/// Ports that are free.
const ANY_PORT: [(&str, &str); 2] = [
    ("GROUPGATE__SERVER__LISTEN", "127.0.0.1:0"),
    ("GROUPGATE__SERVER__ADMIN", "127.0.0.1:0"),
];

/// A configuration of the test's own.
fn file(text: &str) -> NamedTempFile {
    let file = NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn name(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}

#[tokio::test]
async fn check_explains_the_shipped_configuration() {
    let outcome = run(groupgate(&["check"], SECRETS)).await;
    assert_eq!(outcome.stderr, "");
    assert_eq!(outcome.code, 0);
    insta::assert_snapshot!(outcome.stdout);
}

/// The command `check`, over a block that asks by query and takes moments so.
async fn check_by_query(time: &str) -> Outcome {
    let toml = format!(
        "
        [upstreams.club]
        base_url = 'http://localhost'
        list = 'by_query'
        request = {{ path = '/teams', query = {{ id = '{{id}}', since = '{{created_after}}' }} }}
        records = '/'
        pagination = {{ style = 'link' }}
        pushdown = {{ paged = false, created_after = {time} }}
        fields = {{ id = 'id', name = 'name', created_at = 'made' }}
        "
    );
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), toml).unwrap();
    run(groupgate(
        &["check", file.path().to_str().unwrap()],
        NO_VARIABLES,
    ))
    .await
}

#[tokio::test]
async fn check_says_by_which_filters_an_upstream_is_asked() {
    let outcome = check_by_query("{ format = 'date', round = '24h' }").await;
    assert_eq!(outcome.stderr, "");
    let said = "asked by query: id, created_after, then without pages; its whole list only where \
                a query has none of these";
    assert!(outcome.stdout.contains(said), "{}", outcome.stdout);
}

#[tokio::test]
async fn check_refuses_moments_that_are_written_too_coarsely() {
    let outcome = check_by_query("{ format = 'date' }").await;
    assert_eq!(outcome.code, 1);
    for said in [
        "this format cannot tell times apart that differ by 1s",
        "set `round = \"24h\"`, or a multiple of it",
    ] {
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    }
}

#[tokio::test]
async fn check_names_every_missing_secret_with_the_key_that_needs_it() {
    let outcome = run(groupgate(&["check"], NO_VARIABLES)).await;
    assert_eq!(outcome.code, 1);
    assert_eq!(outcome.stdout, "");
    for (variable, key) in [
        ("COLLECTIONS_ID", "collections.auth.request.json.client_id"),
        ("VINYL_KEY", "vinyldns.auth.access_key"),
        ("TALLYFY_ORG", "tallyfy.request.vars.org_id"),
    ] {
        let said = format!(
            "the environment variable `{variable}` is not set, and `upstreams.{key}` needs it"
        );
        assert!(outcome.stderr.contains(&said), "{}", outcome.stderr);
    }
    assert!(outcome.stderr.contains("9 problems in gateway.toml"));
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named_with_how_to_name_another() {
    let outcome = run(groupgate(&["check", "nowhere.toml"], NO_VARIABLES)).await;
    assert_eq!(outcome.code, 1);
    insta::assert_snapshot!(outcome.stderr);
}

#[tokio::test]
async fn nothing_is_started_with_a_broken_configuration() {
    let broken = file("[server]\nlisten = \"127.0.0.1:0\"\ndeadlin = \"3s\"\n");
    for arguments in [
        ["serve", "--config", name(broken.path())].as_slice(),
        &["check", name(broken.path())],
        &["probe", "any", "--config", name(broken.path())],
    ] {
        let outcome = run(groupgate(arguments, NO_VARIABLES)).await;
        assert_eq!(outcome.code, 1, "{arguments:?}");
        assert_eq!(outcome.stdout, "");
        let located = format!("{}:3:1]", name(broken.path()));
        assert!(outcome.stderr.contains(&located), "{}", outcome.stderr);
        assert!(outcome.stderr.contains("`deadline`"));
        assert!(!outcome.stderr.contains("serving"));
    }
}

#[tokio::test]
async fn misuse_is_answered_with_the_usage() {
    for arguments in [&["srve"][..], &[], &["demo", "--fault", "tallyfy=broken"]] {
        let outcome = run(groupgate(arguments, NO_VARIABLES)).await;
        assert_eq!(outcome.code, 2, "{arguments:?}");
        assert!(!outcome.stderr.is_empty());
    }
}

#[tokio::test]
async fn the_schema_is_json_and_describes_every_section() {
    let outcome = run(groupgate(&["schema"], NO_VARIABLES)).await;
    assert_eq!(outcome.code, 0);
    let schema: Value = serde_json::from_str(&outcome.stdout).unwrap();
    for section in [
        "server",
        "gateway",
        "cache",
        "rate_limit",
        "cursor",
        "upstreams",
    ] {
        assert!(
            schema["properties"][section]["description"].is_string(),
            "{section}"
        );
    }
}

/// The emulations, and the environment under which the shipped configuration asks them.
async fn emulations(groups: usize) -> (Emulations, Vec<(String, String)>) {
    let emulations = emulated(groups).await;
    let variables = emulations.variables();
    (emulations, variables)
}

#[tokio::test]
async fn probe_walks_one_upstream_and_shows_what_it_saw() {
    let (_emulations, variables) = emulations(250).await;
    for upstream in SOURCES {
        let outcome = run(groupgate(&["probe", upstream], borrowed(&variables))).await;
        assert_eq!(outcome.stderr, "");
        assert_eq!(outcome.code, 0);
        for step in ["request", "answer", "records", "unmapped", "group", "next"] {
            let heading = |line: &str| line.contains(step);
            assert!(
                outcome.stdout.lines().any(heading),
                "{step}: {}",
                outcome.stdout
            );
        }
        assert!(
            outcome
                .stdout
                .contains("\ntotal\n            250 groups on "),
            "{}",
            outcome.stdout
        );
        for (name, value) in &variables {
            let is_secret = !name.ends_with("BASE_URL");
            assert!(
                !is_secret || !outcome.stdout.contains(value),
                "{name} shows"
            );
        }
    }
}

#[tokio::test]
async fn probe_shows_what_it_asked_where_the_upstream_refuses() {
    let (emulations, variables) = emulations(5).await;
    let tallyfy = emulation(&emulations, "tallyfy");
    tallyfy.set_fault(Some(InjectedFault::Unauthorized));
    let outcome = run(groupgate(&["probe", "tallyfy"], borrowed(&variables))).await;
    assert_eq!(outcome.code, 1);
    let asked = format!("GET {}/organizations/***/groups", tallyfy.base_url());
    for said in [
        "error: unauthorized: status 401\n",
        &asked,
        "a status of 2xx",
    ] {
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    }
}

#[tokio::test]
async fn probe_replays_a_recorded_page() {
    let sample = "tests/fixtures/vendor/2-vinyldns/list-response.json";
    let outcome = run(groupgate(
        &["probe", "vinyldns", "--sample", sample],
        SECRETS,
    ))
    .await;
    assert_eq!(outcome.stderr, "");
    assert_eq!(outcome.code, 0);
    let measured = |line: &&str| !line.contains(" in ") && !line.contains("x-amz-date");
    let said: Vec<_> = outcome.stdout.lines().filter(measured).collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[tokio::test]
async fn probe_shows_why_a_record_is_no_group_and_what_no_field_takes() {
    let page = r#"{ "data": [
        { "id": "1", "name": "Sales", "color": "red" },
        { "name": "nobody's" },
        { "id": "2", "name": "Ops", "color": "blue", "floor": 3 }
    ] }"#;
    let sample = NamedTempFile::with_suffix(".json").unwrap();
    std::fs::write(sample.path(), page).unwrap();
    let arguments = ["probe", "tallyfy", "--sample", name(sample.path())];
    let outcome = run(groupgate(&arguments, SECRETS)).await;
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    for said in [
        "skipped   record 2: it has no id",
        "color  in 2 of 3: \"red\"",
        "floor  in 1 of 3: 3",
    ] {
        assert!(outcome.stdout.contains(said), "{}", outcome.stdout);
    }
}

#[tokio::test]
async fn probe_says_why_a_recorded_page_is_none() {
    let sample = "tests/fixtures/vendor/4-onlivesite/error-401.json";
    for (upstream, sample, said) in [
        (
            "publisher",
            sample,
            "error: decode: expected XML, but the body begins with",
        ),
        ("onlivesite", sample, "error: unauthorized: "),
        (
            "tallyfy",
            "nowhere.json",
            "error: `nowhere.json` cannot be read: ",
        ),
        (
            "tallify",
            sample,
            "error: there is no upstream `tallify`: the file has collections, ",
        ),
    ] {
        let outcome = run(groupgate(&["probe", upstream, "--sample", sample], SECRETS)).await;
        assert_eq!(outcome.code, 1, "{upstream}");
        assert!(outcome.stderr.starts_with(said), "{}", outcome.stderr);
    }
}

#[tokio::test]
async fn serve_answers_until_it_is_asked_to_stop_and_ends_what_it_began() {
    let (emulations, variables) = emulations(5).await;
    let slow = InjectedFault::Slow(Duration::from_secs(2));
    emulation(&emulations, "tallyfy").set_fault(Some(slow));
    let variables = borrowed(&variables).into_iter().chain(ANY_PORT);
    let mut child = groupgate(&["serve"], variables).spawn().unwrap();
    let mut log = lines(child.stderr.take());
    let serving: Value = serde_json::from_str(&line_with(&mut log, "\"serving\"").await).unwrap();
    let url = format!("http://{}/groups", serving["listen"].as_str().unwrap());
    let admin = format!("http://{}", serving["admin"].as_str().unwrap());
    let livez = ask(Method::GET, &format!("{admin}/livez"), &[]).await;
    assert_eq!(livez.status, StatusCode::OK);

    // A request that waits for the slow upstream, and a stop while it waits.
    let open = tokio::spawn({
        let url = url.clone();
        async move { ask(Method::GET, &url, &[]).await }
    });
    eventually("the other upstreams were walked", async || {
        let status = ask(Method::GET, &format!("{admin}/status"), &[]).await;
        (status.json()["groups"].as_u64() >= Some(20)).then_some(())
    })
    .await;
    terminate(&child).await;
    let status = ended(child).await;
    assert!(status.success(), "{status}");
    let page = open.await.unwrap();
    assert_eq!(page.json()["complete"], true);
    assert_eq!(page.json()["groups"].as_array().unwrap().len(), 25);
    line_with(&mut log, "\"stopping\"").await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_the_key_that_asks_for_it() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (variable, key) in [
        ("GROUPGATE__SERVER__LISTEN", "server.listen"),
        ("GROUPGATE__SERVER__ADMIN", "server.admin"),
    ] {
        let variables = SECRETS.into_iter().chain(ANY_PORT);
        let variables = variables.chain([(variable, address.as_str())]);
        let outcome = run(groupgate(&["serve"], variables)).await;
        assert_eq!(outcome.code, 1);
        let said = format!("error: cannot listen on {address}, as `{key}` asks\n");
        assert!(outcome.stderr.contains(&said), "{}", outcome.stderr);
        assert!(outcome.stderr.contains("Address already in use"));
    }
}

#[tokio::test]
async fn demo_prints_urls_that_work() {
    let arguments = ["demo", "--groups", "30", "--latency", "0ms"];
    let mut child = groupgate(&arguments, ANY_PORT).spawn().unwrap();
    let mut output = lines(child.stdout.take());
    line_with(&mut output, "try it:").await;
    let mut urls = Vec::new();
    while let Some(line) = output.next_line().await.unwrap() {
        let Some(curl) = line.trim().strip_prefix("curl ") else {
            break;
        };
        let url = curl
            .split('\'')
            .nth(1)
            .expect("the URL is quoted")
            .to_owned();
        urls.push((curl.contains("-X POST"), curl.contains("ndjson"), url));
    }
    assert!(urls.len() >= 5, "{urls:?}");
    for (post, ndjson, url) in &urls {
        let method = if *post { Method::POST } else { Method::GET };
        let accept = if *ndjson {
            "application/x-ndjson"
        } else {
            "*/*"
        };
        let reply = ask(method, url, &[("accept", accept)]).await;
        assert_eq!(reply.status, StatusCode::OK, "{url}: {}", reply.text());
        assert!(!reply.body.is_empty());
    }
    let docs = line_with(&mut output, "/docs").await;
    let docs = docs
        .split_whitespace()
        .find(|word| word.starts_with("http"))
        .unwrap();
    assert_eq!(ask(Method::GET, docs, &[]).await.status, StatusCode::OK);
    terminate(&child).await;
    assert!(ended(child).await.success());
}

#[tokio::test]
async fn demo_tells_two_callers_apart() {
    let arguments = ["demo", "--groups", "3", "--latency", "0ms", "--callers"];
    let mut child = groupgate(&arguments, ANY_PORT).spawn().unwrap();
    let mut output = lines(child.stdout.take());
    line_with(&mut output, "try it:").await;
    let mut told = Vec::new();
    while let Some(line) = output.next_line().await.unwrap() {
        let Some(curl) = line.trim().strip_prefix("curl ") else {
            break;
        };
        let quoted: Vec<&str> = curl.split('\'').collect();
        let header = quoted.get(3).and_then(|header| header.split_once(": "));
        let reply = ask(Method::GET, quoted[1], header.as_slice()).await;
        told.push((reply.status.as_u16(), reply));
    }
    let statuses: Vec<u16> = told.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 400, 401]);
    let sources = |place: usize| told[place].1.json()["sources"].as_array().unwrap().len();
    assert_eq!((sources(0), sources(1)), (5, 2));
    terminate(&child).await;
    assert!(ended(child).await.success());
}

#[tokio::test]
async fn hash_key_makes_a_key_and_hashes_one_that_it_is_given() {
    let made = run(groupgate(&["hash-key"], NO_VARIABLES)).await;
    assert_eq!(made.code, 0, "{}", made.stderr);
    let said = |name: &str| {
        let mut lines = made.stdout.lines();
        let line = lines.find_map(|line| line.strip_prefix(name));
        line.expect("it says so").trim().to_owned()
    };
    let (key, hash) = (said("key "), said("sha256 "));
    assert_eq!(key.len(), 67, "{key}");
    assert!(made.stdout.contains(&format!("sha256 = \"{hash}\"")));
    let mut hashing = groupgate(&["hash-key", "--stdin"], NO_VARIABLES);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{key}\n")).unwrap();
    hashing.stdin(std::fs::File::open(&file).unwrap());
    let hashed = run(hashing).await;
    assert_eq!(hashed.stdout, format!("{hash}\n"), "{}", hashed.stderr);
    assert!(!hashed.stderr.contains("--stdin"), "{}", hashed.stderr);
    let again = run(groupgate(&["hash-key"], NO_VARIABLES)).await;
    assert_ne!(made.stdout, again.stdout);
    assert!(!again.stderr.contains("--stdin"), "{}", again.stderr);
    // Whoever forgets the flag learns that the hash is of another key.
    for input in [
        Stdio::from(std::fs::File::open(&file).unwrap()),
        Stdio::piped(),
    ] {
        let mut forgotten = groupgate(&["hash-key"], NO_VARIABLES);
        forgotten.stdin(input);
        let other = run(forgotten).await;
        assert_eq!(other.code, 0);
        assert!(!other.stdout.contains(&hash), "{}", other.stdout);
        assert!(
            other.stderr.contains("`groupgate hash-key --stdin`"),
            "{}",
            other.stderr
        );
    }
    // A key on the command line would be seen by others.
    let argument = run(groupgate(&["hash-key", &key], NO_VARIABLES)).await;
    assert_eq!(argument.code, 2);
}

/// What a printed command answers. `None` where the machine lacks a program that it runs.
async fn asked(command: &str) -> Option<String> {
    let shell = async |script: &str| {
        let mut shell = tokio::process::Command::new("sh");
        shell.args(["-c", script]).output().await.unwrap()
    };
    for program in ["curl", "openssl"] {
        let is_used = command.contains(&format!("{program} "));
        if is_used
            && !shell(&format!("command -v {program}"))
                .await
                .status
                .success()
        {
            return None;
        }
    }
    Some(String::from_utf8(shell(command).await.stdout).unwrap())
}

#[tokio::test]
async fn demo_prints_credentials_and_commands_that_ask_each_emulated_upstream() {
    let arguments = ["demo", "--groups", "30", "--opaque-tokens"];
    let mut child = groupgate(&arguments, ANY_PORT).spawn().unwrap();
    let mut output = lines(child.stdout.take());
    line_with(&mut output, "the credentials of").await;
    for (name, credential) in [
        ("collections", "COLLECTIONS_SECRET="),
        ("vinyldns", "VINYL_SECRET="),
        ("publisher", "PUBLISHER_TOKEN="),
        ("onlivesite", "ONLIVE_SECRET="),
        ("tallyfy", "TALLYFY_TOKEN="),
    ] {
        let line = line_with(&mut output, credential).await;
        assert!(line.trim().starts_with(name), "{line}");
    }
    line_with(&mut output, "without the gateway").await;
    for records in ["\"data\"", "\"groups\"", "total", "\"items\"", "\"data\""] {
        let command = output.next_line().await.unwrap().unwrap();
        let Some(answer) = asked(&command).await else {
            continue;
        };
        assert!(answer.contains(records), "{command}\n{answer}");
    }
    terminate(&child).await;
    assert!(ended(child).await.success());
}

#[tokio::test]
async fn demo_flags_change_how_an_emulated_upstream_pages() {
    let arguments = [
        "demo",
        "--groups",
        "30",
        "--tallyfy-without-meta",
        "--publisher-page",
        "7",
    ];
    let mut child = groupgate(&arguments, ANY_PORT).spawn().unwrap();
    let mut output = lines(child.stdout.take());
    for _ in 0..2 {
        line_with(&mut output, "tallyfy").await;
    }
    line_with(&mut output, "without the gateway").await;
    let mut answers = Vec::new();
    for _ in 0..5 {
        let command = output.next_line().await.unwrap().unwrap();
        let command = command.replace("search=sales&", "format=json&");
        answers.push(asked(&command).await);
    }
    if let Some(publisher) = &answers[2] {
        let names = |name| publisher.matches(name).count();
        assert_eq!(names("<name>").max(names("\"name\"")), 7, "{publisher}");
    }
    if let Some(tallyfy) = &answers[4] {
        assert!(!tallyfy.contains("\"meta\""), "{tallyfy}");
        assert_eq!(tallyfy.matches("\"created_at\"").count(), 30);
    }
    terminate(&child).await;
    assert!(ended(child).await.success());
}

#[tokio::test]
async fn demo_shows_faults_and_serves_what_is_left() {
    let arguments = ["demo", "--groups", "5", "--fault", "vinyldns=down"];
    let mut child = groupgate(&arguments, ANY_PORT).spawn().unwrap();
    let mut output = lines(child.stdout.take());
    let greeting = line_with(&mut output, "vinyldns").await;
    assert!(greeting.ends_with("(fault: down)"), "{greeting}");
    let outcome = line_with(&mut output, "vinyldns").await;
    assert!(outcome.contains("failed: connect"), "{outcome}");
    let curl = line_with(&mut output, "limit=3'").await;
    let page = ask(Method::GET, curl.split('\'').nth(1).unwrap(), &[])
        .await
        .json();
    assert_eq!(page["complete"], false);
    let sources = page["sources"].as_array().unwrap();
    assert_eq!(each(sources, "name"), SOURCES);
    terminate(&child).await;
    assert!(ended(child).await.success());
}

#[tokio::test]
async fn demo_help_lists_every_fault() {
    let outcome = run(groupgate(&["demo", "--help"], NO_VARIABLES)).await;
    assert_eq!(outcome.code, 0);
    for fault in InjectedFault::all() {
        let begin = format!("  {fault} ");
        let mut lines = outcome.stdout.lines();
        assert!(lines.any(|line| line.starts_with(&begin)), "{fault}");
    }
}

#[tokio::test]
async fn demo_refuses_a_fault_that_cannot_happen_with_the_reason() {
    let arguments = ["demo", "--fault", "publisher=repeat-cursor"];
    let outcome = run(groupgate(&arguments, NO_VARIABLES)).await;
    assert_eq!(outcome.code, 2);
    let reason = "`repeat-cursor` does not apply to `publisher`: its pages name no cursor";
    assert!(outcome.stderr.contains(reason), "{}", outcome.stderr);
}
