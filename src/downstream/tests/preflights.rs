//! What browsers ask before a script does, through all layers.

use http::{Request, StatusCode};

use super::visibility::{NOWHERE, answer_to, gateway_with};
use crate::caller::Caller;

#[tokio::test]
async fn a_preflight_counts_like_any_other_request() {
    let cors = "server.cors.origins = ['https://portal.example.com']";
    let gateway = gateway_with(cors, &[("alpha", NOWHERE, false)]);
    let request = Request::options("/groups")
        .header("host", "here")
        .header("origin", "https://portal.example.com")
        .header("access-control-request-method", "GET");
    let (status, headers, _) = answer_to(&gateway, Caller::default(), request).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert!(headers.contains("ratelimit-policy"), "{headers}");
}
