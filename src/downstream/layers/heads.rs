//! `HEAD`: answered as `GET` is, without the body (RFC 9110, section 9.3.2).

use std::ops::ControlFlow;

use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method};

use crate::downstream::exchange::RequestContext;
use crate::downstream::response::{Body, Response};

use super::intercept::Interceptor;

/// Takes the body from the answers to `HEAD`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads;

impl<S> Interceptor<S> for Heads {
    /// Whether it is one.
    type Kept = bool;

    fn before(self, exchange: &mut RequestContext<S>) -> ControlFlow<Response, bool> {
        ControlFlow::Continue(exchange.method == Method::HEAD)
    }

    fn after(self, is_head: bool, response: &mut Response) {
        if !is_head {
            return;
        }
        let body = std::mem::take(response.body_mut());
        // Of a stream, `GET` does not say the length either; and a 304 has none to say.
        if let Body::Full(bytes) = body {
            let length = HeaderValue::from(bytes.len());
            response.headers_mut().insert(CONTENT_LENGTH, length);
        }
    }
}
