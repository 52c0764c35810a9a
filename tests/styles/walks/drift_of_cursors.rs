//! Totals that change while a list without numbered pages is walked, in both attempts.

use std::sync::atomic::{AtomicUsize, Ordering};

use groupgate::error::ErrorKind;
use groupgate::page::ended_by::EndedBy;
use rstest::rstest;
use serde_json::json;

use crate::support::adapters::{adapter_of, failed, walked};
use crate::support::server::{self, Server, parameter};

/// Where the totals stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stated {
    Body,
    Header,
    Count,
}

/// Two pages of two records each. Whatever states a total states the next of these, and then the last
/// for ever.
async fn drifting(totals: &'static [u64], stated: Stated) -> Server {
    let next = AtomicUsize::new(0);
    Server::start(move |request| {
        let is_count = request.uri().path() == "/count";
        let mut total = 0;
        if is_count || stated != Stated::Count {
            let turn = next.fetch_add(1, Ordering::SeqCst);
            total = totals[turn.min(totals.len() - 1)];
        }
        if is_count {
            return server::json(&json!({ "total": total }));
        }
        let is_second = parameter(request, "at").is_some();
        let first = if is_second { 2 } else { 0 };
        let groups = [first, first + 1].map(|id| json!({ "id": id }));
        let mut body = json!({ "groups": groups });
        if stated == Stated::Body {
            body["total"] = json!(total);
        }
        if !is_second {
            body["next"] = json!("/list?at=2");
        }
        let mut response = server::json(&body);
        let headers = response.headers_mut();
        if !is_second {
            headers.insert("link", "</list?at=2>; rel=\"next\"".parse().unwrap());
        }
        if stated == Stated::Header {
            headers.insert("x-total", total.to_string().parse().unwrap());
        }
        response
    })
    .await
}

fn block(style: &str, stated: Stated) -> String {
    let query = if style.contains("cursor") {
        "at = '{cursor}'"
    } else {
        ""
    };
    let total = match stated {
        Stated::Body => "'/total'",
        Stated::Header => "{ header = 'X-Total' }",
        Stated::Count => "{ request = { path = '/count' }, at = '/total' }",
    };
    format!(
        "[upstreams.staff]\nbase_url = \"\"\nrecords = '/groups'\nlimits = {{ retries = 0 }}\n\
         request = {{ path = '/list', query = {{ {query} }} }}\n\
         pagination = {{ {style}, total = {total} }}\nfields = {{ id = 'id', name = 'id' }}\n"
    )
}

const CURSOR: &str = "style = 'cursor', next = '/next'";
const NEXT_URL: &str = "style = 'next_url', next = '/next'";
const LINK: &str = "style = 'link'";

#[rstest]
#[case::grows(CURSOR, Stated::Body, &[3, 4, 4, 5])]
#[case::shrinks(CURSOR, Stated::Body, &[6, 5, 5, 4])]
#[case::grows_and_shrinks(NEXT_URL, Stated::Body, &[3, 5, 5, 3])]
#[case::by_next_url(NEXT_URL, Stated::Body, &[3, 4, 4, 5])]
#[case::by_link(LINK, Stated::Header, &[5, 4, 5, 3])]
#[case::counted(CURSOR, Stated::Count, &[5, 4, 5, 4])]
#[case::counted_and_grown(LINK, Stated::Count, &[2, 3, 3, 5])]
#[tokio::test]
async fn a_total_that_changes_in_both_attempts_is_as_good_as_what_it_once_said(
    #[case] style: &str,
    #[case] stated: Stated,
    #[case] totals: &'static [u64],
) {
    let server = drifting(totals, stated).await;
    let walked = walked(&adapter_of(&block(style, stated), server.base_url(), &[])).await;
    assert_eq!(walked.groups.len(), 4);
    assert!(walked.counts.drifted);
    let is_one_of_them = *totals.last().unwrap() == 4;
    if is_one_of_them {
        assert_eq!(walked.ended_by, EndedBy::NoNext);
    } else {
        assert_eq!(walked.ended_by, EndedBy::Drifted);
    }
}

#[rstest]
#[case::below_all(CURSOR, Stated::Body, &[7, 6, 6, 5], "5 records were announced, but 4 received")]
#[case::above_all(CURSOR, Stated::Body, &[1, 2, 2, 3], "3 records were announced, but 4 received")]
#[case::below_all_by_link(LINK, Stated::Header, &[7, 6, 6, 5], "5 records were announced, but 4 received")]
#[case::counted(NEXT_URL, Stated::Count, &[7, 6, 6, 5], "5 records were announced, but 4 received")]
#[case::constant(CURSOR, Stated::Body, &[5], "5 records were announced, but 4 received")]
#[case::counted_constant(CURSOR, Stated::Count, &[5], "5 records were announced, but 4 received")]
#[tokio::test]
async fn a_list_that_no_total_of_the_walk_allows_is_an_error(
    #[case] style: &str,
    #[case] stated: Stated,
    #[case] totals: &'static [u64],
    #[case] expected: &str,
) {
    let server = drifting(totals, stated).await;
    let error = failed(&adapter_of(&block(style, stated), server.base_url(), &[])).await;
    assert_eq!(error.kind, ErrorKind::Pagination);
    assert!(error.detail.contains(expected), "{error}");
}

#[tokio::test]
async fn a_list_that_grew_after_it_was_counted_is_read_once_more() {
    // Three when it is first counted, four from then on.
    let server = drifting(&[3, 4], Stated::Count).await;
    let walked = walked(&adapter_of(
        &block(CURSOR, Stated::Count),
        server.base_url(),
        &[],
    ))
    .await;
    assert_eq!((walked.groups.len(), walked.ended_by), (4, EndedBy::NoNext));
    assert!(!walked.counts.drifted);
    let counts = server.asked();
    let counts = counts.iter().filter(|uri| uri.starts_with("/count"));
    assert_eq!(
        counts.count(),
        3,
        "first, at the end of the first attempt, and for the second"
    );
}
