//! Upstreams that are asked by query, over real sockets: the same answers as from the whole list, no
//! way out of a filter for what callers send, and bounds that no caller can outgrow.

mod emulation;
mod only_page;

use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use http::{Method, Response, StatusCode};
use rstest::rstest;
use serde_json::Value;

use crate::support::client::{Reply, encoded};
use crate::support::server::{self, Server, parameter};
use emulation::{gateway, gateway_with, groups, many, serve};

/// The whole list, as any upstream.
const WHOLE: &str = "
    request = { path = '/all', query = { page = '{page}' } }
    pagination = { style = 'page', total = '/total' }
";

/// Everything that the upstream can filter by, each in a parameter of its own.
const BY_QUERY: &str = "
    list = 'by_query'
    request = { path = '/all', query = { page = '{page}', q = '{search}', state = '{status}', member = '{member}', id = '{id}', since = '{created_after}', until = '{created_before}' } }
    pagination = { style = 'page', total = '/total', limit = 7, short_page = 'end' }
    [upstreams.club.pushdown]
    search = { matches = 'contains', in = ['name', 'description'], case = 'ascii', texts = 'ascii' }
    status = { values = { open = 'OPEN', closed = 'CLOSED' } }
    member = { in = ['members'], by = 'id' }
    created_after = { format = 'date', round = '24h' }
    created_before = { format = 'date', round = '24h' }
";

/// A whole list that was asked for once does not answer what comes after it.
const NEVER_FRESH: &str = "[cache]\nttl = '0s'\nstale_while_revalidate = '0s'";

/// The search alone, in a filter language.
fn in_a_filter(parameter: &str, quote: &str) -> String {
    format!(
        "
        list = 'by_query'
        request = {{ path = '/all', query = {{ page = '{{page}}', {parameter} }} }}
        pagination = {{ style = 'page', total = '/total' }}
        [upstreams.club.pushdown]
        search = {{ matches = 'contains', in = ['name', 'description'], case = 'ascii', texts = 'ascii', quote = '{quote}' }}
        "
    )
}

/// What callers look for, also to break out.
const SOUGHT: [&str; 14] = [
    "sales",
    "SALES",
    "team 1",
    "inquiry 4",
    "\"emea\"",
    "o'neil",
    "back\\slash",
    "(night)",
    "100%",
    "nobody",
    "x\" or name pr or name co \"",
    "x') or contains(name,'",
    "..",
    "a\r\nX-Injected: 1",
];

#[tokio::test]
async fn the_answer_to_a_query_is_that_of_the_whole_list() {
    let server = serve(many(60)).await;
    let whole = gateway(&server, WHOLE).await;
    let by_query = gateway_with(&server, BY_QUERY, NEVER_FRESH).await;
    let mut queries: Vec<String> = SOUGHT
        .map(|text| format!("search={}", encoded(text)))
        .into();
    for query in [
        "status=open",
        "status=archived",
        "member=2",
        "member=2&search=sales&limit=3",
        "id=club:7",
        "id=club:7&id=club:8",
        "id=club:nobody",
        "created_after=2023-11-20",
        "created_after=2023-11-20T06:00:00Z&created_before=2023-11-30T18:00:00%2B02:00",
        "created_before=2023-11-15T08:26:40Z&sort=-created_at",
        "status=closed&created_after=2023-12-01&limit=2",
        "organization_id=x",
        "deleted=include&search=team",
    ] {
        queries.push(query.to_owned());
    }
    for query in &queries {
        let (left, right) = (groups(&whole, query).await, groups(&by_query, query).await);
        assert_eq!(left, right, "{query}");
    }
    let asked = server.asked();
    for part in [
        "q=sales",
        "state=OPEN",
        "member=2",
        "id=7",
        "since=2023-11-19",
        "until=2023-12-02",
    ] {
        assert!(
            asked.iter().any(|uri| uri.contains(part)),
            "{part}: {asked:#?}"
        );
    }
}

#[rstest]
#[case::scim("filter = 'name co \"{search}\"'", "backslash")]
#[case::odata("odata = 'contains(name,''{search}'')'", "doubled")]
#[case::word("q = '{search}'", "word")]
#[tokio::test]
async fn nothing_that_callers_send_gets_out_of_a_filter(
    #[case] parameter: &str,
    #[case] quote: &str,
) {
    // TOML doubles no quotes: the parameter is written as a basic string.
    let parameter = match parameter.split_once(" = '") {
        Some((name, text)) => {
            let text = text
                .strip_suffix('\'')
                .unwrap()
                .replace("''", "'")
                .replace('"', "\\\"");
            format!("{name} = \"{text}\"")
        }
        None => panic!("{parameter}"),
    };
    let server = serve(many(30)).await;
    let whole = gateway(&server, WHOLE).await;
    let block = in_a_filter(&parameter, quote);
    let by_query = gateway_with(&server, &block, NEVER_FRESH).await;
    for text in SOUGHT {
        let query = format!("search={}", encoded(text));
        let (left, right) = (
            groups(&whole, &query).await,
            groups(&by_query, &query).await,
        );
        assert_eq!(left, right, "{text}");
    }
    let filtered = server.asked();
    let filtered = filtered.iter().filter(|uri| uri.contains("sales"));
    assert!(filtered.count() > 0, "nothing was handed on");
}

#[tokio::test]
async fn one_group_is_asked_for_by_its_id_alone() {
    let server = serve(many(30)).await;
    let gateway = gateway(&server, BY_QUERY).await;
    let found = gateway.get("/groups/club:7").await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text());
    assert_eq!(found.json()["source_id"], "7");
    assert_eq!(
        gateway.get("/groups/club:nobody").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        server.asked(),
        ["/all?id=7&page=1", "/all?id=nobody&page=1"]
    );
}

#[tokio::test]
async fn the_whole_list_is_asked_for_only_when_a_query_needs_it_and_then_serves_all() {
    let server = serve(many(5)).await;
    let gateway = gateway(&server, BY_QUERY).await;
    assert_eq!(
        gateway.admin(Method::GET, "/readyz", &[]).await.status,
        StatusCode::OK
    );
    assert_eq!(server.asked(), Vec::<String>::new());

    let first = gateway.get("/groups?search=SALES").await;
    assert_eq!(
        first.header("cache-status").split(';').nth(1),
        Some(" fwd=miss")
    );
    let again = gateway.get("/groups?search=sales").await;
    assert_eq!(again.header("cache-status").split(';').nth(1), Some(" hit"));
    assert_eq!(again.header("etag"), first.header("etag"));
    assert_eq!(server.asked(), ["/all?page=1&q=sales"]);
    let sources = gateway.get("/sources").await.json();
    assert_eq!(sources["sources"][0]["state"], "fresh", "{sources}");

    assert_eq!(groups(&gateway, "").await.len(), 5);
    for query in ["search=ops", "status=open", "member=1"] {
        groups(&gateway, query).await;
    }
    assert_eq!(server.asked(), ["/all?page=1&q=sales", "/all?page=1"]);
}

#[tokio::test]
async fn equal_questions_are_asked_once_however_they_are_put() {
    let server = serve(many(30)).await;
    let gateway = gateway(&server, BY_QUERY).await;
    let queries = [
        "search=team",
        "search=TEAM&sort=-name",
        "limit=2&search=team",
        "search=team&fields=name",
    ];
    let asks = (0..40).map(|turn| groups(&gateway, queries[turn % queries.len()]));
    join_all(asks).await;
    let first_pages = server.asked();
    let first_pages = first_pages
        .iter()
        .filter(|uri| uri.starts_with("/all?page=1&"));
    assert_eq!(first_pages.count(), 1);
}

#[tokio::test]
async fn a_thousand_different_questions_stay_in_bounds() {
    let server = serve(many(30)).await;
    let settings = "[cache]\ncapacity = '2MiB'";
    let gateway = gateway_with(&server, BY_QUERY, settings).await;
    for hundred in 0..10 {
        let asks = (0..100).map(|unit| {
            let query = format!("search=team%20{}", hundred * 100 + unit);
            let gateway = &gateway;
            async move { groups(gateway, &query).await.len() }
        });
        let found: usize = join_all(asks).await.into_iter().sum();
        assert_eq!(found > 0, hundred == 0, "{hundred}");
    }
    assert_eq!(server.asked().len(), 1000);
    // What was used last is there, what was used first is not.
    groups(&gateway, "search=team%20999").await;
    let before = server.asked().len();
    groups(&gateway, "search=team%20999").await;
    assert_eq!(server.asked().len(), before);
    groups(&gateway, "search=team%200").await;
    assert!(server.asked().len() > before);
}

#[tokio::test]
async fn an_answer_without_pages_is_asked_for_without_them() {
    let block = "
        list = 'by_query'
        request = { path = '/all', query = { page = '{page}', per_page = '{limit}', q = '{search}' } }
        pagination = { style = 'page', total = '/total', limit = 7 }
        pushdown.paged = false
        pushdown.search = { matches = 'contains', in = ['name', 'description'], case = 'ascii', texts = 'ascii' }
    ";
    let server = serve(many(60)).await;
    let gateway = gateway(&server, block).await;
    assert_eq!(groups(&gateway, "search=sales").await.len(), 30);
    assert_eq!(server.asked(), ["/all?q=sales"]);
    assert_eq!(groups(&gateway, "limit=1000").await.len(), 60);
    assert_eq!(server.asked().len(), 1 + 9);
}

#[tokio::test]
async fn an_account_that_is_refused_over_one_query_shows_nothing_of_any() {
    let server = Server::start(|request| match parameter(request, "q").as_deref() {
        Some("b") => server::status(401),
        _ => {
            server::json(&serde_json::json!({ "groups": [{ "id": 1, "name": "abc" }], "total": 1 }))
        }
    })
    .await;
    let settings = "[cache]\nttl = '0s'\nstale_while_revalidate = '1h'\nstale_if_error = '1h'";
    let gateway = gateway_with(&server, BY_QUERY, settings).await;
    let state = |reply: &Value| reply["sources"][0]["state"].clone();
    assert_eq!(
        state(&gateway.get("/groups?search=a").await.json()),
        "fresh"
    );
    assert_eq!(
        gateway.get("/groups?search=b").await.status,
        StatusCode::BAD_GATEWAY
    );
    let requests = server.asked().len();
    // What was kept would be served while it is asked for again.
    let again = gateway.get("/groups?search=a").await;
    assert_eq!(
        again.header("cache-status").split(';').nth(1),
        Some(" fwd=miss")
    );
    assert_eq!(server.asked().len(), requests + 1);
}

#[tokio::test]
async fn replicas_agree_on_a_tag_whichever_list_they_answer_from() {
    let server = serve(many(60)).await;
    let with_whole = gateway(&server, BY_QUERY).await;
    assert_eq!(groups(&with_whole, "").await.len(), 60);
    for query in [
        "search=sales",
        "search=sales&sort=-name&limit=3",
        "search=sales&id=club:0&id=club:1",
        "id=club:7",
        "search=nobody",
    ] {
        let path = format!("/groups?{query}");
        let before = server.asked().len();
        let from_whole = with_whole.get(&path).await;
        assert_eq!(server.asked().len(), before, "{query} was asked again");
        let without = gateway(&server, BY_QUERY).await;
        let by_query = without.get(&path).await;
        let requests = server.asked();
        let requests = &requests[before..];
        assert!(!requests.is_empty() && requests.iter().all(|uri| uri != "/all?page=1"));
        assert_eq!(
            from_whole.header("etag"),
            by_query.header("etag"),
            "{query}"
        );
        assert_eq!(timeless(&from_whole), timeless(&by_query), "{query}");
    }
}

/// What a page says, whenever its sources were read.
fn timeless(reply: &Reply) -> Value {
    let mut page = reply.json();
    for source in page["sources"].as_array_mut().unwrap() {
        source["as_of"].take();
    }
    page["next_cursor"].take();
    page
}

#[tokio::test]
async fn the_tag_of_a_query_changes_with_what_matches_and_with_nothing_else() {
    let names = Arc::new(Mutex::new(["abc", "xyz"]));
    let current = Arc::clone(&names);
    let server = Server::start(move |_| {
        let names = *current.lock().unwrap();
        let groups = [1, 2].map(|id| serde_json::json!({ "id": id, "name": names[id - 1] }));
        server::json(&serde_json::json!({ "groups": groups, "total": 2 }))
    })
    .await;
    let gateway = gateway_with(&server, BY_QUERY, NEVER_FRESH).await;
    let mut tags = Vec::new();
    for now in [["abc", "xyz"], ["abc", "zzz"], ["abcd", "zzz"]] {
        *names.lock().unwrap() = now;
        let reply = gateway.get("/groups?search=b").await;
        assert_eq!(reply.json()["groups"][0]["name"], now[0]);
        tags.push(reply.header("etag").to_owned());
    }
    assert_eq!(tags[0], tags[1]);
    assert_ne!(tags[1], tags[2]);
}

fn failure() -> Response<String> {
    server::status(500)
}

/// More than there is room for.
fn flood() -> Response<String> {
    let name = "b".repeat(300_000);
    server::json(&serde_json::json!({ "groups": [{ "id": 2, "name": name }], "total": 1 }))
}

#[rstest]
#[case::it_fails(failure, "http_status")]
#[case::its_answer_is_too_large(flood, "limit_exceeded")]
#[tokio::test]
async fn where_a_query_brings_nothing_the_whole_list_serves_as_long_as_it_may(
    #[case] found: fn() -> Response<String>,
    #[case] error: &str,
) {
    let server = Server::start(move |request| {
        if parameter(request, "q").is_some() {
            return found();
        }
        server::json(&serde_json::json!({ "groups": [{ "id": 1, "name": "abc" }], "total": 1 }))
    })
    .await;
    let block = format!("limits = {{ retries = 0 }}\n{BY_QUERY}");
    let kept = "
        [cache]
        capacity = '2MiB'
        ttl = '0s'
        stale_while_revalidate = '0s'
        stale_if_error = ";
    let gateway = gateway_with(&server, &block, &format!("{kept} '1h'")).await;
    let failed = gateway
        .get("/groups?search=b")
        .await
        .problem(502, "sources-failed");
    assert_eq!(failed["sources"][0]["error"]["type"], error);
    assert_eq!(groups(&gateway, "").await.len(), 1);
    let page = gateway.get("/groups?search=b").await.json();
    assert_eq!(page["groups"][0]["name"], "abc", "{page}");
    let source = &page["sources"][0];
    assert_eq!(source["state"], "stale", "{page}");
    assert_eq!(source["error"]["type"], error, "{page}");

    let gateway = gateway_with(&server, &block, &format!("{kept} '0s'")).await;
    assert_eq!(groups(&gateway, "").await.len(), 1);
    let late = gateway.get("/groups?search=b").await;
    assert_eq!(late.status, StatusCode::BAD_GATEWAY, "{}", late.text());
}
