//! Answers that look like a list and are none, or not the whole one.

use groupgate::upstream::ErrorKind;
use groupgate::upstream::catalog::Counts;
use http::{Request, Response};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::server::{Server, json as answer, parameter};
use crate::support::{adapter_of, failed, walked};

/// An upstream whose root is the list.
const ROOT: &str = r#"
    [upstreams.club]
    base_url = ""
    request = { path = "/teams" }
    records = "/"
    fields = { id = "id", name = "name" }
"#;

#[rstest]
#[case::an_excuse(json!({ "message": "temporarily unavailable" }))]
#[case::other_keys(json!([{ "uuid": 1, "title": "A" }, { "uuid": 2, "title": "B" }]))]
#[tokio::test]
async fn records_of_which_none_is_a_group_are_no_list(#[case] body: Value) {
    let server = Server::start(move |_| answer(&body)).await;
    let error = failed(&adapter_of(ROOT, server.base_url(), &[])).await;
    assert_eq!(error.kind, ErrorKind::Mapping, "{error}");
    assert!(error.detail.starts_with("none of "), "{error}");
}

#[tokio::test]
async fn a_record_without_a_name_among_others_is_skipped() {
    let body = json!([{ "id": 1 }, { "id": 2, "name": "B" }]);
    let server = Server::start(move |_| answer(&body)).await;
    let walked = walked(&adapter_of(ROOT, server.base_url(), &[])).await;
    assert_eq!((walked.groups.len(), walked.counts.skipped), (1, 1));
}
