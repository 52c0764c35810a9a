//! Faults of the content: the lists are well-formed and wrong.

use groupgate::tools::demo::{Emulations, InjectedFault};
use http::StatusCode;
use serde_json::{Value, json};

use super::client::{
    address, ask, get, healthy, list, pick, publisher, request, start, variable, with,
};

async fn page(emulations: &Emulations, query: &str) -> Value {
    list(emulations, query).await.json()
}

fn ids(page: &Value) -> Vec<&Value> {
    let groups = page["groups"].as_array().unwrap();
    groups.iter().map(|group| &group["id"]).collect()
}

#[tokio::test]
async fn ids_are_doubled_or_missing_and_types_are_others() {
    let emulations = with(InjectedFault::DuplicateIds).await;
    let doubled = page(&emulations, "?fields=all&limit=10").await;
    assert_eq!(ids(&doubled)[..3], [&json!(1), &json!(1), &json!(3)]);

    publisher(&emulations).set_fault(Some(InjectedFault::MissingIds));
    let missing = page(&emulations, "?fields=all&limit=10").await;
    let without = |place: &usize| missing["groups"][place].get("id").is_none();
    let places: Vec<usize> = (0..10).filter(without).collect();
    assert_eq!(places, [0, 3, 6, 9]);

    publisher(&emulations).set_fault(Some(InjectedFault::WrongTypes));
    let wrong = page(&emulations, "?fields=all&limit=10").await;
    assert_eq!(wrong["groups"][0]["id"], json!([[1]]));
    assert_eq!(wrong["groups"][0]["users"], "none");
}

#[tokio::test]
async fn a_wrong_list_comes_in_the_format_that_was_asked_for() {
    let emulations = with(InjectedFault::DuplicateIds).await;
    let reply = ask(request(&emulations, "").header("accept", "application/xml")).await;
    let media_type = reply.headers["content-type"].to_str().unwrap();
    assert!(media_type.starts_with("application/xml"), "{media_type}");
    let text = reply.text();
    assert!(text.starts_with("<groups><total>25</total>"), "{text}");
    assert_eq!(text.matches("<id>1</id>").count(), 2, "{text}");
}

#[tokio::test]
async fn a_wrong_list_still_needs_the_right_credential() {
    let emulations = with(InjectedFault::Endless).await;
    let reply = ask(get(publisher(&emulations), "/api/2/groups")).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_total_contradicts_what_comes() {
    let emulations = with(InjectedFault::WrongTotal).await;
    let page = page(&emulations, "?limit=100").await;
    assert_eq!(page["total"], 32);
    assert_eq!(ids(&page).len(), 25);
}

#[tokio::test]
async fn every_page_is_the_first_one_again() {
    let emulations = with(InjectedFault::RepeatPage).await;
    let first = page(&emulations, "?limit=10").await;
    let second = page(&emulations, "?limit=10&offset=10").await;
    assert_eq!(first, second);
    assert_eq!(ids(&first).len(), 10);
}

#[tokio::test]
async fn there_is_always_one_more_page_of_new_groups() {
    let emulations = with(InjectedFault::Endless).await;
    let mut seen = Vec::new();
    for offset in (0..300).step_by(10) {
        let page = page(&emulations, &format!("?limit=10&offset={offset}")).await;
        assert_eq!(page["total"], offset + 20);
        seen.extend(ids(&page).into_iter().map(ToString::to_string));
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((all, seen.len()), (300, 300));
}

#[tokio::test]
async fn the_link_to_the_next_page_leads_to_another_host() {
    let emulations = start(25).await;
    let tallyfy = pick(&emulations, "tallyfy");
    tallyfy.set_fault(Some(InjectedFault::NextElsewhere));
    let token = variable(&emulations, "TALLYFY_TOKEN");
    let organization = variable(&emulations, "TALLYFY_ORG");
    let request = get(tallyfy, &format!("/organizations/{organization}/groups"))
        .header("authorization", format!("Bearer {token}"))
        .header("x-tallyfy-client", "APIClient");
    let page = ask(request).await.json();
    let next = page["meta"]["pagination"]["links"]["next"]
        .as_str()
        .unwrap();
    let port = address(tallyfy).port();
    let elsewhere = format!("http://localhost:{port}/organizations/{organization}/groups?page=2");
    assert_eq!(next, elsewhere);
}

#[tokio::test]
async fn a_fault_that_cannot_happen_changes_nothing() {
    let emulations = with(InjectedFault::RepeatCursor).await;
    let told = page(&emulations, "").await;
    assert_eq!(told, healthy(&emulations, "").await.json());
}
