//! Answers that look like a list and are none, or not the whole one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use groupgate::error::ErrorKind;
use groupgate::snapshot::Counts;
use http::Request;
use rstest::rstest;
use serde_json::{Value, json};

use super::evidence::block;
use crate::support::adapters::{adapter_of, failed, walked};
use crate::support::server::{Server, json as answer, parameter};

/// An upstream whose root is the list.
const ROOT: &str = r#"
    [upstreams.club]
    base_url = ""
    request = { path = "/teams" }
    records = "/"
    fields = { id = "id", name = "name" }
"#;

/// An upstream of numbered teams, one a page unless `limit` says otherwise.
const PAGED: &str = r#"
    [upstreams.club]
    base_url = ""
    request = { path = "/teams", query = { page = "{page}", limit = "{limit}" } }
    records = "/teams"
    pagination = { style = "page", limit = 1, total = "/total" }
    fields = { id = "id", name = "name" }
"#;

fn page(request: &Request<bytes::Bytes>) -> u64 {
    let page = parameter(request, "page");
    page.expect("every page has a number").parse().unwrap()
}

fn team(id: u64) -> Value {
    json!({ "id": id, "name": "Team" })
}

#[rstest]
#[case::an_excuse(json!({ "message": "temporarily unavailable" }), "expected a list at `/`, found one object")]
#[case::other_keys(json!([{ "uuid": 1, "title": "A" }, { "uuid": 2, "title": "B" }]), "none of 2 records ")]
#[tokio::test]
async fn records_of_which_none_is_a_group_are_no_list(#[case] body: Value, #[case] expected: &str) {
    let server = Server::start(move |_| answer(&body)).await;
    let error = failed(&adapter_of(ROOT, server.base_url(), &[])).await;
    assert_eq!(error.kind, ErrorKind::Mapping, "{error}");
    assert!(error.detail.starts_with(expected), "{error}");
}

#[tokio::test]
async fn a_long_list_without_a_group_is_given_up_after_a_few_pages() {
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    let server = Server::start(move |request| {
        counted.fetch_add(1, Ordering::Relaxed);
        let page = page(request);
        let teams: Vec<_> = (page <= 200)
            .then(|| json!({ "uuid": page }))
            .into_iter()
            .collect();
        answer(&json!({ "teams": teams }))
    })
    .await;
    let paged = PAGED.replace(r#", total = "/total""#, "");
    let error = failed(&adapter_of(&paged, server.base_url(), &[])).await;
    assert_eq!(error.kind, ErrorKind::Mapping, "{error}");
    assert!(error.detail.starts_with("none of 20 records "), "{error}");
    assert_eq!(asked.load(Ordering::Relaxed), 20);
}

#[tokio::test]
async fn a_record_without_a_name_among_others_is_skipped() {
    let body = json!([{ "id": 1 }, { "id": 2, "name": "B" }]);
    let server = Server::start(move |_| answer(&body)).await;
    let walked = walked(&adapter_of(ROOT, server.base_url(), &[])).await;
    assert_eq!((walked.groups.len(), walked.counts.skipped), (1, 1));
}

#[rstest]
#[case::that_comes_late(2)]
#[case::that_comes_last(3)]
#[tokio::test]
async fn a_total_is_held_against_the_list_whichever_page_names_it(#[case] named_on: u64) {
    let server = Server::start(move |request| {
        let page = page(request);
        let total = (page >= named_on).then_some(30);
        // Past the third page there is nothing, whatever the total says.
        let teams: Vec<_> = (page <= 3).then(|| team(page)).into_iter().collect();
        answer(&json!({ "teams": teams, "total": total }))
    })
    .await;
    let toml = PAGED.replace(
        "/total\"",
        "/total\", absent = \"continue\", step = \"received\"",
    );
    let error = failed(&adapter_of(&toml, server.base_url(), &[])).await;
    assert!(
        error
            .detail
            .starts_with("30 records were announced, but 3 received: `/total` says so"),
        "{error}"
    );
}

#[tokio::test]
async fn pages_of_records_without_names_are_as_many_pages_as_they_are() {
    let server = Server::start(|request| {
        let page = page(request);
        let team = |id| json!({ "id": id, "name": (page == 3).then_some("Team") });
        answer(&json!({ "teams": [team(2 * page), team(2 * page + 1)], "total": 6 }))
    })
    .await;
    let walked = walked(&adapter_of(PAGED, server.base_url(), &[])).await;
    let skipped = Counts {
        skipped: 4,
        ..Counts::default()
    };
    assert_eq!((walked.groups.len(), walked.counts), (2, skipped));
}

#[rstest]
#[case::announced(PAGED.to_owned())]
#[case::one_after_the_other(PAGED.replace(", total = \"/total\"", ""))]
#[tokio::test]
async fn an_upstream_that_ignores_the_page_is_no_list_though_its_pages_hold_one_record(
    #[case] toml: String,
) {
    let server = Server::start(|_| answer(&json!({ "teams": [team(1)], "total": 5 }))).await;
    let error = failed(&adapter_of(&toml, server.base_url(), &[])).await;
    assert!(
        error
            .detail
            .starts_with("a page was repeated at another position: the upstream may ignore"),
        "{error}"
    );
}

#[rstest]
#[case::announced(PAGED.to_owned())]
#[case::one_after_the_other(PAGED.replace(", total = \"/total\"", ""))]
#[tokio::test]
async fn one_record_that_comes_twice_is_kept_once_and_counted(#[case] toml: String) {
    let server = Server::start(|request| {
        let teams: Vec<_> = match page(request) {
            page @ 1..=3 => vec![team(page)],
            4 => vec![team(2)],
            _ => Vec::new(),
        };
        answer(&json!({ "teams": teams, "total": 4 }))
    })
    .await;
    let walked = walked(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!((walked.groups.len(), walked.counts.repeated), (3, 1));
}

/// Five records by an offset, where each page after the first begins with the last record of the one before.
#[rstest]
#[case::the_last_is_never_shown(&[], None)]
#[case::the_last_is_shown_beyond_what_was_announced(&[5], Some(5))]
#[tokio::test]
async fn pages_that_overlap_are_no_whole_list_without_all_that_was_announced(
    #[case] beyond: &'static [u64],
    #[case] expected: Option<usize>,
) {
    let server = Server::start(|request| {
        let records = match parameter(request, "offset").as_deref() {
            Some("0") => [1, 2].as_slice(),
            Some("2") => &[2, 3],
            Some("4") => &[3, 4],
            Some("6") => beyond,
            _ => &[],
        };
        let teams: Vec<_> = records.iter().copied().map(team).collect();
        answer(&json!({ "teams": teams, "total": 5 }))
    })
    .await;
    let query = "offset = '{offset}', limit = '{limit}'";
    let paging = "style = 'offset', limit = 2, total = '/total'";
    let adapter = adapter_of(
        &block("json", "/teams", query, paging),
        server.base_url(),
        &[],
    );
    let Some(expected) = expected else {
        let error = failed(&adapter).await;
        let detail =
            "5 records were announced, but only 4 of the 6 received are different: `/total`";
        assert_eq!(error.kind, ErrorKind::Pagination);
        assert!(error.detail.starts_with(detail), "{error}");
        return;
    };
    let walked = walked(&adapter).await;
    assert_eq!((walked.groups.len(), walked.counts.repeated), (expected, 2));
}

#[tokio::test]
async fn a_last_page_that_repeats_ends_an_announced_list_where_it_is_known_to() {
    let server = Server::start(|request| {
        let page = page(request).min(2);
        answer(&json!({ "teams": [team(2 * page), team(2 * page + 1)], "pages": 3 }))
    })
    .await;
    let announced = PAGED.replace("total = \"/total\"", "pages = \"/pages\"");
    let error = failed(&adapter_of(&announced, server.base_url(), &[])).await;
    assert_eq!(error.kind, ErrorKind::Pagination, "{error}");
    let known = announced.replace("\"/pages\"", "\"/pages\", on_repeat = \"end\"");
    let walked = walked(&adapter_of(&known, server.base_url(), &[])).await;
    assert_eq!(walked.groups.len(), 4);
}
