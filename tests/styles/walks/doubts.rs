//! What a request made only to be sure settles, and what it does not.

use groupgate::error::ErrorKind;
use groupgate::page::ended_by::EndedBy;
use http::{Response, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use super::evidence::{block, number};
use crate::support::adapters::{adapter_of, failed, ids, walked};
use crate::support::server::{Server, json as answer};

/// Records in two organizations, of which all are shown on every page.
fn under_two(records: &[Value]) -> Value {
    let middle = records.len().min(1);
    json!([{ "name": "a", "groups": records[..middle] }, { "name": "b", "groups": records[middle..] }])
}

#[tokio::test]
async fn an_offset_refused_as_no_multiple_of_the_limit_settles_no_other_doubt() {
    let server = Server::start(|request| {
        let offset = number(request, "offset", 0);
        if !offset.is_multiple_of(3) {
            return Response::builder().status(400).body(String::new()).unwrap();
        }
        let records = (offset..(offset + 3).min(30)).map(|id| json!({ "id": id }));
        let records: Vec<_> = records.collect();
        let orgs = if records.is_empty() {
            json!([])
        } else {
            under_two(&records)
        };
        answer(&json!({ "orgs": orgs, "total": records.len() }))
    })
    .await;
    let query = "offset = '{offset}', limit = '{limit}'";
    let pagination = "style = 'offset', limit = 3, total = '/total'";
    let toml = block("json", "/orgs/groups", query, pagination);
    let walked = walked(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!(walked.groups.len(), 30);
}

/// Two teams with the total of two, and this answer at every other position.
async fn two_teams(status: u16, body: &'static str) -> Server {
    Server::start(move |request| {
        if number(request, "page", 1) == 1 {
            return answer(&json!({ "teams": [{ "id": 1 }, { "id": 2 }], "total": 2 }));
        }
        let mut response = Response::new(body.to_owned());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
    })
    .await
}

fn of_two_teams(limit: u32) -> String {
    let query = "page = '{page}', limit = '{limit}'";
    let pagination = format!("style = 'page', limit = {limit}, total = '/total'");
    let toml = block("json", "/teams", query, &pagination);
    format!(
        "{toml}limits = {{ retries = 0 }}\nsuccess = {{ path = '/ok', equals = true, absent = 'ok' }}\n"
    )
}

#[rstest]
#[case::a_fault(500, "")]
#[case::a_redirect(302, "")]
#[case::unauthorized(401, "")]
#[case::a_refusal(400, "")]
#[case::an_error_under_200(200, r#"{"ok": false, "message": "no such page"}"#)]
#[tokio::test]
async fn a_page_shorter_than_asked_with_its_length_as_total_is_whole_however_more_is_refused(
    #[case] status: u16,
    #[case] body: &'static str,
) {
    let server = two_teams(status, body).await;
    let walked = walked(&adapter_of(&of_two_teams(50), server.base_url(), &[])).await;
    assert_eq!(
        (walked.groups.len(), walked.ended_by),
        (2, EndedBy::Confirmed)
    );
}

#[rstest]
#[case::a_fault_after_a_full_page(2, 500, "")]
#[case::an_error_after_a_full_page(2, 200, r#"{"ok": false}"#)]
#[case::no_list_after_a_short_page(50, 200, r#"{"error": "no such page"}"#)]
#[case::no_json_after_a_short_page(50, 200, "no such page")]
#[case::a_temporary_error_after_a_short_page(50, 503, "")]
#[tokio::test]
async fn an_error_that_settles_nothing_says_why_there_was_a_request(
    #[case] limit: u32,
    #[case] status: u16,
    #[case] body: &'static str,
) {
    let server = two_teams(status, body).await;
    let error = failed(&adapter_of(&of_two_teams(limit), server.base_url(), &[])).await;
    let expected = "asked once more, because the announced number may be that of this page alone: ";
    assert!(error.detail.starts_with(expected), "{error}");
    assert!(error.detail.contains("a rule in `answers`"), "{error}");
}

#[tokio::test]
async fn a_record_without_an_id_that_comes_again_does_not_contradict_an_offset() {
    let server = Server::start(|request| {
        let offset = number(request, "offset", 0);
        let records = (offset..(offset + 3).min(7)).map(|id| {
            if id == 2 {
                json!({ "note": "no id" })
            } else {
                json!({ "id": id })
            }
        });
        let orgs = under_two(&records.collect::<Vec<_>>());
        answer(&json!({ "orgs": orgs, "total": 7 }))
    })
    .await;
    let pagination = "style = 'offset', total = '/total'";
    let toml = block("json", "/orgs/groups", "offset = '{offset}'", pagination);
    let walked = walked(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!((walked.groups.len(), walked.counts.skipped), (6, 1));
}

#[rstest]
#[case::by_the_first_page("granted")]
#[case::by_each_page("received")]
#[tokio::test]
async fn more_parents_than_records_do_not_stop_an_offset_that_counts_records(#[case] step: &str) {
    // All four organizations are on every page, with two of the eight groups.
    let server = Server::start(|request| {
        let offset = number(request, "offset", 0);
        let org = |org: usize| -> Value {
            let groups = [2 * org, 2 * org + 1].into_iter();
            let groups = groups.filter(|id| (offset..offset + 2).contains(id));
            let groups: Vec<_> = groups.map(|id| json!({ "id": id })).collect();
            json!({ "name": org, "groups": groups })
        };
        answer(&json!({ "orgs": [org(0), org(1), org(2), org(3)], "total": 8 }))
    })
    .await;
    let pagination = format!("style = 'offset', step = '{step}', total = '/total'");
    let toml = block("json", "/orgs/groups", "offset = '{offset}'", &pagination);
    let walked = walked(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!(walked.groups.len(), 8);
}

#[rstest]
#[case::by_offset("style = 'offset', step = 'asked', limit = 2", "offset = '{offset}'")]
#[case::by_page("style = 'page'", "offset = '{page}'")]
#[tokio::test]
async fn empty_parents_that_nothing_tells_apart_are_not_the_same_page_again(
    #[case] pagination: &str,
    #[case] query: &str,
) {
    let is_page = pagination.contains("'page'");
    let server = Server::start(move |request| {
        let offset = number(request, "offset", 0);
        let page = if is_page { offset - 1 } else { offset / 2 };
        answer(&match page {
            0 | 1 => json!({ "orgs": [{ "groups": [] }, { "groups": [] }] }),
            2 => json!({ "orgs": [{ "groups": [{ "id": 1 }] }, { "groups": [{ "id": 2 }, { "id": 3 }] }] }),
            _ => json!({ "orgs": [] }),
        })
    })
    .await;
    let toml = block("json", "/orgs/groups", query, pagination);
    let walked = walked(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!(walked.groups.len(), 3);
}

#[tokio::test]
async fn a_listed_record_that_came_twice_is_noticed_beside_nested_ones() {
    let server = Server::start(|request| {
        let team = |id: &str| json!({ "id": id, "teams": [{ "id": format!("below {id}") }] });
        let teams = match number(request, "page", 1) {
            1 => json!([team("a"), team("b")]),
            2 => json!([team("b"), team("c")]),
            3 => json!([team("d")]),
            _ => json!([]),
        };
        answer(&json!({ "teams": teams, "total": 4 }))
    })
    .await;
    let toml = block(
        "json",
        "/teams",
        "page = '{page}'",
        "style = 'page', total = '/total'",
    );
    let toml = toml.replace(
        "records = '/teams'",
        "records = { at = '/teams', children = 'teams' }",
    );
    let walked = walked(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!(ids(&walked).len(), 8);
}

#[tokio::test]
async fn a_repeated_page_names_the_cause_before_the_remedy() {
    let server = Server::start(|_| answer(&json!({ "teams": [{ "id": 1 }, { "id": 2 }] }))).await;
    let toml = block("json", "/teams", "page = '{page}'", "style = 'page'");
    let error = failed(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!(error.kind, ErrorKind::Pagination);
    let expected = "a page was repeated at another position: the upstream may ignore the position";
    assert!(error.detail.starts_with(expected), "{error}");
}

#[rstest]
#[case::a_flag("more = '/more'")]
#[case::a_hint("total = '/total', trust = 'hint'")]
#[case::an_empty_page("")]
#[tokio::test]
async fn an_offset_declared_to_count_what_came_is_believed_where_records_stand_under_parents(
    #[case] end: &str,
) {
    let server = Server::start(|request| {
        let offset = number(request, "offset", 0);
        let records = (offset..(offset + 3).min(7)).map(|id| json!({ "id": id }));
        let records: Vec<_> = records.collect();
        let has_more = offset + records.len() < 7;
        let orgs = if records.is_empty() {
            json!([])
        } else {
            under_two(&records)
        };
        answer(&json!({ "orgs": orgs, "more": has_more, "total": 7 }))
    })
    .await;
    let query = "offset = '{offset}'";
    let pagination = |step: &str| format!("style = 'offset', step = '{step}', {end}");
    let toml = block("json", "/orgs/groups", query, &pagination("received"));
    let walked = walked(&adapter_of(&toml, server.base_url(), &[])).await;
    assert_eq!(walked.groups.len(), 7);
    let toml = block("json", "/orgs/groups", query, &pagination("granted"));
    let error = failed(&adapter_of(&toml, server.base_url(), &[])).await;
    let expected = "`pagination.step = \"received\"` if it counts records";
    assert!(error.detail.contains(expected), "{error}");
}

#[tokio::test]
async fn the_same_empty_parents_from_the_start_are_no_empty_list() {
    let server = Server::start(|_| {
        let org = |name: &str| json!({ "name": name, "groups": [] });
        answer(&json!({ "orgs": [org("a"), org("b")] }))
    })
    .await;
    let pagination = "style = 'offset', step = 'asked', limit = 2";
    let toml = block("json", "/orgs/groups", "offset = '{offset}'", pagination);
    let error = failed(&adapter_of(&toml, server.base_url(), &[])).await;
    let expected = "a page was repeated at another position";
    assert!(error.detail.starts_with(expected), "{error}");
}
