//! The second upstream: cursors and AWS signatures, made here by AWS's own crate.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use groupgate::tools::demo::{CursorType, Emulations, InjectedFault};
use http::{Request, StatusCode};
use http_body_util::Full;
use rstest::rstest;
use serde_json::{Value, json};

use super::client::{Reply, ask, exchange, get, pick, start, variable};
use super::shape::{assert_same_shape, json_fixture};

const NAME: &str = "vinyldns";

/// Who signs, and how.
struct Signer {
    key: String,
    secret: String,
    region: &'static str,
    service: &'static str,
    time: SystemTime,
}

impl Signer {
    fn of(emulations: &Emulations) -> Self {
        Self {
            key: variable(emulations, "VINYL_KEY"),
            secret: variable(emulations, "VINYL_SECRET"),
            region: "us-east-1",
            service: "VinylDNS",
            time: SystemTime::now(),
        }
    }

    fn sign(&self, uri: &str) -> Request<Full<Bytes>> {
        let credentials = Credentials::new(&self.key, &self.secret, None, None, "test");
        let identity = credentials.into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(self.time)
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let body = SignableBody::Bytes(b"");
        let signable = SignableRequest::new("GET", uri, std::iter::empty(), body).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        let mut request = Request::get(uri).body(Full::default()).unwrap();
        instructions.apply_to_request_http1x(&mut request);
        request
    }
}

fn uri(emulations: &Emulations, query: &str) -> String {
    format!("{}/groups{query}", pick(emulations, NAME).base_url())
}

async fn list(emulations: &Emulations, query: &str) -> Reply {
    let request = Signer::of(emulations).sign(&uri(emulations, query));
    exchange(request).await.unwrap()
}

#[tokio::test]
async fn answers_have_the_shape_of_the_vendors_example() {
    let emulations = start(200).await;
    let page = list(&emulations, "").await;
    let example = json_fixture("2-vinyldns/list-response.json");
    assert_eq!(page.status, StatusCode::OK);
    assert_same_shape(&example, &page.json(), &["description", "nextId"]);
    assert_eq!(page.json()["maxItems"], 100);
    assert_eq!(page.json()["groups"].as_array().unwrap().len(), 100);

    let rest = page.json()["nextId"].as_str().unwrap().to_owned();
    let last = list(&emulations, &format!("?startFrom={rest}")).await;
    assert_same_shape(&example, &last.json(), &["description", "startFrom"]);
    assert_eq!(last.json()["startFrom"], rest);
}

#[rstest]
#[tokio::test]
async fn following_the_cursor_yields_every_group_once_in_the_order_of_names(
    #[values(0, 1, 7, 50, 200)] groups: usize,
    #[values(7, 50, 100)] max_items: usize,
) {
    let emulations = start(groups).await;
    let mut seen: Vec<(String, String)> = Vec::new();
    let mut next = String::new();
    loop {
        let page = list(&emulations, &format!("?maxItems={max_items}{next}"))
            .await
            .json();
        let items = page["groups"].as_array().unwrap();
        seen.extend(items.iter().map(|group| {
            let name = group["name"].as_str().unwrap().to_lowercase();
            (name, group["id"].as_str().unwrap().to_owned())
        }));
        let Some(id) = page["nextId"].as_str() else {
            break;
        };
        assert_eq!(items.len(), max_items);
        next = format!("&startFrom={id}");
    }
    assert_eq!(seen.len(), groups);
    assert!(seen.is_sorted_by_key(|(name, _)| name));
    let ids: HashSet<&String> = seen.iter().map(|(_, id)| id).collect();
    assert_eq!(ids.len(), groups);
    let stats = pick(&emulations, NAME).stats();
    assert_eq!(stats.walks, 1);
    assert_eq!(stats.pages, groups.div_ceil(max_items).max(1) as u64);
}

#[rstest]
#[case(
    "?maxItems=0",
    "maxItems was 0, maxItems must be between 0 exclusive and 100 inclusive"
)]
#[case(
    "?maxItems=101",
    "maxItems was 101, maxItems must be between 0 exclusive and 100 inclusive"
)]
#[case("?maxItems=-1", "'-1' is not a valid")]
#[case("?maxItems=ten", "'ten' is not a valid")]
#[case("?ignoreAccess=maybe", "'maybe' is not a valid Boolean value")]
#[tokio::test]
async fn parameters_are_checked_before_the_signature(#[case] query: &str, #[case] said: &str) {
    let emulations = start(1).await;
    let reply = ask(get(pick(&emulations, NAME), &format!("/groups{query}"))).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert!(reply.text().contains(said), "{}", reply.text());
    assert_eq!(reply.headers["content-type"], "text/plain; charset=UTF-8");
}

#[tokio::test]
async fn a_request_that_is_not_signed_as_it_should_be_is_refused_with_a_text() {
    let emulations = start(1).await;
    let address = uri(&emulations, "?maxItems=5");
    let good = || Signer::of(&emulations);
    let unsigned = Request::get(&address).body(Full::default()).unwrap();
    let garbled = Request::get(&address)
        .header("authorization", "AWS4-HMAC-SHA256 whatever")
        .body(Full::default())
        .unwrap();
    let unknown = Signer {
        key: "NOBODY".to_owned(),
        ..good()
    };
    let wrong = Signer {
        secret: "wrong".to_owned(),
        ..good()
    };
    let mut changed = good().sign(&address);
    *changed.uri_mut() = uri(&emulations, "?maxItems=6").parse().unwrap();
    let mut undated = good().sign(&address);
    undated.headers_mut().remove("x-amz-date");
    for (request, reason) in [
        (unsigned, "Authorization header not found"),
        (garbled, "Authorization header could not be parsed"),
        (
            unknown.sign(&address),
            "Account with accessKey NOBODY specified was not found",
        ),
        (
            wrong.sign(&address),
            "Request signature could not be validated",
        ),
        (changed, "Request signature could not be validated"),
        (undated, "Request signature could not be validated"),
    ] {
        let reply = exchange(request).await.unwrap();
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
        assert_eq!(reply.text(), format!("Authentication Failed: {reason}"));
    }
}

#[tokio::test]
async fn region_service_and_day_are_taken_as_they_are_signed() {
    let emulations = start(1).await;
    let signer = Signer {
        region: "eu-central-1",
        service: "anything",
        time: SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365),
        ..Signer::of(&emulations)
    };
    let reply = exchange(signer.sign(&uri(&emulations, ""))).await.unwrap();
    assert_eq!(reply.status, StatusCode::OK);
}

#[rstest]
#[case("?maxItems=5&ignoreAccess=false&abridged=false")]
#[case("?groupNameFilter=caf%C3%A9%20crew")]
#[case("?groupNameFilter=a%2Ab~c%26d%3De%2B")]
#[tokio::test]
async fn a_signature_holds_whatever_the_query_holds(#[case] query: &str) {
    let emulations = start(200).await;
    assert_eq!(list(&emulations, query).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_name_filter_is_applied_and_told() {
    let emulations = start(200).await;
    let page = list(&emulations, "?groupNameFilter=SALES%20t&ignoreAccess=true")
        .await
        .json();
    let names: Vec<&str> = page["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Sales Team", "Sales Team", "sales team"]);
    assert_eq!(page["groupNameFilter"], "SALES t");
    assert_eq!(page["ignoreAccess"], true);
    assert_eq!(page["nextId"], Value::Null);
}

#[tokio::test]
async fn abridged_groups_say_nothing_of_creation_and_status() {
    let emulations = start(3).await;
    let page = list(&emulations, "?abridged=true").await.json();
    for group in page["groups"].as_array().unwrap() {
        assert_eq!(group["created"], Value::Null);
        assert_eq!(group["status"], Value::Null);
        assert!(group["name"].is_string());
    }
}

#[tokio::test]
async fn a_cursor_that_is_no_groups_id_is_a_fault_of_the_server() {
    let emulations = start(3).await;
    let reply = list(
        &emulations,
        "?startFrom=93887728-2b26-4749-ba69-98871dda9cc0",
    )
    .await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_cursor_that_repeats_and_one_that_never_ends_are_the_vendors_own() {
    let emulations = start(25).await;
    let emulation = pick(&emulations, NAME);
    emulation.set_fault(Some(InjectedFault::RepeatCursor));
    let first = list(&emulations, "?maxItems=10").await.json();
    let cursor = first["nextId"].as_str().unwrap();
    let second = list(&emulations, &format!("?maxItems=10&startFrom={cursor}")).await;
    let second = second.json();
    assert_eq!(second["nextId"], cursor);
    assert_ne!(second["groups"], first["groups"]);

    emulation.set_fault(Some(InjectedFault::Endless));
    let mut next = String::new();
    let mut ids = HashSet::new();
    for page in 1..=30 {
        let page_of_ten = list(&emulations, &format!("?maxItems=10{next}"))
            .await
            .json();
        let groups = page_of_ten["groups"].as_array().unwrap();
        ids.extend(groups.iter().map(|group| group["id"].to_string()));
        assert_eq!(ids.len(), 10 * page);
        next = format!("&startFrom={}", page_of_ten["nextId"].as_str().unwrap());
    }
}

#[rstest]
#[case(CursorType::Object, |cursor: &Value| json!({ "value": cursor }))]
#[case(CursorType::List, |cursor: &Value| json!([cursor]))]
#[case(CursorType::True, |_: &Value| json!(true))]
#[tokio::test]
async fn the_next_cursor_is_of_a_type_that_none_can_have(
    #[case] cursor: CursorType,
    #[case] named: fn(&Value) -> Value,
) {
    let emulations = start(25).await;
    let right = list(&emulations, "?maxItems=20").await.json();
    let fault = InjectedFault::CursorType(cursor);
    pick(&emulations, NAME).set_fault(Some(fault));
    let odd = list(&emulations, "?maxItems=20").await.json();
    assert_eq!(odd["nextId"], named(&right["nextId"]));
    let last = format!("?startFrom={}", right["nextId"].as_str().unwrap());
    assert_eq!(list(&emulations, &last).await.json().get("nextId"), None);
}
