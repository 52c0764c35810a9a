//! The fourth upstream: numbered pages, newest first, signed.

use std::collections::HashSet;

use groupgate::clock::WallClock;
use groupgate::tools::demo::{Emulation, Emulations, Options};
use hmac::{Hmac, KeyInit, Mac};
use http::StatusCode;
use http::request::Builder;
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use serde_json::Value;
use sha2::Sha256;

use super::client::{Reply, ask, get, pick, start, start_with, variable};
use super::shape::{assert_same_shape, json_fixture};

const NAME: &str = "onlivesite";
const LIST: &str = "/api/v1/user-groups";
const DATE: &str = "x-onlive-site-date";

fn emulation(emulations: &Emulations) -> &Emulation {
    pick(emulations, NAME)
}

/// The `Authorization` header for a GET of `path`, with its query, at `date`.
fn authorization(emulations: &Emulations, path: &str, date: &str) -> String {
    let secret = variable(emulations, "ONLIVE_SECRET");
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .unwrap()
        .chain_update(format!("GET\n{path}\n{query}\n{date}"));
    let digest = mac.finalize().into_bytes();
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let signature: String = digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect();
    let key = variable(emulations, "ONLIVE_KEY");
    format!("ONLIVESITE Credential:{key}, Signature={signature}")
}

fn date(time: Timestamp) -> String {
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn signed_at(emulations: &Emulations, path: &str, time: Timestamp) -> Builder {
    let date = date(time);
    let authorization = authorization(emulations, path, &date);
    get(emulation(emulations), path)
        .header("authorization", authorization)
        .header(DATE, date)
}

async fn fetch(emulations: &Emulations, path: &str) -> Reply {
    ask(signed_at(emulations, path, WallClock::system().now())).await
}

async fn list(emulations: &Emulations, query: &str) -> Value {
    let reply = fetch(emulations, &format!("{LIST}{query}")).await;
    assert_eq!(reply.status, StatusCode::OK, "{query}");
    reply.json()
}

fn items(page: &Value) -> &[Value] {
    page["items"].as_array().unwrap()
}

fn ids(page: &Value) -> Vec<String> {
    items(page)
        .iter()
        .map(|group| group["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn answers_have_the_shape_of_the_vendors_examples() {
    let emulations = start(200).await;
    let free = ["description", "externalId", "location"];
    let page = list(&emulations, "?page=1&limit=100").await;
    assert_same_shape(
        &json_fixture("4-onlivesite/list-response.json"),
        &page,
        &free,
    );

    let id = &ids(&page)[0];
    let single = fetch(&emulations, &format!("{LIST}/{id}")).await.json();
    assert_same_shape(
        &json_fixture("4-onlivesite/single-response.json"),
        &single,
        &free,
    );
    assert_eq!(single, items(&page)[0]);
}

#[tokio::test]
async fn a_page_has_twenty_groups_by_default() {
    let emulations = start(50).await;
    let page = list(&emulations, "").await;
    assert_eq!(items(&page).len(), 20);
    for (key, value) in [("total", 50), ("page", 1), ("limit", 20), ("pages", 3)] {
        assert_eq!(page[key], value, "{key}");
    }
}

#[rstest]
#[tokio::test]
async fn counting_pages_yields_every_group_once_newest_first(
    #[values(0, 1, 7, 100, 200)] groups: usize,
    #[values(7, 50, 100)] limit: usize,
) {
    let emulations = start(groups).await;
    let pages = list(&emulations, &format!("?limit={limit}")).await["pages"]
        .as_u64()
        .unwrap();
    assert_eq!(pages, groups.div_ceil(limit) as u64);
    let mut seen = HashSet::new();
    let mut created: Vec<Timestamp> = Vec::new();
    for page in 1..=pages + 1 {
        let page = list(&emulations, &format!("?page={page}&limit={limit}")).await;
        seen.extend(ids(&page));
        created.extend(items(&page).iter().map(|group| {
            group["createdAt"]
                .as_str()
                .unwrap()
                .parse::<Timestamp>()
                .unwrap()
        }));
    }
    assert_eq!(created.len(), groups);
    assert_eq!(seen.len(), groups);
    assert!(created.is_sorted_by(|one, other| one > other));
}

#[tokio::test]
async fn a_new_group_shifts_every_page() {
    let emulations = start(30).await;
    let first = list(&emulations, "?page=1&limit=10").await;
    emulation(&emulations).set_groups(31);
    let second = list(&emulations, "?page=2&limit=10").await;
    assert_eq!(second["total"], 31);
    assert_eq!(ids(&first)[9], ids(&second)[0]);
}

#[tokio::test]
async fn whatever_is_not_signed_as_it_should_be_is_refused_as_documented() {
    let emulations = start(1).await;
    let now = WallClock::system().now();
    let stamp = date(now);
    let good = authorization(&emulations, LIST, &stamp);
    let request = || get(emulation(&emulations), LIST);
    let refused = [
        request(),
        request().header(DATE, &stamp),
        request().header("authorization", &good),
        request()
            .header(DATE, date(now + SignedDuration::from_secs(1)))
            .header("authorization", &good),
        request()
            .header(DATE, "today")
            .header("authorization", &good),
        request()
            .header(DATE, &stamp)
            .header("authorization", good.replace("Signature=", "Signature=0")),
        request().header(DATE, &stamp).header(
            "authorization",
            good.replace("ONLIVESITE Credential:", "ONLIVESITE Credential:x"),
        ),
        get(emulation(&emulations), "/api/v1/user-groups?limit=5")
            .header(DATE, &stamp)
            .header("authorization", &good),
    ];
    for request in refused {
        let reply = ask(request).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
        assert_eq!(reply.json(), json_fixture("4-onlivesite/error-401.json"));
    }
}

#[tokio::test]
async fn a_date_counts_for_fifteen_minutes_either_way() {
    fn noon() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }
    let emulations = start_with(Options {
        clock: noon,
        ..Options::default()
    })
    .await;
    let window = SignedDuration::from_mins(15);
    let late = window + SignedDuration::from_secs(1);
    for (offset, status) in [
        (window, StatusCode::OK),
        (-window, StatusCode::OK),
        (late, StatusCode::UNAUTHORIZED),
        (-late, StatusCode::UNAUTHORIZED),
    ] {
        let reply = ask(signed_at(&emulations, LIST, noon() + offset)).await;
        assert_eq!(reply.status, status, "{offset}");
    }
}

#[tokio::test]
async fn a_group_that_is_not_there_is_told_as_documented() {
    let emulations = start(1).await;
    let path = format!("{LIST}/550e8400-e29b-41d4-a716-446655440000");
    let reply = fetch(&emulations, &path).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(reply.json(), json_fixture("4-onlivesite/error-404.json"));
}

#[tokio::test]
async fn a_search_looks_at_name_and_description_in_any_case() {
    let emulations = start(200).await;
    let named = list(&emulations, "?search=human%20RES").await;
    assert_eq!(named["total"], 1);
    assert_eq!(items(&named)[0]["name"], "Human Resources");
    let described = list(&emulations, "?search=inquiries").await;
    assert_eq!(items(&described)[0]["name"], "Sales Team");
}

#[tokio::test]
async fn only_ones_own_organization_has_groups() {
    let emulations = start(3).await;
    let own = "123e4567-e89b-12d3-a456-426614174000";
    let page = list(&emulations, &format!("?organizationId={own}")).await;
    assert_eq!(page["total"], 3);
    let page = list(&emulations, "?organizationId=another").await;
    assert_eq!(page["total"], 0);
    assert_eq!(page["pages"], 0);
}

#[rstest]
#[case("?page=0", "page must be a positive number")]
#[case("?limit=x", "limit must be a positive number")]
#[tokio::test]
async fn a_number_that_is_none_is_refused(#[case] query: &str, #[case] message: &str) {
    let emulations = start(3).await;
    let reply = fetch(&emulations, &format!("{LIST}{query}")).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.json()["message"], message);
}
