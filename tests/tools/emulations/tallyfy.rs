//! The fifth upstream: an organization in the path, and pages that may not be there.

use std::collections::HashSet;

use groupgate::tools::demo::{Emulations, Options, TallyfyPaging};
use http::StatusCode;
use http::request::Builder;
use rstest::rstest;
use serde_json::{Value, json};

use super::client::{Reply, ask, get, pick, start, start_with, variable};
use super::shape::{assert_same_shape, json_fixture};

const NAME: &str = "tallyfy";

fn request(emulations: &Emulations, organization: &str, query: &str) -> Builder {
    let path = format!("/organizations/{organization}/groups{query}");
    get(pick(emulations, NAME), &path).header("accept", "application/json")
}

fn with_headers(emulations: &Emulations, request: Builder) -> Builder {
    let token = variable(emulations, "TALLYFY_TOKEN");
    request
        .header("authorization", format!("Bearer {token}"))
        .header("x-tallyfy-client", "APIClient")
}

async fn fetch(emulations: &Emulations, query: &str) -> Reply {
    let organization = variable(emulations, "TALLYFY_ORG");
    let request = request(emulations, &organization, query);
    ask(with_headers(emulations, request)).await
}

async fn list(emulations: &Emulations, query: &str) -> Value {
    let reply = fetch(emulations, query).await;
    assert_eq!(reply.status, StatusCode::OK, "{query}");
    reply.json()
}

fn data(page: &Value) -> &[Value] {
    page["data"].as_array().unwrap()
}

#[rstest]
#[case(TallyfyPaging::Absent)]
#[case(TallyfyPaging::Meta)]
#[tokio::test]
async fn answers_have_the_shape_of_the_vendors_example(#[case] tallyfy_paging: TallyfyPaging) {
    let emulations = start_with(Options {
        tallyfy_paging,
        ..Options::default()
    })
    .await;
    let mut page = list(&emulations, "?with=assets&per_page=100").await;
    let meta = page.as_object_mut().unwrap().remove("meta");
    assert_eq!(meta.is_some(), tallyfy_paging == TallyfyPaging::Meta);
    let free = ["description", "updated_at", "last_updated", "job_title"];
    assert_same_shape(&json_fixture("5-tallyfy/list-response.json"), &page, &free);
    for group in data(&page) {
        let id = group["id"].as_str().unwrap();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(group.get("updated_at"), group.get("last_updated"));
    }
}

#[tokio::test]
async fn the_list_holds_deleted_groups_and_guests() {
    let emulations = start(200).await;
    let page = list(&emulations, "?per_page=100").await;
    assert!(
        data(&page)
            .iter()
            .any(|group| group["deleted_at"].is_string())
    );
    assert!(
        data(&page)
            .iter()
            .any(|group| group["guests"][0].is_string())
    );
}

#[tokio::test]
async fn logos_are_shown_only_with_assets() {
    let emulations = start(200).await;
    let logos = async |query: &str| {
        let page = list(&emulations, query).await;
        data(&page)
            .iter()
            .filter(|group| group["logo"].is_string())
            .count()
    };
    assert!(logos("?per_page=100&with=assets").await > 0);
    assert_eq!(logos("?per_page=100").await, 0);
}

#[rstest]
#[case("", 10)]
#[case("?per_page=7", 7)]
#[case("?per_page=100", 100)]
#[case("?per_page=101", 100)]
#[case("?per_page=999999999", 100)]
#[tokio::test]
async fn a_page_has_ten_groups_unless_up_to_a_hundred_are_asked_for(
    #[case] query: &str,
    #[case] granted: usize,
) {
    let emulations = start(200).await;
    let page = list(&emulations, query).await;
    let pagination = &page["meta"]["pagination"];
    assert_eq!(data(&page).len(), granted);
    assert_eq!(pagination["per_page"], granted);
    assert_eq!(pagination["count"], granted);
    assert_eq!(pagination["total"], 200);
    assert_eq!(pagination["total_pages"], 200_usize.div_ceil(granted));
}

#[tokio::test]
async fn links_change_their_type_from_page_to_page() {
    let emulations = start(25).await;
    let links = async |query: &str| {
        let page = list(&emulations, query).await;
        page["meta"]["pagination"].get("links").cloned()
    };
    let first = links("?page=1").await.unwrap();
    assert!(first["next"].as_str().unwrap().ends_with("/groups?page=2"));
    assert_eq!(first.get("previous"), None);
    let second = links("?page=2").await.unwrap();
    assert!(second["previous"].is_string() && second["next"].is_string());
    assert_eq!(links("?page=3").await, Some(json!([])));
    assert_eq!(links("?page=4").await, None);
    assert_eq!(links("?per_page=25").await, Some(Value::Null));
}

#[rstest]
#[tokio::test]
async fn counting_pages_yields_every_group_once(
    #[values(0, 1, 10, 200)] groups: usize,
    #[values(7, 10, 100)] per_page: usize,
) {
    let emulations = start(groups).await;
    let mut ids = HashSet::new();
    let mut count = 0;
    let mut page = 1;
    loop {
        let answer = list(&emulations, &format!("?page={page}&per_page={per_page}")).await;
        count += data(&answer).len();
        ids.extend(data(&answer).iter().map(|group| group["id"].to_string()));
        if answer["meta"]["pagination"]["total_pages"] == page {
            break;
        }
        page += 1;
    }
    assert_eq!(count, groups);
    assert_eq!(ids.len(), groups);
    assert_eq!(page, groups.div_ceil(per_page).max(1));
    let past = list(
        &emulations,
        &format!("?page={}&per_page={per_page}", page + 1),
    )
    .await;
    assert!(data(&past).is_empty());
}

#[tokio::test]
async fn without_meta_the_whole_list_is_one_page() {
    let emulations = start_with(Options {
        tallyfy_paging: TallyfyPaging::Absent,
        ..Options::default()
    })
    .await;
    assert_eq!(
        data(&list(&emulations, "?page=3&per_page=5").await).len(),
        200
    );
}

#[tokio::test]
async fn a_wrong_token_is_refused_as_documented() {
    let emulations = start(1).await;
    let organization = variable(&emulations, "TALLYFY_ORG");
    let bare = || request(&emulations, &organization, "").header("x-tallyfy-client", "APIClient");
    for request in [bare(), bare().header("authorization", "Bearer wrong")] {
        let reply = ask(request).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
        assert_eq!(reply.json(), json_fixture("5-tallyfy/error-401.json"));
    }
}

#[tokio::test]
async fn the_client_header_and_the_organization_are_needed() {
    let emulations = start(1).await;
    let organization = variable(&emulations, "TALLYFY_ORG");
    let token = variable(&emulations, "TALLYFY_TOKEN");
    let nameless =
        request(&emulations, &organization, "").header("authorization", format!("Bearer {token}"));
    let reply = ask(nameless).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.json()["error"], true);

    let elsewhere = request(&emulations, "another-organization", "");
    let reply = ask(with_headers(&emulations, elsewhere)).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(
        reply.json(),
        json!({ "error": true, "message": "Not Found", "code": 404 })
    );
}

#[rstest]
#[case("?page=0", "page")]
#[case("?per_page=0", "per_page")]
#[case("?per_page=ten", "per_page")]
#[tokio::test]
async fn a_number_that_is_none_is_named(#[case] query: &str, #[case] field: &str) {
    let emulations = start(1).await;
    let reply = fetch(&emulations, query).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply.json()["error"], true);
    assert!(reply.json()["errors"][field][0].is_string());
}

#[tokio::test]
async fn a_quota_that_is_used_up_says_when_to_come_back() {
    let emulations = start_with(Options {
        tallyfy_quota: Some(2),
        ..Options::default()
    })
    .await;
    for _ in 0..2 {
        assert_eq!(fetch(&emulations, "").await.status, StatusCode::OK);
    }
    let reply = fetch(&emulations, "").await;
    assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = reply.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&seconds));
    assert_eq!(reply.json()["code"], 429);
}
