//! The request's id, on every response.

use std::ops::ControlFlow;

use crate::downstream::exchange::RequestContext;
use crate::downstream::request_id::{RequestId, X_REQUEST_ID};
use crate::downstream::response::Response;

use super::intercept::Interceptor;

/// Says the request's id on the response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestIds;

impl<S> Interceptor<S> for RequestIds {
    type Kept = RequestId;

    fn before(self, exchange: &mut RequestContext<S>) -> ControlFlow<Response, RequestId> {
        ControlFlow::Continue(exchange.id.clone())
    }

    fn after(self, id: RequestId, response: &mut Response) {
        response.headers_mut().insert(X_REQUEST_ID, id.into_value());
    }
}
