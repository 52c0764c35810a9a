//! The description against what is answered indeed.

use http::request::Builder;
use http::{HeaderName, Method, Request, StatusCode};
use rstest::rstest;

use super::{answer, ask, both, header, json, state};
use crate::caller::VisibleSources;
use crate::downstream::document;
use crate::downstream::response::Response;
use crate::downstream::testing::{failed, get};
use crate::error::ErrorKind;
use crate::gateway::FilterableAttributes;

/// Headers that HTTP itself needs, which no description names.
const OF_HTTP: [&str; 2] = ["content-type", "content-length"];

#[rstest]
#[case(get("/groups?limit=1"), "/groups", 200)]
#[case(get("/groups?fields=name&limit=all").header("accept", "text/csv"), "/groups", 200)]
#[case(get("/groups").header("accept", "application/xml"), "/groups", 200)]
#[case(get("/groups").header("accept", "application/x-ndjson"), "/groups", 200)]
#[case(get("/groups").header("prefer", "handling=strict"), "/groups", 200)]
#[case(get("/groups").header("accept-encoding", "gzip, identity;q=0"), "/groups", 200)]
#[case(get("/groups").header("if-none-match", "*"), "/groups", 304)]
#[case(get("/groups?x=1"), "/groups", 400)]
#[case(get("/groups?cursor=AAAA"), "/groups", 400)]
#[case(Request::get("/groups"), "/groups", 400)]
#[case(get("/groups").method(Method::PUT), "/groups", 405)]
#[case(get("/groups").header("accept", "image/png"), "/groups", 406)]
#[case(get("/sources").header("content-length", "100000"), "/sources", 413)]
#[case(get(&format!("/groups?search={}", "x".repeat(9000))), "/groups", 414)]
#[case(get("/groups").header("x", "x".repeat(20_000)), "/groups", 431)]
#[case(get("/groups/alpha:0"), "/groups/{id}", 200)]
#[case(get("/groups/alpha:0").header("accept", "application/xml"), "/groups/{id}", 200)]
#[case(get("/groups/alpha:0").header("if-none-match", "*"), "/groups/{id}", 304)]
#[case(get("/groups/alpha:7"), "/groups/{id}", 404)]
#[case(get("/groups/alpha:0").method(Method::POST), "/groups/{id}", 405)]
#[case(get("/sources"), "/sources", 200)]
#[case(get("/sources").header("accept-encoding", "*;q=0"), "/sources", 406)]
#[case(get("/openapi.json").header("accept-encoding", "br"), "/openapi.json", 200)]
#[case(get("/openapi.json").header("if-none-match", "*"), "/openapi.json", 304)]
#[case(get("/docs"), "/docs", 200)]
#[case(get("/docs?x=1"), "/docs", 400)]
#[tokio::test(start_paused = true)]
async fn the_description_names_every_status_media_type_and_header_that_comes(
    #[case] request: Builder,
    #[case] path: &str,
    #[case] status: u16,
) {
    assert_described(answer(both(), request).await, path, status).await;
}

#[rstest]
#[case(ErrorKind::Decode, 502)]
#[case(ErrorKind::RateLimited, 503)]
#[case(ErrorKind::Timeout, 504)]
#[tokio::test(start_paused = true)]
async fn the_description_names_what_comes_where_sources_fail(
    #[case] kind: ErrorKind,
    #[case] status: u16,
) {
    let held = vec![failed("alpha", kind)];
    let strict = get("/groups").header("prefer", "handling=strict");
    assert_described(answer(held, strict).await, "/groups", status).await;
}

#[tokio::test(start_paused = true)]
async fn the_description_names_what_comes_of_asking_too_often() {
    let state = state(both());
    ask(&state, get("/sources")).await;
    for path in ["/groups", "/sources", "/docs", "/openapi.json"] {
        assert_described(ask(&state, get(path)).await, path, 429).await;
    }
}

async fn assert_described(response: Response, path: &str, status: u16) {
    assert_eq!(response.status().as_u16(), status, "{response:?}");
    let document = document(
        &["alpha", "beta"],
        &FilterableAttributes::default(),
        &VisibleSources::All,
    );
    let described = &document["paths"][path]["get"]["responses"][status.to_string()];
    let described = match described["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => described,
    };
    let media_type = response.headers().get("content-type");
    let media_type = media_type.map(|value| value.to_str().unwrap().split(';').next().unwrap());
    assert_eq!(described["content"].is_object(), media_type.is_some());
    if let Some(media_type) = media_type {
        let schema = &described["content"][media_type]["schema"];
        assert!(schema.is_object(), "{media_type} in {described}");
    }
    let headers = described["headers"].as_object().unwrap();
    let comes = |name: &str| response.headers().contains_key(name);
    for (name, header) in headers {
        assert!(
            header["required"] != true || comes(name),
            "{path} {status}: no {name}"
        );
    }
    let is_named = |name: &str| headers.keys().any(|other| other.eq_ignore_ascii_case(name));
    for name in response.headers().keys().map(HeaderName::as_str) {
        assert!(
            OF_HTTP.contains(&name) || is_named(name),
            "{path} {status}: {name}"
        );
    }
    if media_type == Some("application/problem+json") {
        let problem = json(response).await;
        let kinds = &document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"];
        assert!(
            kinds.as_array().unwrap().contains(&problem["type"]),
            "{problem}"
        );
        let meaning = described["description"].as_str().unwrap();
        assert!(
            meaning.contains(problem["type"].as_str().unwrap()),
            "{meaning}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_be_compressed_says_that_it_depends_on_accept_encoding() {
    for path in [
        "/groups",
        "/groups/alpha:0",
        "/sources",
        "/openapi.json",
        "/docs",
    ] {
        let response = answer(both(), get(path)).await;
        assert!(
            header(&response, "vary").contains("accept-encoding"),
            "{path}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_examples_name_the_sources_in_force() {
    let document = json(answer(both(), get("/openapi.json")).await).await;
    let parameters = document["paths"]["/groups"]["get"]["parameters"]
        .as_array()
        .unwrap();
    let examples = parameters.iter().filter(|one| one["in"] == "query");
    for parameter in examples.filter(|one| !one["example"].is_null()) {
        let example = &parameter["example"];
        let example = example.get(0).unwrap_or(example).as_str().unwrap();
        let asked = format!(
            "/groups?{}={}",
            parameter["name"].as_str().unwrap(),
            example.replace('+', "%2B")
        );
        let response = answer(both(), get(&asked)).await;
        assert_eq!(response.status(), StatusCode::OK, "{asked}");
    }
}
