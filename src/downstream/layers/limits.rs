//! What a request must be like: no larger than it needs to be, of one length, and addressed to one host. What is
//! not is refused before it costs anything.
//!
//! hyper has limits of its own beneath these, as the last resort: its refusals have no body.

use std::ops::ControlFlow;

use crate::downstream::exchange::RequestContext;
use crate::downstream::host::misdirection;
use crate::downstream::problem::{Kind, ProblemDetails};
use crate::downstream::response::Response;
use crate::downstream::sent_fields::TransferCoding;
use crate::gateway::cursor::CURSOR_BYTES;
use crate::gateway::query::CANONICAL_BYTES;

use super::intercept::Interceptor;

/// The longest path and query, in bytes: room for a cursor and dozens of ids.
const URI: usize = 8 * 1024;

// The address of every next page that we hand out fits.
const _: () = assert!("/groups?&cursor=".len() + CANONICAL_BYTES + CURSOR_BYTES <= URI);

/// The largest headers, in bytes of names and values.
const HEADERS: usize = 16 * 1024;

/// The largest announced body, in bytes. No request needs one at all.
const BODY: u64 = 64 * 1024;

/// Refuses what is too large, ends nobody knows where, or names no host.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestLimits;

impl<S> Interceptor<S> for RequestLimits {
    type Kept = ();

    fn before(self, exchange: &RequestContext<S>) -> ControlFlow<Box<Response>, ()> {
        let misdirected = || {
            let (uri, headers) = (&exchange.uri, &exchange.headers);
            misdirection(exchange.version, uri, headers, &exchange.sent.hosts)
        };
        match excess(exchange)
            .or_else(|| unclear_end(exchange))
            .or_else(misdirected)
        {
            Some(problem) => ControlFlow::Break(Box::new(problem.into())),
            None => ControlFlow::Continue(()),
        }
    }
}

fn excess<S>(exchange: &RequestContext<S>) -> Option<ProblemDetails> {
    let uri = exchange
        .uri
        .path_and_query()
        .map_or(0, |uri| uri.as_str().len());
    if uri > URI {
        let detail = format!("the path and query have {uri} bytes; the limit is {URI}");
        return Some(ProblemDetails::new(Kind::UriTooLong, detail));
    }
    let headers = exchange.sent.bytes;
    if headers > HEADERS {
        let detail = format!("the headers have {headers} bytes; the limit is {HEADERS}");
        return Some(ProblemDetails::new(Kind::HeadersTooLarge, detail));
    }
    let body = exchange.sent.announced.unwrap_or(0);
    if body > BODY {
        let detail = format!("the body has {body} bytes; the limit is {BODY}");
        return Some(ProblemDetails::new(Kind::ContentTooLarge, detail));
    }
    None
}

/// That servers would see the end of a request in different places. Its connection ends with the answer, whoever
/// refuses it ([`ProblemBodies`](super::problems::ProblemBodies)).
fn unclear_end<S>(exchange: &RequestContext<S>) -> Option<ProblemDetails> {
    (exchange.sent.coding == TransferCoding::Unclear).then(|| {
        let detail = "`Transfer-Encoding` may be `chunked` once, and nothing else";
        ProblemDetails::new(Kind::BadRequest, detail)
    })
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
    use http::request::Builder;
    use http::{Request, StatusCode};
    use rstest::rstest;

    use super::*;
    use crate::downstream::testing::exchange;

    fn status(request: Builder) -> Option<StatusCode> {
        let exchange = exchange((), request);
        excess(&exchange).map(|problem| problem.kind().status())
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

    #[rstest]
    #[case(&[], false)]
    #[case(&["chunked"], false)]
    #[case(&["CHUNKED"], false)]
    #[case(&["chunked, chunked"], true)]
    #[case(&["chunked", "chunked"], true)]
    #[case(&["gzip, chunked"], true)]
    #[case(&["gzip", "chunked"], true)]
    #[case(&["", "chunked"], true)]
    #[case(&[", chunked"], true)]
    #[case(&["chunked;q=1"], true)]
    #[case(&["identity"], true)]
    fn a_body_comes_in_chunks_or_as_it_is(#[case] codings: &[&str], #[case] is_refused: bool) {
        let request = codings.iter().fold(Request::builder(), |request, coding| {
            request.header(TRANSFER_ENCODING, *coding)
        });
        assert_eq!(unclear_end(&exchange((), request)).is_some(), is_refused);
    }
}
