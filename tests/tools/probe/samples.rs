//! Recorded pages are walked as if the upstream were answering.

use std::path::Path;

use tempfile::NamedTempFile;

use super::command::{Outcome, probe};
use super::shown::{file, variables};

const DIRECTORY: &str = r#"
[upstreams.directory]
base_url = "https://directory.example"
strip_prefix = ")]}'"
records = "/teams"
request = { path = "/teams", query = { after = "{cursor}" } }
pagination = { style = "cursor", next = "/next" }
fields = { id = "key", name = "title" }

[upstreams.directory.auth]
type = "token_exchange"
request = { method = "POST", path = "/login", json = { key = { env = "KEY" } } }
token = "/token"
"#;

const FIRST: &str = ")]}'\n{\"teams\": [{\"key\": 1, \"title\": \"a\"}], \"next\": \"p2\"}";
const LAST: &str = "{\"teams\": [{\"key\": 2, \"title\": \"b\"}]}";

fn page(text: &str) -> NamedTempFile {
    let page = NamedTempFile::with_suffix(".json").unwrap();
    std::fs::write(page.path(), text).unwrap();
    page
}

fn name(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}

async fn replay(pages: &[&str], more: &[&str]) -> Outcome {
    let config = file(DIRECTORY, "");
    let pages: Vec<_> = pages.iter().map(|text| page(text)).collect();
    let mut arguments = vec!["directory", "--config", name(config.path()), "--sample"];
    arguments.extend(pages.iter().map(|page| name(page.path())));
    arguments.extend(more);
    probe(&arguments, &variables()).await
}

#[tokio::test]
async fn pages_that_are_the_whole_list_are_walked_to_its_end_without_a_login() {
    let outcome = replay(&[FIRST, LAST], &[]).await;
    assert_eq!((outcome.code, outcome.complained.as_str()), (0, ""));
    for said in [
        "not sent  GET https://directory.example/teams",
        "2 groups on 2 pages",
        "the cursor p2, because `/next` names it",
    ] {
        assert!(outcome.said.contains(said), "{said}: {}", outcome.said);
    }
    assert!(!outcome.said.contains("login"), "{}", outcome.said);
}

#[tokio::test]
async fn pages_that_end_before_the_list_does_are_told_to() {
    let outcome = replay(&[FIRST], &[]).await;
    assert_eq!((outcome.code, outcome.complained.as_str()), (0, ""));
    let said = "the recorded pages end before the list does";
    assert!(outcome.said.contains(said), "{}", outcome.said);
    let outcome = replay(&[FIRST], &["--json"]).await;
    assert!(
        outcome.said.contains("\"is_part\": true"),
        "{}",
        outcome.said
    );
}

#[tokio::test]
async fn pages_that_nobody_asks_for_are_a_failure() {
    let outcome = replay(&[LAST, FIRST], &[]).await;
    assert_eq!(outcome.code, 1);
    let expected = "error: the walk ended without requesting the last 1 of the recorded pages\n";
    assert_eq!(outcome.complained, expected);
}

#[tokio::test]
async fn a_prefix_that_cannot_be_meant_is_refused() {
    for (prefix, said) in [
        ("strip_prefix = \" \"", "there is nothing to strip"),
        (
            "strip_prefix = \"x\"\nformat = \"xml\"",
            "`format` is `xml`",
        ),
    ] {
        let toml = DIRECTORY.replace("strip_prefix = \")]}'\"", prefix);
        let config = file(&toml, "");
        let outcome = probe(
            &["directory", "--config", name(config.path())],
            &variables(),
        )
        .await;
        assert_eq!(outcome.code, 1);
        assert!(outcome.complained.contains(said), "{}", outcome.complained);
    }
}
