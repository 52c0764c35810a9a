//! The body of every error response (RFC 9457), written where the request's id is at hand.

use std::ops::ControlFlow;

use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::downstream::exchange::RequestContext;
use crate::downstream::problem::{self, ProblemDetails};
use crate::downstream::request_id::RequestId;
use crate::downstream::response::{Body, Response};

use super::intercept::Interceptor;

/// Writes the body of every error response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProblemBodies;

impl<S> Interceptor<S> for ProblemBodies {
    type Kept = RequestId;

    fn before(self, exchange: &mut RequestContext<S>) -> ControlFlow<Response, RequestId> {
        ControlFlow::Continue(exchange.id.clone())
    }

    fn after(self, id: RequestId, response: &mut Response) {
        let Some(problem) = response.extensions_mut().remove::<ProblemDetails>() else {
            return;
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(problem::MEDIA_TYPE));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        *response.body_mut() = Body::Full(problem.body(id.as_str()).into());
    }
}
