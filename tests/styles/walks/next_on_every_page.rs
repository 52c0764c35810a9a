//! Upstreams whose last page names a next one like any other, as those of Sentry and Datadog do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use groupgate::error::ErrorKind;
use groupgate::page::ended_by::EndedBy;
use groupgate::upstream::Adapter;
use http::{Request, Response};
use rstest::rstest;
use serde_json::json;

use crate::support::adapters::{adapter_of, block_variables, borrowed, failed, walked};
use crate::support::server::{Server, json as answer, parameter};

const LINK: &str = r#"
    [upstreams.club]
    base_url = ""
    request = { path = "/linked" }
    records = "/teams"
    pagination = { style = "link" }
    fields = { id = "id", name = "id" }
"#;

const NEXT_URL: &str = r#"
    [upstreams.club]
    base_url = ""
    request = { path = "/teams" }
    records = "/teams"
    pagination = { style = "next_url", next = "/next" }
    fields = { id = "id", name = "id" }
"#;

const CURSOR: &str = r#"
    [upstreams.club]
    base_url = ""
    request = { path = "/teams", query = { p = "{cursor}" } }
    records = "/teams"
    pagination = { style = "cursor", next = "/cursor" }
    fields = { id = "id", name = "id" }
"#;

/// Shows the teams of `pages`, whose numbers are those of the pages, and counts what it is asked for.
async fn upstream(pages: &'static [u64], total: u64) -> (Server, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    let server = Server::start(move |request: &Request<bytes::Bytes>| -> Response<_> {
        counted.fetch_add(1, Ordering::Relaxed);
        let page: u64 = parameter(request, "p").map_or(0, |page| page.parse().unwrap());
        let teams: Vec<_> = (pages.iter().filter(|&&id| id == page))
            .map(|id| json!({ "id": id }))
            .collect();
        let next = page + 1;
        let body = json!({ "teams": teams, "next": format!("/teams?p={next}"), "cursor": next, "total": total });
        let mut response = answer(&body);
        if request.uri().path() == "/linked" {
            let link = format!("</linked?p={next}>; rel=\"next\"");
            response.headers_mut().insert("link", link.parse().unwrap());
        }
        response
    });
    (server.await, asked)
}

fn adapter(toml: &str, server: &Server, settings: &[(&str, &str)]) -> Arc<Adapter> {
    let variables = block_variables("club", settings);
    adapter_of(toml, server.base_url(), &borrowed(&variables))
}

#[rstest]
#[case::link(LINK)]
#[case::next_url(NEXT_URL)]
#[case::cursor(CURSOR)]
#[tokio::test]
async fn pages_without_records_in_a_row_are_an_error_that_says_what_to_do(#[case] toml: &str) {
    let (server, asked) = upstream(&[0, 1, 20], 3).await;
    let error = failed(&adapter(toml, &server, &[])).await;
    assert_eq!(error.kind, ErrorKind::Pagination, "{error}");
    let expected = "20 pages in a row without records, and each names a next one: set \
                    `pagination.empty_page = \"end\"`";
    assert!(error.detail.starts_with(expected), "{error}");
    // Eighteen empty ones in the middle are read over.
    assert_eq!(asked.load(Ordering::Relaxed), 21 + 20);
}

#[tokio::test]
async fn as_many_pages_without_records_as_come_are_read_over_where_that_is_declared() {
    let (server, _) = upstream(&[0, 40], 2).await;
    let settings = [
        ("pagination.empty_page", "continue"),
        ("limits.pages", "45"),
    ];
    let error = failed(&adapter(LINK, &server, &settings)).await;
    assert_eq!(error.kind, ErrorKind::LimitExceeded, "{error}");
    let settings = [("pagination.empty_page", "end")];
    let list = walked(&adapter(LINK, &server, &settings)).await;
    assert_eq!(list.groups.len(), 1);
}

#[rstest]
#[case::link(LINK)]
#[case::next_url(NEXT_URL)]
#[case::cursor(CURSOR)]
#[tokio::test]
async fn a_page_without_records_is_the_end_where_an_exact_total_has_come(#[case] toml: &str) {
    let (server, asked) = upstream(&[0, 1, 3], 3).await;
    let settings = [("pagination.total", "/total")];
    let list = walked(&adapter(toml, &server, &settings)).await;
    assert_eq!((list.groups.len(), list.ended_by), (3, EndedBy::Total));
    assert_eq!(asked.load(Ordering::Relaxed), 5);
    // A hint says only how far to read at least.
    let settings = [("pagination.total", "/total"), ("pagination.trust", "hint")];
    failed(&adapter(toml, &server, &settings)).await;
}

#[tokio::test]
async fn a_total_that_may_be_the_length_of_the_only_page_is_the_end_at_the_second_page_without_records()
 {
    let (server, asked) = upstream(&[0], 1).await;
    let settings = [("pagination.total", "/total")];
    let list = walked(&adapter(NEXT_URL, &server, &settings)).await;
    assert_eq!((list.groups.len(), list.ended_by), (1, EndedBy::Total));
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}
