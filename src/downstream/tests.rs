//! The whole edge without sockets: requests go in at the top of the stack, answers come out.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Builder;
use http::{Method, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rstest::rstest;
use serde_json::Value;

use super::generation::{Generation, Live};
use super::response::Response;
use super::testing::{Fixed, empty, failed, fresh, generation, get, send, text};
use super::{Listeners, layers, route};
use crate::catalog::{Catalog, SourceLookup, SourceState as Standing};
use crate::clock::WallClock;
use crate::config::testing::plan;
use crate::error::ErrorKind;
use crate::observe::Observers;
use crate::reload::Reloads;

mod audit;
mod description;
mod entrance;
mod existence;
mod hidden;
mod isolation;
mod on_behalf;
mod preflights;
mod strangers;
mod visibility;

/// Two sources that answer.
fn both() -> Vec<SourceLookup> {
    vec![
        fresh("alpha", &["Ops", "Sales"]),
        fresh("beta", &["a/b 100%", "Legal"]),
    ]
}

/// One source that answers, and one that does not.
fn part() -> Vec<SourceLookup> {
    vec![
        fresh("alpha", &["Ops"]),
        failed("beta", ErrorKind::RateLimited),
    ]
}

/// The state of a data listener that admits one request.
fn state(held: Vec<SourceLookup>) -> Arc<Generation<Fixed>> {
    let plan = plan("rate_limit.burst = 1\nserver.server_timing = true");
    generation(plan, Fixed::new(held)).into()
}

async fn ask(state: &Arc<Generation<Fixed>>, request: Builder) -> Response {
    send(layers::data(route::route), state, request).await
}

async fn answer(held: Vec<SourceLookup>, request: Builder) -> Response {
    ask(&state(held), request.header("x-request-id", "the-id")).await
}

async fn json(response: Response) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

/// The length that the listener announces of a body.
fn length(response: &Response) -> Option<u64> {
    match response.headers().get("content-length") {
        Some(length) => length.to_str().unwrap().parse().ok(),
        None => response.body().size_hint().exact(),
    }
}

/// Status, headers and body, without what differs from run to run.
async fn shown(response: Response) -> String {
    let status = response.status();
    let length = length(&response);
    let mut headers: Vec<_> = response
        .headers()
        .iter()
        .filter(|(name, _)| *name != "server-timing" && *name != "content-length")
        .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()))
        .collect();
    headers.extend(length.map(|length| format!("content-length: {length}\n")));
    format!("{status}\n{}\n{}", headers.concat(), text(response).await)
}

#[tokio::test(start_paused = true)]
async fn a_page_comes_with_all_that_describes_it() {
    let response = answer(both(), get("/groups?limit=3&fields=name")).await;
    let timing = header(&response, "server-timing");
    assert!(
        timing.starts_with("wait;dur=3000.000, view;dur=4.000, render;dur="),
        "{timing}"
    );
    insta::assert_snapshot!(shown(response).await);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_where_the_time_went_unless_the_configuration_says_so() {
    let state = Arc::new(generation(
        plan("rate_limit.burst = 100"),
        Fixed::new(both()),
    ));
    let csv = get("/groups").header("accept", "text/csv");
    let one = get("/groups/alpha:1");
    for request in [get("/groups"), get("/groups"), csv, one] {
        let response = ask(&state, request).await;
        assert!(response.status().is_success());
        assert!(!response.headers().contains_key("server-timing"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_partial_answer_says_what_is_missing_and_is_not_kept() {
    insta::assert_snapshot!(shown(answer(part(), get("/groups?fields=id")).await).await);
}

#[tokio::test(start_paused = true)]
async fn strict_handling_makes_a_partial_answer_a_problem() {
    let strict = || get("/groups").header("prefer", "handling=strict");
    let whole = answer(both(), strict()).await;
    assert_eq!(whole.status(), StatusCode::OK);
    assert_eq!(header(&whole, "preference-applied"), "handling=strict");
    insta::assert_snapshot!(shown(answer(part(), strict()).await).await);
}

#[rstest]
#[case("an_unknown_parameter", get("/groups?serach=ops"))]
#[case("a_forged_cursor", get("/groups?cursor=AAAA"))]
#[case("an_unknown_path", get("/group"))]
#[case("an_unknown_group", get("/groups/alpha:7"))]
#[case("another_method", get("/groups").method(Method::DELETE))]
#[case("no_acceptable_format", get("/groups").header("accept", "image/png"))]
#[case("a_long_query", get(&format!("/groups?search={}", "x".repeat(9000))))]
#[case("a_panic", get("/groups/panic"))]
#[tokio::test(start_paused = true)]
async fn every_refusal_is_a_problem(#[case] name: &str, #[case] request: Builder) {
    insta::assert_snapshot!(name, shown(answer(both(), request).await).await);
}

#[tokio::test]
async fn a_source_that_does_not_exist_is_refused_like_a_group_that_does_not() {
    let group = answer(both(), get("/groups/alpha:7")).await;
    let source = answer(both(), get("/groups/omega:7")).await;
    assert_eq!(group.status(), StatusCode::NOT_FOUND);
    assert_eq!(text(group).await, text(source).await);
}

#[tokio::test]
async fn a_head_is_answered_as_a_get_without_the_body() {
    for path in ["/groups", "/groups?serach=ops", "/sources", "/nowhere"] {
        let whole = answer(both(), get(path)).await;
        let head = answer(both(), get(path).method(Method::HEAD)).await;
        assert_eq!(head.status(), whole.status(), "{path}");
        assert_eq!(
            head.headers().get("content-type"),
            whole.headers().get("content-type")
        );
        let announced = length(&head);
        assert_eq!(announced, length(&whole), "{path}");
        assert_eq!(text(head).await, "");
        assert_eq!(Some(text(whole).await.len() as u64), announced, "{path}");
    }
}

#[tokio::test]
async fn whoever_has_the_answer_is_told_so() {
    let first = answer(both(), get("/groups")).await;
    let tag = header(&first, "etag");
    let again = answer(both(), get("/groups").header("if-none-match", tag)).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    for name in ["etag", "cache-control", "vary", "cache-status", "link"] {
        assert_eq!(header(&again, name), header(&first, name));
    }
    assert_eq!(text(again).await, "");
    let as_csv = get("/groups")
        .header("if-none-match", tag)
        .header("accept", "text/csv");
    assert_eq!(answer(both(), as_csv).await.status(), StatusCode::OK);
}

#[rstest]
#[case("alpha:0", "/groups/alpha:0")]
#[case("alpha:0", "/groups/alpha%3A0")]
#[tokio::test]
async fn one_group_is_found_by_its_encoded_id(#[case] id: &str, #[case] path: &str) {
    let response = answer(both(), get(path)).await;
    assert_eq!(header(&response, "cache-control"), "max-age=12");
    assert_eq!(json(response).await["id"], id);
}

#[rstest]
#[case::one_group("/groups/alpha:0")]
#[case::a_page("/groups")]
#[tokio::test]
async fn an_answer_for_which_there_is_no_memory_is_refused(#[case] path: &str) {
    let state = Arc::new(generation(plan(""), Fixed::new(part())));
    let bodies = &state.process.bodies;
    let unread = bodies.count(vec![b'x'; 65 << 20].into());
    assert_eq!(
        ask(&state, get(path)).await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    drop(unread);
    let answer = Response::into_body(ask(&state, get(path)).await);
    assert!(bodies.counts().answers > 0);
    drop(answer);
}

#[tokio::test]
async fn an_id_may_hold_slashes_spaces_and_percent_signs() {
    let mut odd = crate::snapshot::tests::group("alpha", "a/b 100%25", "Odd");
    odd.deleted_at = Some("2024-01-01T00:00:00Z".parse().unwrap());
    let mut held = fresh("alpha", &[]);
    let snapshot = crate::snapshot::Snapshot::new("alpha".into(), vec![odd]);
    held.snapshot = Some(Arc::new(snapshot));
    for path in [
        "/groups/alpha:a/b%20100%2525",
        "/groups/alpha%3Aa%2Fb%20100%2525",
    ] {
        let response = answer(vec![held.clone()], get(path)).await;
        assert_eq!(json(response).await["source_id"], "a/b 100%25", "{path}");
    }
}

#[tokio::test]
async fn one_group_is_also_a_document_of_its_own() {
    let request = get("/groups/alpha:0").header("accept", "application/xml");
    let response = answer(both(), request).await;
    assert_eq!(
        header(&response, "content-type"),
        "application/xml; charset=utf-8"
    );
    let document = text(response).await;
    assert!(document.contains("?><group><id>alpha:0</id>"), "{document}");
}

#[rstest]
#[case("application/x-ndjson")]
#[case("text/csv")]
#[tokio::test]
async fn streamed_formats_hold_every_group_in_several_chunks(#[case] accept: &str) {
    let names: Vec<String> = (0..600)
        .map(|number| format!("group {number:03}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let held = vec![fresh("alpha", &names)];
    let request = get("/groups?limit=all&fields=name").header("accept", accept);
    let response = answer(held, request).await;
    let mut body = response.into_body();
    let (mut chunks, mut lines) = (0, 0);
    while let Some(frame) = body.frame().await {
        let chunk = frame.unwrap().into_data().unwrap();
        lines += std::str::from_utf8(&chunk).unwrap().lines().count();
        chunks += 1;
    }
    // Three chunks of rows, and a first or last line.
    assert_eq!((chunks, lines), (4, 601));
}

#[tokio::test]
async fn csv_has_the_envelope_in_headers() {
    let request = get("/groups?limit=1").header("accept", "text/csv");
    let response = answer(part(), request).await;
    assert_eq!(header(&response, "x-total-count"), "1");
    assert_eq!(header(&response, "x-complete"), "false");
    let sources: Value = serde_json::from_str(header(&response, "x-sources")).unwrap();
    assert_eq!(sources[1]["error"]["type"], "rate_limited");
}

#[tokio::test]
async fn a_large_answer_is_compressed_as_the_caller_likes_best() {
    let names: Vec<String> = (0..100).map(|number| format!("group {number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let held = vec![fresh("alpha", &names)];
    for encoding in ["zstd", "br", "gzip"] {
        let request = get("/groups").header("accept-encoding", encoding);
        let response = answer(held.clone(), request).await;
        assert_eq!(header(&response, "content-encoding"), encoding);
        assert_eq!(header(&response, "vary"), "accept, accept-encoding, prefer");
    }
    let plain = answer(held, get("/groups")).await;
    assert!(!plain.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn a_small_answer_is_sent_as_it_is() {
    let request = get("/groups?fields=id").header("accept-encoding", "gzip");
    let response = answer(vec![fresh("alpha", &[])], request).await;
    assert!(!response.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn a_refused_answer_names_the_source_that_is_to_blame() {
    let held = vec![fresh("alpha", &[]), empty("beta", Standing::Pending)];
    let request = get("/groups").header("prefer", "handling=strict");
    let response = answer(held, request).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&response, "retry-after"), "1");
    let problem = json(response).await;
    assert_eq!(problem["sources"].as_array().unwrap().len(), 1);
    assert_eq!(problem["sources"][0]["name"], "beta");
}

#[tokio::test]
async fn the_description_is_served_to_machines_and_people() {
    let machine = answer(both(), get("/openapi.json")).await;
    assert_eq!(json(machine).await["openapi"], "3.1.0");
    let person = answer(both(), get("/docs")).await;
    assert_eq!(header(&person, "content-type"), "text/html; charset=utf-8");
    assert!(text(person).await.contains("<h1>groupgate"));
}

#[rstest]
#[case("/openapi.json")]
#[case("/docs")]
#[tokio::test]
async fn whoever_has_the_description_is_told_so(#[case] path: &str) {
    let first = answer(both(), get(path)).await;
    let tag = header(&first, "etag");
    let again = answer(both(), get(path).header("if-none-match", tag)).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(header(&again, "etag"), tag);
    assert_eq!(text(again).await, "");
}

#[rstest]
#[case("/groups/alpha:0?x=1")]
#[case("/sources?x=1")]
#[case("/openapi.json?x=1")]
#[case("/docs?x=1")]
#[tokio::test]
async fn addresses_without_parameters_name_the_one_they_were_sent(#[case] path: &str) {
    let response = answer(both(), get(path)).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(json(response).await["parameter"], "x");
}

#[tokio::test]
async fn an_address_that_is_taken_is_named_with_its_key() {
    let any_port = ([127, 0, 0, 1], 0).into();
    let taken = super::bind("server.admin", any_port).await.unwrap();
    let address = taken.address();
    let error = super::bind("server.admin", address).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {address}, as `server.admin` asks")
    );
}

#[tokio::test(start_paused = true)]
async fn callers_who_ask_too_often_are_told_when_to_come_back() {
    let state = state(both());
    let first = ask(&state, get("/sources")).await;
    assert_eq!(first.status(), StatusCode::OK);
    let second = ask(&state, get("/sources")).await;
    assert_eq!(second.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&second, "retry-after"), "1");
    assert_eq!(
        json(second).await["type"],
        "urn:groupgate:problem:too-many-requests"
    );
}

/// A server without upstreams that stops being reached so long after it is told to.
async fn server(shutdown_delay: &str) -> Listeners {
    let plan = Arc::new(plan(&format!(
        "server = {{ listen = '127.0.0.1:0', admin = '127.0.0.1:0', shutdown_delay = '{shutdown_delay}' }}"
    )));
    let catalog = Catalog::new(
        Vec::new(),
        &plan.cache,
        &WallClock::system(),
        Observers::default(),
    );
    Listeners::start(Live::new(plan, catalog, Arc::default(), Reloads::none()))
        .await
        .unwrap()
}

fn client() -> Client<HttpConnector, Empty<Bytes>> {
    Client::builder(TokioExecutor::new()).build_http()
}

#[tokio::test]
async fn both_listeners_serve_until_the_server_stops() {
    let server = server("0s").await;
    let client = client();
    let groups = format!("http://{}/groups", server.data_addr());
    let readyz = format!("http://{}/readyz", server.admin_addr());
    for uri in [&groups, &readyz] {
        let response = client.get(uri.parse().unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{uri}");
    }
    server.shutdown().await;
    for uri in [&groups, &readyz] {
        assert!(client.get(uri.parse().unwrap()).await.is_err(), "{uri}");
    }
}

#[tokio::test]
async fn a_stopping_server_says_so_before_it_refuses_anyone() {
    let server = server("1h").await;
    let groups = format!("http://{}/groups", server.data_addr());
    let readyz = format!("http://{}/readyz", server.admin_addr());
    let stopping = tokio::spawn(server.shutdown());
    // Its first poll raises the flag and begins the delay.
    tokio::task::yield_now().await;
    let ready = client().get(readyz.parse().unwrap()).await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let answer = client().get(groups.parse().unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    stopping.abort();
}
