//! The first upstream: login, envelope, whole list.

use std::collections::HashSet;

use groupgate::tools::demo::{Emulations, InjectedFault, LoginStatus, Options, TokenKind};
use http::StatusCode;
use http::request::Builder;
use rstest::rstest;
use serde_json::{Value, json};

use super::client::{Reply, ask, get, pick, post, send, start, start_with, variable};
use super::shape::{assert_same_shape, json_fixture};

const NAME: &str = "collections";

/// The login of the vendor's example, with the credentials of the emulation.
fn login_body(emulations: &Emulations) -> Value {
    let mut body = json_fixture("1-collections/login-request.json");
    body["client_id"] = variable(emulations, "COLLECTIONS_ID").into();
    body["client_secret"] = variable(emulations, "COLLECTIONS_SECRET").into();
    body
}

async fn login(emulations: &Emulations, body: &Value) -> Reply {
    let request = post(pick(emulations, NAME), "/generate-client-auth-token")
        .header("content-type", "application/json");
    send(request, body.to_string()).await
}

async fn token(emulations: &Emulations) -> String {
    let reply = login(emulations, &login_body(emulations)).await;
    assert_eq!(reply.status, StatusCode::OK);
    reply.json()["data"]["auth_token"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn list_request(emulations: &Emulations, token: &str) -> Builder {
    post(pick(emulations, NAME), "/fetch-groups")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
}

async fn list(emulations: &Emulations, token: &str) -> Reply {
    let request = list_request(emulations, token).header("domain", "my-domain");
    send(request, "{}").await
}

#[tokio::test]
async fn answers_have_the_shape_of_the_vendors_examples() {
    let emulations = start(200).await;
    let login = login(&emulations, &login_body(&emulations)).await;
    let example = json_fixture("1-collections/login-response.json");
    assert_same_shape(&example, &login.json(), &[]);

    let list = list(&emulations, &token(&emulations).await).await;
    let example = json_fixture("1-collections/list-response.json");
    let free = ["group_description", "document_count", "settings"];
    assert_eq!(list.status, StatusCode::OK);
    assert_same_shape(&example, &list.json(), &free);
    assert_eq!(list.json()["statusCode"], 200);
    assert_eq!(list.json()["message"], "OKAY");
}

#[rstest]
#[case(LoginStatus::StatusCode, &["statusCode", "data", "message"])]
#[case(LoginStatus::Status, &["status", "data", "message"])]
#[case(LoginStatus::Absent, &["data"])]
#[tokio::test]
async fn a_login_says_that_it_worked_wherever_it_is_told_to(
    #[case] login_status: LoginStatus,
    #[case] keys: &[&str],
) {
    let emulations = start_with(Options {
        login_status,
        ..Options::default()
    })
    .await;
    let answer = login(&emulations, &login_body(&emulations)).await.json();
    assert!(answer.as_object().unwrap().keys().eq(keys));
}

#[tokio::test]
async fn a_list_request_without_a_good_token_and_domain_is_refused_as_documented() {
    let emulations = start(1).await;
    let token = token(&emulations).await;
    let emulation = pick(&emulations, NAME);
    let json = |path| post(emulation, path).header("content-type", "application/json");
    let refused = [
        json("/fetch-groups").header("domain", "my-domain"),
        list_request(&emulations, "forged").header("domain", "my-domain"),
        list_request(&emulations, &token),
        list_request(&emulations, &token).header("domain", "another-domain"),
        json("/fetch-groups")
            .header("domain", "my-domain")
            .header("authorization", &token),
    ];
    let count = refused.len() as u64;
    for request in refused {
        let reply = send(request, "{}").await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
        assert_eq!(reply.json(), json_fixture("1-collections/error-403.json"));
    }
    assert_eq!(emulation.stats().unauthorized, count);
    assert_eq!(list(&emulations, &token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_fault_of_the_server_is_told_as_documented() {
    let emulations = start(1).await;
    let token = token(&emulations).await;
    let example = json_fixture("1-collections/error-500.json");
    let broken = list_request(&emulations, &token).header("domain", "my-domain");
    let broken = send(broken, "{").await;
    assert_eq!(broken.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(broken.json(), example);

    pick(&emulations, NAME).set_fault(Some(InjectedFault::ErrorInBody));
    let in_body = list(&emulations, &token).await;
    assert_eq!(in_body.status, StatusCode::OK);
    assert_eq!(in_body.json(), example);
}

#[tokio::test]
async fn a_login_names_the_fields_that_it_misses() {
    let emulations = start(1).await;
    let mut body = login_body(&emulations);
    body.as_object_mut().unwrap().remove("client_secret");
    body["user"].as_object_mut().unwrap().remove("email");
    let reply = login(&emulations, &body).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        reply.json()["message"],
        "Missing required fields: client_secret, email"
    );
}

#[rstest]
#[case("/client_id")]
#[case("/client_secret")]
#[case("/user/group_name")]
#[tokio::test]
async fn a_login_with_a_wrong_credential_is_refused(#[case] field: &str) {
    let emulations = start(1).await;
    let mut body = login_body(&emulations);
    *body.pointer_mut(field).unwrap() = json!("wrong");
    let reply = login(&emulations, &body).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!(reply.json()["message"], "Invalid client credentials");
    assert_eq!(pick(&emulations, NAME).stats().logins, 1);
}

#[rstest]
#[case(TokenKind::Jwt, 2)]
#[case(TokenKind::Opaque, 0)]
#[tokio::test]
async fn a_revoked_token_is_refused_and_a_new_one_is_not(
    #[case] tokens: TokenKind,
    #[case] dots: usize,
) {
    let emulations = start_with(Options {
        tokens,
        ..Options::default()
    })
    .await;
    let first = token(&emulations).await;
    assert_eq!(first.matches('.').count(), dots);
    assert_eq!(list(&emulations, &first).await.status, StatusCode::OK);
    pick(&emulations, NAME).revoke_tokens();
    assert_eq!(
        list(&emulations, &first).await.status,
        StatusCode::FORBIDDEN
    );
    let second = token(&emulations).await;
    assert_eq!(list(&emulations, &second).await.status, StatusCode::OK);
}

#[rstest]
#[tokio::test]
async fn the_list_holds_every_group_once_and_in_no_order(
    #[values(0, 1, 2, 200, 1000)] groups: usize,
) {
    let emulations = start(groups).await;
    let list = list(&emulations, &token(&emulations).await).await.json();
    let data = list["data"].as_array().unwrap();
    let ids: HashSet<&str> = data
        .iter()
        .map(|group| group["group_id"].as_str().unwrap())
        .collect();
    assert_eq!(data.len(), groups);
    assert_eq!(ids.len(), groups);
    let created: Vec<&str> = data
        .iter()
        .map(|group| group["created_at"].as_str().unwrap())
        .collect();
    assert_eq!(created.is_sorted(), groups < 2, "{groups} groups");
}

#[tokio::test]
async fn ids_hold_what_urls_and_lists_trip_over() {
    let emulations = start(200).await;
    let list = list(&emulations, &token(&emulations).await).await.json();
    let ids: Vec<&str> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["group_id"].as_str().unwrap())
        .collect();
    for part in ["/", ":", " ", "%", "%2F", "?", "#", "&", "組"] {
        assert!(ids.iter().any(|id| id.contains(part)), "{part}");
    }
    assert!(ids.iter().any(|id| id.len() > 300));
}

#[tokio::test]
async fn only_a_post_lists_groups() {
    let emulations = start(1).await;
    let reply = ask(get(pick(&emulations, NAME), "/fetch-groups")).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(reply.json()["message"], "NOT_FOUND");
}
