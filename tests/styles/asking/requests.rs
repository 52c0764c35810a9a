//! What is sent: methods and bodies, continuations, counts.

use http::{Method, Response};
use rstest::rstest;
use serde_json::json;

use crate::staff::adapter;
use crate::support::adapters::{failed, ids, walked};
use crate::support::server::{Server, header, json, parameter, status};

#[rstest]
#[case::query("query = { at = '{cursor}' }", "")]
#[case::form(
    "method = 'POST', idempotent = true, form = { at = '{cursor}', keep = 'me' }",
    "keep=me"
)]
#[case::json(
    "method = 'POST', json = { at = '{cursor}', keep = ['me'] }",
    r#""keep":["me"]"#
)]
#[case::text("method = 'POST', body = 'at={cursor}'", "")]
#[case::get_with_a_body(
    "method = 'GET', json = { at = '{cursor}', keep = 'me' }",
    r#""keep":"me""#
)]
#[tokio::test]
async fn a_cursor_in_a_header_goes_wherever_the_request_says(
    #[case] request: &str,
    #[case] kept: &str,
) {
    let server = Server::start(|request| {
        let sent = format!("{:?} {:?}", request.uri().query(), request.body());
        let (id, next) = if sent.contains("n%2B1") || sent.contains("n+1") {
            ("b", None)
        } else {
            ("a", Some("n+1"))
        };
        let mut response = json(&json!({ "items": [{ "id": id }] }));
        if let Some(next) = next {
            let headers = response.headers_mut();
            headers.insert("x-next", next.parse().unwrap());
        }
        response
    })
    .await;
    let keys = format!(
        "request = {{ path = '/list', {request} }}\n\
         pagination = {{ style = 'cursor', next = {{ header = 'x-next' }} }}"
    );
    // A text body cannot leave out its one parameter, so its first page needs a cursor.
    let keys = if request.contains("body") {
        keys.replace("'x-next' }", "'x-next' }, first = ''")
    } else {
        keys
    };
    let adapter = adapter(server.base_url(), &keys);
    assert_eq!(ids(&walked(&adapter).await), ["a", "b"]);
    for request in server.requests() {
        let body = String::from_utf8(request.body().to_vec()).unwrap();
        assert!(body.contains(kept), "{body}");
    }
}

#[tokio::test]
async fn pages_after_the_first_may_be_asked_for_in_another_way() {
    let server = Server::start(|request| match request.uri().path() {
        "/list" if parameter(request, "limit").as_deref() == Some("2") => {
            json(&json!({ "items": [{ "id": 1 }], "cursor": "c1" }))
        }
        "/list/continue" if request.method() == Method::POST => match request.body().as_ref() {
            br#"{"cursor":"c1"}"# => json(&json!({ "items": [{ "id": 2 }], "cursor": "c2" })),
            br#"{"cursor":"c2"}"# => {
                json(&json!({ "items": [{ "id": 3 }], "cursor": "c3", "has_more": false }))
            }
            _ => status(400),
        },
        _ => status(404),
    })
    .await;
    let adapter = adapter(
        server.base_url(),
        "request = { path = '/list', query = { limit = '{limit}' } }\n\
             continuation = { method = 'POST', path = '/list/continue', json = { cursor = '{cursor}' } }\n\
             pagination = { style = 'cursor', next = '/cursor', more = '/has_more', limit = 2 }",
    );
    assert_eq!(ids(&walked(&adapter).await), ["1", "2", "3"]);
}

#[tokio::test]
async fn a_next_url_is_asked_with_the_token_in_the_body_again() {
    let server = Server::start(|request| {
        let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap_or_default();
        if body["token"] != "s3cret" {
            return status(401);
        }
        match parameter(request, "from").as_deref() {
            None => json(&json!({ "items": [], "next": "/list?from=1" })),
            Some("1") => json(&json!({ "items": [{ "id": 1 }], "next": "?from=2" })),
            Some(_) => json(&json!({ "items": [{ "id": 2 }], "next": null })),
        }
    })
    .await;
    let adapter = adapter(
        server.base_url(),
        "request = { method = 'POST', path = '/list', json = { token = { env = 'TOKEN' } } }\n\
             pagination = { style = 'next_url', next = '/next' }",
    );
    assert_eq!(ids(&walked(&adapter).await), ["1", "2"]);
}

#[rstest]
#[case::number("{ path = '/count' }, at = '/total'", json!({ "total": 3 }).to_string())]
#[case::whole_body("{ path = '/count' }, at = '/'", "3".to_owned())]
#[case::header("{ method = 'POST', path = '/count' }, at = { header = 'x-total' }", "{}".to_owned())]
#[tokio::test]
async fn a_count_is_asked_for_once_and_names_all_pages(#[case] total: &str, #[case] count: String) {
    let server = Server::start(move |request| {
        if request.uri().path() == "/count" {
            let mut response = Response::new(count.clone());
            response.headers_mut().insert("x-total", 3.into());
            return response;
        }
        let page: u64 = parameter(request, "page").unwrap().parse().unwrap();
        json(&json!({ "items": [{ "id": page }] }))
    })
    .await;
    let adapter = adapter(
        server.base_url(),
        &format!(
            "request = {{ path = '/list', query = {{ page = '{{page}}' }} }}\n\
             pagination = {{ style = 'page', total = {{ request = {total} }} }}"
        ),
    );
    assert_eq!(ids(&walked(&adapter).await), ["1", "2", "3"]);
    let asked = server.requests();
    let counts = asked.iter().filter(|ask| ask.uri().path() == "/count");
    assert_eq!((counts.count(), asked.len()), (1, 4));
}

#[tokio::test]
async fn a_list_shorter_than_its_count_is_read_again_and_then_an_error() {
    let server = Server::start(|request| match request.uri().path() {
        "/count" => json(&json!({ "total": 3 })),
        _ if parameter(request, "page").as_deref() == Some("1") => {
            json(&json!({ "items": [{ "id": 1 }, { "id": 2 }] }))
        }
        _ => json(&json!({ "items": [] })),
    })
    .await;
    let adapter = adapter(
        server.base_url(),
        "request = { path = '/list', query = { page = '{page}' } }\n\
             pagination = { style = 'page', total = { request = { path = '/count' }, at = '/total' } }",
    );
    let error = failed(&adapter).await;
    assert!(
        error
            .detail
            .starts_with("3 records were announced, but 2 received: `/total` says so"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 6);
}

#[rstest]
#[case::dollar("'$top' = '{limit}'", "%24top=5", "$top")]
#[case::brackets("'page[size]' = '{limit}'", "page%5Bsize%5D=5", "page[size]")]
#[tokio::test]
async fn odd_names_are_encoded_and_read_back(
    #[case] query: &str,
    #[case] sent: &str,
    #[case] name: &'static str,
) {
    let server = Server::start(move |request| {
        let read = parameter(request, name);
        json(&json!({ "items": [{ "id": read }] }))
    })
    .await;
    let keys = format!(
        "request = {{ path = '/list', query = {{ {query} }} }}\n\
         pagination = {{ style = 'link', limit = 5 }}"
    );
    let adapter = adapter(server.base_url(), &keys);
    assert_eq!(ids(&walked(&adapter).await), ["5"]);
    assert_eq!(server.requests()[0].uri().query(), Some(sent));
}

#[tokio::test]
async fn a_vendors_own_headers_are_sent_as_they_are_written() {
    let server = Server::start(|request| {
        let is_right = header(request, "accept") == Some("application/vnd.groups+json")
            && header(request, "x-amz-target") == Some("Directory.ListGroups")
            && header(request, "content-type") == Some("application/x-amz-json-1.1");
        if is_right {
            json(&json!({ "items": [{ "id": 1 }] }))
        } else {
            status(400)
        }
    })
    .await;
    let adapter = adapter(
        server.base_url(),
        "request = { method = 'POST', path = '/', body = '{{}}', headers = { \
             Accept = 'application/vnd.groups+json', X-Amz-Target = 'Directory.ListGroups', \
             Content-Type = 'application/x-amz-json-1.1' } }",
    );
    assert_eq!(ids(&walked(&adapter).await), ["1"]);
}
