//! The admin listener over upstreams that hold what a test says.

use http::header::AUTHORIZATION;
use rstest::rstest;

use super::super::layers;
use super::super::testing::{Fixed, empty, failed, fresh, generation, send, text};
use super::*;
use crate::catalog::PendingShrink;
use crate::config::testing::{LEAST, load_block};
use crate::error::ErrorKind;
use crate::plan::Plan;

fn admin(
    held: impl Into<Arc<[SourceLookup]>>,
    draining: bool,
    token: Option<&str>,
) -> Arc<Generation<Fixed>> {
    let mut plan = Plan::clone(&load_block("alpha", LEAST, &[]).plan);
    plan.server.admin_token = token.map(SecretValue::from);
    let generation = generation(plan, Fixed::new(held));
    generation
        .process
        .draining
        .store(draining, Ordering::Relaxed);
    generation.into()
}

async fn ask(admin: &Arc<Generation<Fixed>>, request: http::request::Builder) -> Response {
    send(layers::admin(route), admin, request).await
}

/// A `GET` request, as an operator sends it.
fn get(path: &str) -> http::request::Builder {
    http::Request::get(path).header("host", "localhost:9090")
}

fn post(path: &str) -> http::request::Builder {
    get(path).method(Method::POST)
}

#[tokio::test]
async fn it_is_ready_when_every_upstream_was_walked_or_has_failed() {
    let walked = [fresh("alpha", &[]), failed("beta", ErrorKind::Timeout)];
    let pending = [
        fresh("alpha", &[]),
        empty("beta", catalog::SourceState::Pending),
    ];
    let mut from_disk = fresh("beta", &["x"]);
    from_disk.walked = false;
    let response = ask(&admin([from_disk], false, None), get("/readyz")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let ready = ask(&admin(walked, false, None), get("/readyz")).await;
    assert_eq!(ready.status(), StatusCode::OK);
    let waiting = ask(&admin(pending, false, None), get("/readyz")).await;
    assert_eq!(waiting.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn it_stays_ready_when_a_changed_upstream_was_not_walked_yet() {
    let first = admin([fresh("alpha", &[])], false, None);
    let readiness = async |of| ask(of, get("/readyz")).await.status();
    assert_eq!(readiness(&first).await, StatusCode::OK);
    let mut changed = fresh("alpha", &[]);
    changed.walked = false;
    let mut second = Arc::into_inner(admin([changed], false, None)).unwrap();
    second.process = Arc::clone(&first.process);
    let second = Arc::new(second);
    assert_eq!(readiness(&second).await, StatusCode::OK);
    first.process.draining.store(true, Ordering::Relaxed);
    assert_eq!(readiness(&second).await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn it_is_not_ready_while_it_drains() {
    let draining = admin([fresh("alpha", &[])], true, None);
    let response = ask(&draining, get("/readyz")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let response = ask(&draining, get("/livez")).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn status_shows_the_process_and_every_source() {
    let pending = empty("gamma", catalog::SourceState::Pending);
    let held = [
        fresh("alpha", &["x", "y"]),
        failed("beta", ErrorKind::Dns),
        pending,
    ];
    let admin = admin(held, false, None);
    tokio::time::advance(Duration::from_secs(90)).await;
    let body = text(ask(&admin, get("/status")).await).await;
    insta::assert_snapshot!(body.replace(env!("CARGO_PKG_VERSION"), "[version]"));
}

#[rstest]
#[case("alpha", StatusCode::OK)]
#[case("beta", StatusCode::ACCEPTED)]
#[case("gamma", StatusCode::GATEWAY_TIMEOUT)]
#[case("delta", StatusCode::SERVICE_UNAVAILABLE)]
#[case("epsilon", StatusCode::BAD_GATEWAY)]
#[case("zeta", StatusCode::ACCEPTED)]
#[case("late_again", StatusCode::ACCEPTED)]
#[case("eta", StatusCode::BAD_GATEWAY)]
#[case("theta", StatusCode::ACCEPTED)]
#[case("omega", StatusCode::NOT_FOUND)]
#[tokio::test]
async fn a_refresh_tells_what_became_of_the_walk(
    #[case] upstream: &str,
    #[case] expected: StatusCode,
) {
    let mut late = fresh("zeta", &["x"]);
    late.outcome.detail = Some("deadline");
    let failed_before = failed("late_again", ErrorKind::Dns).error;
    let mut late_again = fresh("late_again", &["x"]);
    late_again.outcome.detail = Some("deadline");
    late_again.error = failed_before;
    let mut stale = fresh("eta", &["x"]);
    stale.state = catalog::SourceState::Stale;
    stale.error = failed("eta", ErrorKind::Dns).error;
    let mut in_doubt = fresh("theta", &["x"]);
    in_doubt.pending_shrink = Some(PendingShrink {
        groups: 0,
        served: 1,
        since: jiff::Timestamp::UNIX_EPOCH,
    });
    let mut held = [
        in_doubt,
        fresh("alpha", &["x"]),
        empty("beta", catalog::SourceState::Pending),
        failed("gamma", ErrorKind::Timeout),
        failed("delta", ErrorKind::RateLimited),
        failed("epsilon", ErrorKind::Unauthorized),
        late,
        late_again,
        stale,
    ];
    for held in &mut held {
        held.outcome.forwarded = Some("request");
    }
    let request = post(&format!("/refresh/{upstream}"));
    let response = ask(&admin(held, false, None), request).await;
    assert_eq!(response.status(), expected);
}

#[rstest]
#[case(None, "5")]
#[case(Some(2), "2")]
#[case(Some(600), "5")]
#[tokio::test]
async fn a_refresh_that_walks_nothing_says_when_one_would(
    #[case] rest: Option<u64>,
    #[case] expected: &str,
) {
    let mut held = fresh("alpha", &["x"]);
    held.outcome.detail = Some("min_refresh");
    held.error = rest.map(|seconds| {
        let rest = Some(Duration::from_secs(seconds));
        Arc::new(UpstreamError::new(ErrorKind::Dns, "").with_retry_after(rest))
    });
    let response = ask(&admin([held], false, None), post("/refresh/alpha")).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], expected);
}

#[rstest]
#[case::by_its_wish(
    ErrorKind::RateLimited,
    None,
    "`alpha` is not asked before 1970-01-01T00:01:30Z: the source asked us to slow down"
)]
#[case::by_the_breaker(
    ErrorKind::CircuitOpen,
    None,
    "`alpha` is not asked before 1970-01-01T00:01:30Z: the source's circuit breaker is open after repeated failures"
)]
#[case::not_before_it_was_asked(
    ErrorKind::RateLimited,
    Some(StatusCode::TOO_MANY_REQUESTS),
    "the walk of `alpha` failed"
)]
#[case::not_for_what_it_answered(
    ErrorKind::HttpStatus,
    Some(StatusCode::INTERNAL_SERVER_ERROR),
    "the walk of `alpha` failed"
)]
#[tokio::test]
async fn a_refresh_of_an_upstream_that_is_left_alone_says_until_when(
    #[case] kind: ErrorKind,
    #[case] status: Option<StatusCode>,
    #[case] expected: &str,
) {
    let mut held = fresh("alpha", &["x"]);
    held.outcome.forwarded = Some("request");
    let rest = Some(Duration::from_secs(90));
    let mut error = UpstreamError::new(kind, "").with_retry_after(rest);
    error.status = status;
    held.error = Some(Arc::new(error));
    let response = ask(&admin([held], false, None), post("/refresh/alpha")).await;
    assert_eq!(response.headers()["retry-after"], "90");
    let problem: serde_json::Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(problem["detail"], expected);
}

#[rstest]
#[case(None, StatusCode::UNAUTHORIZED)]
#[case(Some("Bearer wrong"), StatusCode::UNAUTHORIZED)]
#[case(Some("Basic letmein"), StatusCode::UNAUTHORIZED)]
#[case(Some("Bearer letmei"), StatusCode::UNAUTHORIZED)]
#[case(Some("Bearer letmein"), StatusCode::OK)]
#[case(Some("bearer letmein"), StatusCode::OK)]
#[tokio::test]
async fn a_configured_token_is_demanded(#[case] sent: Option<&str>, #[case] expected: StatusCode) {
    let admin = admin([fresh("alpha", &[])], false, Some("letmein"));
    let mut request = get("/status");
    if let Some(sent) = sent {
        request = request.header(AUTHORIZATION, sent);
    }
    let response = ask(&admin, request).await;
    assert_eq!(response.status(), expected);
    let probe = ask(&admin, get("/readyz")).await;
    assert_eq!(probe.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_page_that_asks_for_the_token_needs_none() {
    let admin = admin([fresh("alpha", &[])], false, Some("letmein"));
    let page = ask(&admin, get("/")).await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(text(page).await.contains("<form id=\"login\""));
    let posted = ask(&admin, post("/")).await;
    assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[rstest]
#[case::by_a_name_of_its_own(None, "evil.example", "", StatusCode::FORBIDDEN)]
#[case::by_our_address(None, "127.0.0.1:9090", "http://evil.example", StatusCode::FORBIDDEN)]
#[case::by_our_address_where_there_is_a_token(
    Some("letmein"),
    "127.0.0.1:9090",
    "http://evil.example",
    StatusCode::FORBIDDEN
)]
#[case::as_our_own_page(
    None,
    "127.0.0.1:9090",
    "http://127.0.0.1:9090",
    StatusCode::TOO_MANY_REQUESTS
)]
#[case::by_any_name_with_the_token(
    Some("letmein"),
    "ops.example",
    "",
    StatusCode::TOO_MANY_REQUESTS
)]
#[tokio::test]
async fn a_page_of_somebody_else_has_nothing_done(
    #[case] token: Option<&str>,
    #[case] host: &str,
    #[case] origin: &str,
    #[case] expected: StatusCode,
) {
    let admin = admin([fresh("alpha", &["x"])], false, token);
    let mut request = http::Request::post("/refresh/alpha").header("host", host);
    if !origin.is_empty() {
        request = request.header("origin", origin);
    }
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    assert_eq!(ask(&admin, request).await.status(), expected);
}

#[rstest]
#[case("/", StatusCode::FORBIDDEN)]
#[case("/status", StatusCode::FORBIDDEN)]
#[case("/metrics", StatusCode::FORBIDDEN)]
#[case("/configuration", StatusCode::FORBIDDEN)]
#[case("/livez", StatusCode::OK)]
#[tokio::test]
async fn nothing_of_operators_is_read_by_a_name_that_may_be_anybodys(
    #[case] path: &str,
    #[case] expected: StatusCode,
) {
    let admin = admin([fresh("alpha", &[])], false, None);
    let request = http::Request::get(path).header("host", "evil.example:9090");
    assert_eq!(ask(&admin, request).await.status(), expected);
}
