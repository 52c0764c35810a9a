//! What is sent of a caller is sent as a whole, and says nothing else.

use rstest::rstest;

use super::*;

#[rstest]
#[case::a_path("path = \"/users('{caller.id}')/groups\"")]
#[case::a_query("path = '/groups', query = { filter = \"user eq '{caller.id}'\" }")]
#[case::a_header("path = '/groups', headers = { x-filter = 'user={caller.id}' }")]
#[case::json(
    "method = 'POST', path = '/groups', json = { filter = { q = ['user eq \"{caller.id}\"'] } }"
)]
#[case::a_form("method = 'POST', path = '/groups', form = { filter = '(uid={caller.id})' }")]
#[case::written_json(
    "method = 'POST', path = '/groups', body = '{{\"filter\": \"user eq \\\"{caller.id}\\\"\"}}'"
)]
#[case::written_xml("method = 'POST', path = '/groups', body = '<q>user=\"{caller.id}\"</q>'")]
#[tokio::test]
async fn no_value_of_a_caller_ends_the_text_that_it_stands_in(#[case] request: &str) {
    let server = Server::start(|_| list_of("somebody")).await;
    let catalog = catalog(adapter(&server, &format!("request = {{ {request} }}")));
    for id in [
        "x') or ('1",
        "x\" or \"\" eq \"",
        "x)(uid=*",
        "x*",
        "a, b",
        "a;b",
        "a\\",
    ] {
        let found = ask(&catalog, &caller_with(id, json!({}), &[])).await;
        let (kind, detail) = error(&found);
        assert_eq!(kind, ErrorKind::Unauthorized, "{id}");
        assert!(detail.contains("{caller.id}"), "{detail}");
    }
    assert!(server.requests().is_empty());
    let plain = caller_with("ada.l@example.com", json!({}), &[]);
    assert_eq!(owner(&ask(&catalog, &plain).await), "somebody");
}

#[rstest]
#[case::a_segment("path = '/users/{caller.id}/groups'")]
#[case::a_parameter("path = '/groups', query = { user = '{caller.id}' }")]
#[case::a_member("method = 'POST', path = '/groups', json = { user = '{caller.id}' }")]
#[case::a_field("method = 'POST', path = '/groups', form = { user = '{caller.id}' }")]
#[case::a_written_member(
    "method = 'POST', path = '/groups', body = '{{\"user\": \"{caller.id}\"}}'"
)]
#[case::a_written_element("method = 'POST', path = '/groups', body = '<user>{caller.id}</user>'")]
#[tokio::test]
async fn a_value_that_stands_alone_may_be_anything(#[case] request: &str) {
    let server = Server::start(|_| list_of("somebody")).await;
    let catalog = catalog(adapter(&server, &format!("request = {{ {request} }}")));
    let caller = caller_with("O'Brien, \"Ada\" (*)", json!({}), &[]);
    assert_eq!(owner(&ask(&catalog, &caller).await), "somebody");
}

#[tokio::test]
async fn a_value_that_stands_alone_in_a_header_begins_no_other_item_of_it() {
    let server = Server::start(|_| list_of("somebody")).await;
    let request = "request = { path = '/groups', headers = { x-groups = '{caller.id}' } }";
    let catalog = catalog(adapter(&server, request));
    let several = caller_with("a, admin", json!({}), &[]);
    assert_eq!(
        error(&ask(&catalog, &several).await).0,
        ErrorKind::Unauthorized
    );
    assert!(server.requests().is_empty());
    let one = caller_with("O'Brien (ops)", json!({}), &[]);
    assert_eq!(owner(&ask(&catalog, &one).await), "somebody");
}

#[tokio::test]
async fn an_empty_header_is_not_forwarded_as_if_it_proved_something() {
    let server = Server::start(|_| list_of("the gateway")).await;
    let catalog = catalog(adapter(&server, FORWARDS));
    let found = ask(
        &catalog,
        &caller_with("mallory", json!({}), &[("authorization", "")]),
    )
    .await;
    assert_eq!(error(&found).0, ErrorKind::Unauthorized);
    assert!(server.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_an_upstream_says_of_a_caller_is_masked_however_it_was_sent() {
    let server = Server::start(|request| {
        let path = request.uri().path().to_owned();
        let tenant = header(request, "x-tenant");
        let body = json!(format!("nobody at {path} of {tenant}"));
        let mut response = answer(&body).map(Bytes::from);
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
    .await;
    let keys = "request = { path = '/of/{caller.id}', headers = { x-tenant = '{caller.claims/tenant}' } }\n\
                message = '/'";
    let catalog = catalog(adapter(&server, keys));
    let alice = caller_with("alice@example.com", json!({ "tenant": "tenant-7" }), &[]);
    let (_, detail) = error(&ask(&catalog, &alice).await);
    assert!(detail.contains("nobody at /of/***"), "{detail}");
    for shown in ["alice", "tenant-7"] {
        assert!(!detail.contains(shown), "{detail}");
    }
}
