//! How large a request may be. Ours are small; what is not is refused before it costs anything.
//!
//! hyper has limits of its own beneath these, as the last resort: its refusals have no body.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;

use crate::gateway::cursor::CURSOR_BYTES;
use crate::gateway::query::CANONICAL_BYTES;

use super::problem::{Kind, Problem};

/// The longest path and query, in bytes: room for a cursor and dozens of ids.
const URI: usize = 8 * 1024;

// The address of every next page that we hand out fits.
const _: () = assert!("/groups?&cursor=".len() + CANONICAL_BYTES + CURSOR_BYTES <= URI);

/// The largest headers, in bytes of names and values.
const HEADERS: usize = 16 * 1024;

/// The largest announced body, in bytes. No request needs one at all.
const BODY: u64 = 64 * 1024;

/// Refuses what is too large.
pub(crate) async fn check(request: Request, next: Next) -> Response {
    match excess(&request) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

fn excess(request: &Request) -> Option<Problem> {
    let uri = request
        .uri()
        .path_and_query()
        .map_or(0, |uri| uri.as_str().len());
    if uri > URI {
        let detail = format!("the path and query may have {URI} bytes, these have {uri}");
        return Some(Problem::new(Kind::UriTooLong, detail));
    }
    let headers = size(request.headers());
    if headers > HEADERS {
        let detail = format!("the headers may have {HEADERS} bytes, these have {headers}");
        return Some(Problem::new(Kind::HeadersTooLarge, detail));
    }
    let body = announced_body(request.headers());
    if body > BODY {
        let detail = format!("a body may have {BODY} bytes, this has {body}");
        return Some(Problem::new(Kind::ContentTooLarge, detail));
    }
    None
}

fn size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum()
}

fn announced_body(headers: &HeaderMap) -> u64 {
    headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::StatusCode;
    use rstest::rstest;

    use super::*;

    fn status(request: http::request::Builder) -> Option<StatusCode> {
        let request = request.body(Body::empty()).unwrap();
        excess(&request).map(|problem| problem.kind().status())
    }

    #[rstest]
    #[case(URI, None)]
    #[case(URI + 1, Some(StatusCode::URI_TOO_LONG))]
    fn a_uri_may_be_as_long_as_the_limit(
        #[case] length: usize,
        #[case] expected: Option<StatusCode>,
    ) {
        let uri = format!("/{}", "x".repeat(length - 1));
        assert_eq!(status(Request::builder().uri(uri)), expected);
    }

    #[rstest]
    #[case(HEADERS - 1, None)]
    #[case(HEADERS, Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE))]
    fn names_and_values_of_headers_count(
        #[case] value: usize,
        #[case] expected: Option<StatusCode>,
    ) {
        assert_eq!(
            status(Request::builder().header("x", "v".repeat(value))),
            expected
        );
    }

    #[test]
    fn an_announced_body_counts_before_it_arrives() {
        let request = Request::builder().header(CONTENT_LENGTH, BODY + 1);
        assert_eq!(status(request), Some(StatusCode::PAYLOAD_TOO_LARGE));
    }
}
