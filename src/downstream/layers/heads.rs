//! `HEAD`: answered as `GET` is, without the body (RFC 9110, section 9.3.2).

use std::ops::ControlFlow;

use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method};

use crate::downstream::exchange::RequestContext;
use crate::downstream::response::{Content, Response};

use super::intercept::Interceptor;

/// Takes the body from the answers to `HEAD`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads;

impl<S> Interceptor<S> for Heads {
    type Kept = ();

    fn before(self, _exchange: &RequestContext<S>) -> ControlFlow<Box<Response>> {
        ControlFlow::Continue(())
    }

    fn after(self, (): (), exchange: &RequestContext<S>, response: &mut Response) {
        if exchange.method != Method::HEAD {
            return;
        }
        let body = std::mem::take(&mut response.body_mut().content);
        // Of a stream, `GET` does not say the length either; and a 304 has none to say.
        if let Content::Full(bytes) = body {
            let length = HeaderValue::from(bytes.len());
            response.headers_mut().insert(CONTENT_LENGTH, length);
        }
    }
}
