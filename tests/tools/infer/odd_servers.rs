//! Servers that say something odd of their list: what is printed walks whole, or says what is not known.

use bytes::Bytes;
use http::{Request, Response};
use rstest::rstest;
use serde_json::{Value, json};

use super::round_trip::{infer, walked};
use crate::support::command::Outcome;
use crate::support::server::{Server, parameter};

/// How many groups each server has.
const GROUPS: usize = 34;

type Answer = fn(&Request<Bytes>) -> Response<String>;

fn some(after: usize, most: usize) -> Vec<Value> {
    let indices = (0..GROUPS).skip(after).take(most);
    let group = |index| json!({ "id": format!("g-{index}"), "name": format!("Group {index}") });
    indices.map(group).collect()
}

fn number(request: &Request<Bytes>, name: &str) -> usize {
    parameter(request, name)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

fn reply(body: &Value) -> Response<String> {
    Response::new(body.to_string())
}

/// A cursor that is a number, and happens to be the page size as well.
fn numeric_cursor(request: &Request<Bytes>) -> Response<String> {
    let after = number(request, "cursor");
    let mut page = json!({ "totalResults": GROUPS, "Resources": some(after, 10) });
    if after + 10 < GROUPS {
        page["nextCursor"] = (after + 10).to_string().into();
    }
    reply(&page)
}

/// A cursor that is a number, under the name of a page.
fn numeric_next(request: &Request<Bytes>) -> Response<String> {
    let after = number(request, "after");
    let next = if after + 10 < GROUPS {
        (after + 10).to_string()
    } else {
        String::new()
    };
    reply(&json!({ "teams": some(after, 10), "meta": { "next": next } }))
}

fn nested_total(request: &Request<Bytes>) -> Response<String> {
    let sent: Value = serde_json::from_slice(request.body()).unwrap();
    let (from, size) = (
        sent["from"].as_u64().unwrap(),
        sent["size"].as_u64().unwrap(),
    );
    let hits = some(from as usize, size as usize);
    reply(&json!({ "hits": { "total": { "value": GROUPS, "relation": "eq" }, "hits": hits } }))
}

/// The groups of two organizations.
fn two_parents_in_xml(_: &Request<Bytes>) -> Response<String> {
    let groups = |from: usize| -> String {
        let one = |group: Value| {
            format!(
                "<group><id>{}</id><name>x</name></group>",
                group["id"].as_str().unwrap()
            )
        };
        some(from, 17).into_iter().map(one).collect()
    };
    Response::new(format!(
        "<orgs><total>{GROUPS}</total><org name='a'><groups>{}</groups></org><org name='b'><groups>{}</groups></org></orgs>",
        groups(0),
        groups(17)
    ))
}

fn two_parents_in_json(_: &Request<Bytes>) -> Response<String> {
    reply(&json!({
        "total": GROUPS,
        "tenants": [{ "id": 1, "name": "a", "groups": some(0, 17) }, { "id": 2, "name": "b", "groups": some(17, 17) }],
    }))
}

#[rstest]
#[case::a_cursor_that_is_the_page_size(numeric_cursor, "/Groups?cursor=&count=10", &[])]
#[case::a_cursor_that_looks_like_a_page(numeric_next, "/teams?after=", &[])]
#[case::a_total_in_an_object(nested_total, "/search", &["--json", r#"{"from": 0, "size": 10}"#])]
#[case::two_parents_in_xml(two_parents_in_xml, "/orgs", &[])]
#[case::two_parents_in_json(two_parents_in_json, "/tenants", &[])]
#[tokio::test]
async fn an_odd_list_is_read_whole(
    #[case] answer: Answer,
    #[case] path: &str,
    #[case] arguments: &[&str],
) {
    let server = Server::start(answer).await;
    let Outcome {
        code,
        stdout,
        stderr,
    } = infer(&server, path, arguments).await;
    assert_eq!(code, 0, "{stdout}\n{stderr}");
    assert!(stdout.contains("# Certain: "), "{stdout}");
    let mut ids = walked(&stdout).await;
    ids.sort();
    let mut expected: Vec<_> = (0..GROUPS).map(|index| format!("g-{index}")).collect();
    expected.sort();
    assert_eq!(ids, expected, "{stdout}");
}

/// The lists within records are no lists of groups.
fn groups_below_groups(_: &Request<Bytes>) -> Response<String> {
    reply(&json!({ "total": 2, "data": [
        { "id": "g-0", "name": "a", "subgroups": [{ "id": 8, "name": "x" }], "roles": [{ "id": 1, "name": "r" }] },
        { "id": "g-1", "name": "b", "subgroups": [{ "id": 9, "name": "y" }], "roles": [{ "id": 1, "name": "r" }] },
    ] }))
}

#[tokio::test]
async fn a_list_in_each_record_does_not_take_the_place_of_the_records() {
    let server = Server::start(groups_below_groups).await;
    let outcome = infer(&server, "/groups", &[]).await;
    assert!(
        outcome.stdout.contains("at = \"/data\"") || outcome.stdout.contains("records = \"/data\""),
        "{}",
        outcome.stdout
    );
}

/// It says of every page that there are five groups in all.
fn total_too_small(request: &Request<Bytes>) -> Response<String> {
    reply(&json!({ "total": 5, "groups": some(number(request, "offset"), 10) }))
}

#[tokio::test]
async fn a_block_that_reads_more_than_a_total_says_is_not_certain() {
    let server = Server::start(total_too_small).await;
    let outcome = infer(&server, "/groups?offset=0&limit=10", &[]).await;
    let block = outcome.stdout;
    assert!(!block.contains("# certain: "), "{block}");
    let flat = block.replace("\n# ", " ");
    assert!(
        flat.contains("but `/total` says 5, which is fewer"),
        "{block}"
    );
    assert_eq!(walked(&block).await.len(), GROUPS);
}

/// It repeats its last page for ever.
fn last_page_again(request: &Request<Bytes>) -> Response<String> {
    let page = number(request, "page").clamp(1, 4);
    reply(&json!({ "items": some(10 * (page - 1), 10) }))
}

#[tokio::test]
async fn a_block_that_repeats_a_page_fails_and_names_the_key_that_allows_it() {
    let server = Server::start(last_page_again).await;
    let outcome = infer(&server, "/groups?page=1", &[]).await;
    assert_eq!(outcome.code, 1);
    assert!(
        !outcome.stdout.contains("# certain: "),
        "{}",
        outcome.stdout
    );
    let named = "`pagination.on_repeat = \"end\"`";
    assert!(outcome.stderr.contains(named), "{}", outcome.stderr);
}
