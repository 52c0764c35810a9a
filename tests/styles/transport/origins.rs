//! Next pages: of the same origin, or of one that the adapter names.

use groupgate::error::ErrorKind;
use http::Response;
use rstest::rstest;
use serde_json::json;

use crate::staff::impatient;
use crate::support::adapters::{failed, ids, walked};
use crate::support::server::{Server, header, json as answer};

/// A page of one group that names the next one in the body and in a header.
fn page(id: u64, next: Option<&str>) -> Response<String> {
    let mut page = answer(&json!({ "items": [{ "id": id }], "next": next }));
    if let Some(next) = next {
        let link = format!("<{next}>; rel=next").parse().unwrap();
        page.headers_mut().insert("link", link);
    }
    page
}

#[rstest]
#[case::in_the_body("style = 'next_url', next = '/next'")]
#[case::in_a_header("style = 'link'")]
#[tokio::test]
async fn a_next_page_elsewhere_is_refused_unless_the_adapter_names_the_origin(#[case] style: &str) {
    let pages = Server::start(|request| match request.uri().path() {
        "/2" => page(2, Some("/3")),
        _ => page(3, None),
    })
    .await;
    let target = format!("{}/2?secret=s3cr3t", pages.base_url());
    let server = Server::start(move |_| page(1, Some(&target))).await;
    let auth = "auth = { type = 'bearer', token = { env = 'SECRET' } }";

    let strict = format!("pagination = {{ {style} }}\n{auth}");
    let error = failed(&impatient(server.base_url(), &strict)).await;
    assert_eq!(error.kind, ErrorKind::Pagination, "{error}");
    assert_eq!(
        error.detail,
        format!(
            "the URL of the next page has another origin, `{0}`, which `pagination.origins` does \
             not list: `{0}/2?secret=…`",
            pages.base_url()
        )
    );
    assert_eq!(pages.requests().len(), 0);

    let origins = format!("origins = ['{}']", pages.base_url());
    let open = format!("pagination = {{ {style}, {origins} }}\n{auth}");
    let adapter = impatient(server.base_url(), &open);
    assert_eq!(ids(&walked(&adapter).await), ["1", "2", "3"]);
    for request in pages.requests() {
        assert_eq!(header(&request, "authorization"), Some("Bearer s3cr3t"));
    }
}

#[tokio::test]
async fn a_link_of_a_record_elsewhere_is_shown_without_values_and_secrets() {
    let server = Server::start(|_| {
        let link = "https://me:pass@elsewhere.example/s3cr3t/1?token=theirs&theirs";
        answer(&json!({ "items": [{ "id": 1, "people": link }] }))
    })
    .await;
    let keys = "auth = { type = 'bearer', token = { env = 'SECRET' } }\n\
                [upstreams.staff.members]\n\
                request = { path = '{record/people}' }\n\
                records = '/'\n\
                fields = { id = 'id' }";
    let error = failed(&impatient(server.base_url(), keys)).await;
    assert_eq!(
        error.detail,
        "the members of the group `1`: the link `{record/people}` has another origin, `https://elsewhere.example`, \
         which `pagination.origins` does not list: `https://elsewhere.example/***/1?token=…&…`"
    );
}
