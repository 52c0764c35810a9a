//! The body of every error response (RFC 9457), written where the request's id is at hand.

use std::ops::ControlFlow;

use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};

use crate::downstream::exchange::RequestContext;
use crate::downstream::problem::{self, ProblemDetails};
use crate::downstream::response::{Content, Response};
use crate::downstream::sent_fields::TransferCoding;

use super::intercept::Interceptor;

/// Writes the body of every error response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProblemBodies;

impl<S> Interceptor<S> for ProblemBodies {
    type Kept = ();

    fn before(self, _exchange: &RequestContext<S>) -> ControlFlow<Box<Response>> {
        ControlFlow::Continue(())
    }

    fn after(self, (): (), exchange: &RequestContext<S>, response: &mut Response) {
        let Some(problem) = response.extensions_mut().remove::<ProblemDetails>() else {
            return;
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(problem::MEDIA_TYPE));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if exchange.sent.coding == TransferCoding::Unclear {
            // What comes next may be of the same request. Every such request ends here, with whatever problem.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let body = response.body_mut();
        body.content = Content::Full(problem.body(exchange.id.as_str()).into());
        body.traits.problem = Some(problem.kind().name());
    }
}
