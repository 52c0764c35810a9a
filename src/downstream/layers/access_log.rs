//! One line in the log for each request. It says all by itself, without a span around it.
//!
//! The query string stays out of it: it holds what people search for, and cursors.

use std::ops::ControlFlow;

use http::{Method, Uri};
use opentelemetry::TraceId;
use tokio::time::Instant;

use crate::downstream::exchange::Exchange;
use crate::downstream::request_id::RequestId;
use crate::downstream::response::Response;
use crate::downstream::trace_context;

use super::intercept::Interceptor;

/// Logs each request once it is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccessLog;

/// What the line says of the request.
#[derive(Debug)]
pub(crate) struct Line {
    begun: Instant,
    method: Method,
    uri: Uri,
    id: RequestId,
    trace: Option<TraceId>,
}

impl<S> Interceptor<S> for AccessLog {
    type Kept = Line;

    fn before(self, exchange: &mut Exchange<S>) -> ControlFlow<Response, Line> {
        ControlFlow::Continue(Line {
            begun: exchange.begun,
            method: exchange.method.clone(),
            uri: exchange.uri.clone(),
            id: exchange.id.clone(),
            trace: trace_context::id_of_caller(&exchange.headers),
        })
    }

    fn after(self, line: Line, response: &mut Response) {
        // Of a request that had a span, the span's; else the caller's, or one of its own.
        let trace = || {
            let spanned = response.extensions().get().copied();
            spanned
                .or(line.trace)
                .unwrap_or_else(|| TraceId::from(rand::random::<u128>()))
        };
        macro_rules! log {
            ($level:ident, $message:literal) => {
                tracing::$level!(
                    method = line.method.as_str(),
                    path = line.uri.path(),
                    request_id = line.id.as_str(),
                    trace_id = %trace(),
                    status = response.status().as_u16(),
                    latency_ms = line.begun.elapsed().as_secs_f64() * 1e3,
                    $message
                )
            };
        }
        if response.status().is_server_error() {
            log!(warn, "request failed");
        } else {
            log!(info, "request answered");
        }
    }
}
