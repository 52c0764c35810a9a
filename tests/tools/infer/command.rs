//! `groupgate infer` as it is called.

use std::path::Path;
use std::process::{Command, Output};

use groupgate::tools::demo::{Emulations, Options};
use rstest::rstest;
use serde_json::json;

use super::samples::load;
use super::vendors::{assert_pages, block, shipped};
use crate::support::server::{Server, json, status};

async fn infer(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_groupgate"));
    command.arg("infer").args(arguments);
    // The emulations answer on this thread.
    tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_url_is_asked_once_and_becomes_a_block() {
    let emulations = Emulations::start(Options::default()).await.unwrap();
    let variables = emulations.variables();
    let value = |name: &str| {
        let found = variables.iter().find(|(variable, _)| variable == name);
        found.unwrap().1.clone()
    };
    let (token, organization) = (value("TALLYFY_TOKEN"), value("TALLYFY_ORG"));
    let base_url = value("GROUPGATE__UPSTREAMS__TALLYFY__BASE_URL");
    let output = infer(&[
        "--no-preset",
        "--name",
        "tallyfy",
        "--url",
        &format!("{base_url}/organizations/{organization}/groups?with=assets&page=1&per_page=10"),
        "--header",
        &format!("Authorization: Bearer {token}"),
        "--header",
        "X-Tallyfy-Client: APIClient",
    ])
    .await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    let proposal = text(&output.stdout);
    assert!(!proposal.contains(&token), "{proposal}");
    load(proposal);
    let proposed = block(proposal, "tallyfy");
    let shipped = shipped("tallyfy");
    assert_eq!(proposed["auth"], shipped["auth"]);
    assert_eq!(proposed["request"]["query"], shipped["request"]["query"]);
    assert_eq!(proposed["records"], shipped["records"]);
    assert_pages(&proposed, &shipped);
}

#[tokio::test]
async fn an_answer_that_is_an_error_fails_with_advice_and_without_secrets() {
    let emulations = Emulations::start(Options::default()).await.unwrap();
    let onlivesite = emulations.iter().find(|one| one.name() == "onlivesite");
    let url = format!("{}/api/v1/user-groups", onlivesite.unwrap().base_url());
    let output = infer(&["--url", &url, "--header", "Authorization: Bearer hunter2"]).await;
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(message.contains("the status 401 Unauthorized"), "{message}");
    assert!(message.contains("--header"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[tokio::test]
async fn recorded_pages_become_a_block() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vendor");
    let file = folder.join("3-publisher/list-response.xml");
    let output = infer(&["--no-preset", "--sample", file.to_str().unwrap()]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    let proposal = text(&output.stdout);
    load(proposal);
    assert!(
        proposal.contains("records = \"/groups/group\""),
        "{proposal}"
    );
}

#[tokio::test]
async fn a_wrong_header_is_not_repeated() {
    let url = "http://127.0.0.1:1/groups";
    let output = infer(&["--url", url, "--header", "hunter2"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(!text(&output.stderr).contains("hunter2"));
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named() {
    let output = infer(&["--sample", "no-such-page.json"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("`no-such-page.json` cannot be read"));
}

#[rstest]
#[case::html(
    "<!DOCTYPE html><html><body>Sign in</body></html>",
    "no sample could be read"
)]
#[case::nothing("", "no sample could be read")]
#[case::error_head("HTTP/2 401 \r\n\r\n{\"error\": \"no\"}", "its status is 401")]
#[case::no_list(
    r#"{"error": "invalid_client", "message": "no"}"#,
    "there is no list in the samples: the page has `error`, `message`"
)]
#[case::scalar("7", "there is no list")]
#[tokio::test]
async fn samples_that_show_nothing_are_a_failure(#[case] text: &str, #[case] said: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page");
    std::fs::write(&file, text).unwrap();
    let output = infer(&["--sample", file.to_str().unwrap()]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let message = self::text(&output.stderr);
    assert!(message.contains(said), "{message}");
}

#[tokio::test]
async fn what_curl_i_prints_is_a_sample_with_its_headers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page");
    let page = "HTTP/1.1 100 Continue\r\n\r\nHTTP/2 200 \r\nlink: <https://a.example.com/g?after=x>; \
                rel=\"next\"\r\n\r\n[{\"id\": 1, \"name\": \"a\"}]";
    std::fs::write(&file, page).unwrap();
    let output = infer(&["--sample", file.to_str().unwrap()]).await;
    let proposal = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(proposal.contains("style = \"link\""), "{proposal}");
    assert!(!proposal.contains("# certain:"), "{proposal}");
    load(proposal);
}

#[tokio::test]
async fn a_last_sample_without_records_that_links_to_a_next_one_is_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (number, records) in [(1, r#"[{"id": 1, "name": "a"}]"#), (2, "[]")] {
        let file = folder.path().join(number.to_string());
        let link = format!("link: <https://a.example.com/g?after={number}>; rel=\"next\"");
        std::fs::write(&file, format!("HTTP/2 200 \r\n{link}\r\n\r\n{records}")).unwrap();
        files.push(file.to_str().unwrap().to_owned());
    }
    let output = infer(&["--sample", &files[0], &files[1]]).await;
    let proposal = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(proposal.contains("empty_page = \"end\""), "{proposal}");
    load(proposal);
}

#[tokio::test]
async fn a_preset_that_fits_is_named_and_walked() {
    let emulations = Emulations::start(Options::default()).await.unwrap();
    let variables = emulations.variables();
    let value = |name: &str| {
        let found = variables.iter().find(|(variable, _)| variable == name);
        found.unwrap().1.clone()
    };
    let tallyfy = format!(
        "{}/organizations/{}/groups?with=assets&page=1&per_page=10",
        value("GROUPGATE__UPSTREAMS__TALLYFY__BASE_URL"),
        value("TALLYFY_ORG")
    );
    let publisher = format!(
        "{}/api/2/groups?fields=all",
        value("GROUPGATE__UPSTREAMS__PUBLISHER__BASE_URL")
    );
    for (url, token, preset) in [
        (tallyfy, value("TALLYFY_TOKEN"), "tallyfy"),
        (publisher, value("PUBLISHER_TOKEN"), "publisher_json"),
    ] {
        let token = format!("Authorization: Bearer {token}");
        let client = "X-Tallyfy-Client: APIClient";
        let output = infer(&["--url", &url, "--header", &token, "--header", client]).await;
        assert!(output.status.success(), "{}", text(&output.stderr));
        let block = text(&output.stdout);
        let named = format!("preset = \"{preset}\"");
        assert!(block.contains(&named), "{block}");
        assert!(
            block.contains("# Certain: this block was walked"),
            "{block}"
        );
        assert!(block.replace("\n# ", " ").contains("200 groups"), "{block}");
        load(block);
    }
}

#[rstest]
#[case("okta")]
#[case("gitlab")]
#[case("scim")]
#[case("scim_cursor")]
#[case("slack")]
#[case("microsoft_graph")]
#[case("microsoft_graph_delta")]
#[case("aws_iam")]
#[case("github")]
#[case("grafana")]
#[case("mattermost")]
#[case("discourse")]
#[case("servicenow")]
#[case("zendesk")]
#[tokio::test]
async fn a_preset_is_named_by_the_shape_of_a_recorded_page(#[case] preset: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/presets");
    let recorded = std::fs::read_to_string(folder.join(preset).join("first.http")).unwrap();
    let lines = recorded.lines().skip_while(|line| line.starts_with('#'));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page");
    std::fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let output = infer(&["--sample", file.to_str().unwrap()]).await;
    let block = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(block.contains(&format!("preset = \"{preset}\"")), "{block}");
}

#[tokio::test]
async fn the_organization_in_the_url_of_a_sample_is_the_one_that_a_preset_is_walked_for() {
    let server = Server::start(|request| match request.uri().path() {
        "/orgs/acme/teams" => json(&json!([{
            "id": 1, "name": "League", "slug": "league", "description": "Great",
            "organization_id": 3, "parent": null, "html_url": "https://example.com/league",
        }])),
        "/orgs/acme/teams/league/members" => json(&json!([{"login": "ann"}])),
        _ => status(404),
    })
    .await;
    let url = format!("{}/orgs/acme/teams?per_page=100", server.base_url());
    let output = infer(&["--url", &url, "--header", "Authorization: Bearer hunter2"]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    let block = text(&output.stdout);
    for line in [
        "preset = \"github\"",
        "org = [\"acme\"]",
        "this block was walked",
    ] {
        assert!(block.contains(line), "{line}: {block}");
    }
    load(block);
}
