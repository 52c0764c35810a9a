//! What browsers ask before a script does, through all layers.

use std::sync::Arc;

use http::request::Builder;
use http::{Request, StatusCode};
use rstest::rstest;

use super::{ask, both, generation, plan};
use crate::downstream::testing::Fixed;

/// How a gateway with these settings answers what a portal's script is about to ask, time after time.
async fn answers<const TIMES: usize>(
    settings: &str,
    preflight: impl Fn(Builder) -> Builder,
) -> [StatusCode; TIMES] {
    let settings = format!("server.cors.origins = ['https://portal.example.com']\n{settings}");
    let state = Arc::new(generation(plan(&settings), Fixed::new(both())));
    let mut answers = [StatusCode::OK; TIMES];
    for answer in &mut answers {
        let request = Request::options("/groups")
            .header("origin", "https://portal.example.com")
            .header("access-control-request-method", "GET");
        *answer = ask(&state, preflight(request)).await.status();
    }
    answers
}

#[tokio::test]
async fn a_preflight_needs_no_credentials_and_counts_like_any_other_request() {
    let key = "0".repeat(64);
    let settings = format!(
        "rate_limit.per_client = '1/m'\nrate_limit.burst = 1\ncallers.keys.a.sha256 = '{key}'"
    );
    let answers = answers(&settings, |request| request.header("host", "here")).await;
    assert_eq!(
        answers,
        [StatusCode::NO_CONTENT, StatusCode::TOO_MANY_REQUESTS]
    );
}

#[rstest]
#[case::no_host(&[], StatusCode::BAD_REQUEST)]
#[case::two_hosts(&[("host", "here"), ("host", "here")], StatusCode::BAD_REQUEST)]
#[case::large(&[("host", "here"), ("x", "y")], StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)]
#[tokio::test]
async fn a_preflight_is_checked_like_any_other_request(
    #[case] headers: &[(&str, &str)],
    #[case] expected: StatusCode,
) {
    let preflight = |request| {
        headers
            .iter()
            .fold(request, |request: Builder, (name, value)| {
                let times = if *name == "x" { 17 * 1024 } else { 1 };
                request.header(*name, value.repeat(times))
            })
    };
    assert_eq!(answers("", preflight).await, [expected]);
}
