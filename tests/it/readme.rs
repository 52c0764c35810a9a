//! README's first screen is true: its block, over an upstream, gives its answer.

use http::Response;
use serde_json::{Value, json};

use crate::support::adapters::load;
use crate::support::gateway::Gateway;
use crate::support::server::Server;

const README: &str = include_str!("../../README.md");

/// The text of README's first block in this language.
fn first(language: &str) -> &'static str {
    let start = format!("```{language}\n");
    let block = README
        .split_once(&start)
        .and_then(|(_, rest)| rest.split_once("```"));
    block.expect("README has such a block").0
}

#[tokio::test]
async fn the_first_block_gives_the_first_answer() {
    let records = json!([
        {
            "id": 42, "title": "Sales", "about": "Handles all sales inquiries.",
            "people": [{ "uid": 1001, "mail": "ada@example.com" }],
        },
        { "id": 43, "title": "Engineering" },
    ]);
    let upstream = Server::start(move |_| Response::new(records.to_string())).await;
    let block = first("toml").replace("https://directory.example.com", upstream.base_url());
    let loaded = load(
        &block,
        [
            ("DIRECTORY_TOKEN", "a token"),
            ("GROUPGATE__SERVER__LISTEN", "127.0.0.1:0"),
            ("GROUPGATE__SERVER__ADMIN", "127.0.0.1:0"),
        ],
    );
    let gateway = Gateway::start(&loaded).await;

    let asked = first("sh")
        .trim()
        .trim_start_matches("curl ")
        .trim_matches('\'');
    let path = asked.strip_prefix("http://127.0.0.1:8080").unwrap();
    let mut page = gateway.until(path, |page| page["complete"] == true).await;
    let mut expected: Value = serde_json::from_str(first("json")).unwrap();
    for page in [&mut page, &mut expected] {
        // README's directory is larger, and was read at another moment.
        page["sources"][0]["groups"] = json!(2);
        page["sources"][0]["as_of"] = json!("now");
    }
    assert_eq!(page, expected);
    gateway.stop().await;
}
