//! Answers that stand deep in each other: refused where the adapter says, whatever they answer.

use std::sync::Arc;

use groupgate::error::ErrorKind;
use groupgate::snapshot::Snapshot;
use http::Response;
use rstest::rstest;

use crate::staff::{adapter, config};
use crate::support::adapters::{adapter_of, failed, walked};
use crate::support::server::Server;

/// `{"items": [{"id": 1, "more": [[…]]}]}`: `depth` lists and objects in each other.
fn json_of(depth: usize) -> String {
    let lists = depth - 3;
    let (open, close) = ("[".repeat(lists), "]".repeat(lists));
    format!(r#"{{"items": [{{"id": 1, "more": {open}{close}}}]}}"#)
}

/// `<items><item><id>1</id><m><m>…`: `depth` elements in each other.
fn xml_of(depth: usize) -> String {
    let elements = depth - 2;
    let (open, close) = ("<m>".repeat(elements), "</m>".repeat(elements));
    format!("<items><item><id>1</id>{open}{close}</item></items>")
}

fn keys(format: &str) -> String {
    let keys = config(&format!("format = '{format}'"));
    match format {
        "xml" => keys.replace("'/items'", "'/items/item'"),
        _ => keys,
    }
}

#[rstest]
#[case::json("json", json_of, "lists and objects")]
#[case::xml("xml", xml_of, "elements")]
#[tokio::test]
async fn a_page_is_read_up_to_its_depth_and_no_deeper(
    #[case] format: &str,
    #[case] page: fn(usize) -> String,
    #[case] what: &str,
    #[values((None, 128), (Some(9), 9), (Some(192), 192))] bound: (Option<usize>, usize),
    #[values(1, 10_000, 2_000_000)] beyond: usize,
) {
    let (set, depth) = bound;
    let server = Server::start(move |request| {
        let depth = if request.uri().path().ends_with("/list") {
            depth
        } else {
            depth + beyond
        };
        Response::new(page(depth))
    })
    .await;
    let limits = set.map_or_else(String::new, |depth| format!("\nlimits.depth = {depth}"));
    let toml = format!("{}{limits}", keys(format));

    let good = walked(&adapter_of(&toml, server.base_url(), &[])).await;
    let snapshot = Snapshot::of(Arc::from("staff"), good.groups);
    let group = snapshot.row(0).group().unwrap();
    let kept = group.attributes.members();
    assert!(kept.contains_key("more") || kept.contains_key("m"));

    let toml = toml.replace("'/list'", "'/deeper'");
    let error = failed(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!(error.kind, ErrorKind::LimitExceeded, "{error}");
    let told = format!("{what} more than {depth} deep (`limits.depth`) at line 1 column ");
    assert!(error.detail.starts_with(&told), "{error}");
}

#[rstest]
#[case::json("'/token'", json_of(10_000))]
#[case::json_that_only_a_header_matters_of(
    "{ header = 'x-token' }\nanswer = 'json'",
    json_of(10_000)
)]
#[case::xml("'/items/id'\nanswer = 'xml'", xml_of(10_000))]
#[tokio::test]
async fn a_login_is_bound_to_the_same_depth(#[case] token: &str, #[case] answer: String) {
    let server = Server::start(move |_| Response::new(answer.clone())).await;
    let login = format!(
        "[upstreams.staff.auth]\n\
         type = 'token_exchange'\n\
         request = {{ method = 'POST', path = '/login' }}\n\
         token = {token}"
    );
    let error = failed(&adapter(server.base_url(), &login)).await;
    assert_eq!(error.kind, ErrorKind::LimitExceeded, "{error}");
    assert!(error.detail.starts_with("login: "), "{error}");
    assert!(error.detail.contains("`limits.depth`"), "{error}");
}

#[rstest]
#[case::json("json", json_of(2_000_000))]
#[case::json_where_xml_belongs("xml", json_of(2_000_000))]
#[case::xml("xml", xml_of(2_000_000))]
#[case::xml_where_json_belongs("json", xml_of(2_000_000))]
#[tokio::test]
async fn a_deep_body_of_a_failure_is_only_not_looked_into(
    #[case] format: &str,
    #[case] body: String,
) {
    let server =
        Server::start(move |_| Response::builder().status(400).body(body.clone()).unwrap()).await;
    let toml = format!(
        "{}\nmessage = ['/items', '/message']\nanswers = [{{ path = '/code', equals = 7, means = 'retry' }}]",
        keys(format)
    );
    let error = failed(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!(error.kind, ErrorKind::HttpStatus, "{error}");
    assert_eq!(error.detail, "status 400");
}

/// serde_json marks numbers and JSON inside of strings by private words. Whoever sends such a word
/// has sent an object, and not a document in each other without end.
#[tokio::test]
async fn what_looks_like_a_private_mark_is_an_object_like_any_other() {
    let mut nested = "[".repeat(100) + &"]".repeat(100);
    for _ in 0..12 {
        let text = serde_json::Value::from(nested).to_string();
        let (open, close) = ("[".repeat(100), "]".repeat(100));
        nested = format!(r#"{open}{{"$serde_json::private::RawValue": {text}}}{close}"#);
    }
    let page = format!(r#"{{"items": [{{"id": 1, "more": {nested}}}]}}"#);
    let server = Server::start(move |_| Response::new(page.clone())).await;
    let adapter = adapter(server.base_url(), "");
    let groups = walked(&adapter).await.groups;
    let kept = groups.to_groups()[0].attributes.members()["more"].to_string();
    assert!(
        kept.contains("$serde_json::private::RawValue"),
        "{kept:.200}"
    );
    let snapshot = Snapshot::of(Arc::from("staff"), groups);
    let read_back = snapshot.row(0).group().unwrap();
    let read_back = read_back.attributes.members()["more"].to_string();
    assert_eq!(read_back, kept);
}
