//! The request's id, on every response.

use std::ops::ControlFlow;

use crate::downstream::exchange::RequestContext;
use crate::downstream::request_id::X_REQUEST_ID;
use crate::downstream::response::{Response, set};

use super::intercept::Interceptor;

/// Says the request's id on the response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestIds;

impl<S> Interceptor<S> for RequestIds {
    type Kept = ();

    fn before(self, _exchange: &RequestContext<S>) -> ControlFlow<Box<Response>> {
        ControlFlow::Continue(())
    }

    fn after(self, (): (), exchange: &RequestContext<S>, response: &mut Response) {
        let id = exchange.id.to_value();
        set(response.headers_mut(), X_REQUEST_ID, id);
    }
}
