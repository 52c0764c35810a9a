//! One line in the log for each request. It says all by itself, without a span around it.
//!
//! The query string stays out of it: it holds what people search for, and cursors.

use std::fmt;

use opentelemetry::TraceId;

use crate::hex::{NUMBER_DIGITS, hex_of_number};
use crate::observe::{Event, Observer};

/// Logs each request once it is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccessLog;

impl Observer for AccessLog {
    fn observe(&self, event: &Event<'_>) {
        let Event::RequestAnswered {
            method,
            path,
            id,
            trace,
            status,
            elapsed,
        } = event
        else {
            return;
        };
        macro_rules! log {
            ($level:ident, $message:literal) => {
                tracing::$level!(
                    method = method.as_str(),
                    path,
                    request_id = id,
                    trace_id = %Digits::of(*trace),
                    status = status.as_u16(),
                    latency_ms = elapsed.as_secs_f64() * 1e3,
                    $message
                )
            };
        }
        if status.is_server_error() {
            log!(warn, "request failed");
        } else {
            log!(info, "request answered");
        }
    }
}

/// The id of a trace. Its own `Display` takes ten times as long.
struct Digits([u8; NUMBER_DIGITS]);

impl Digits {
    /// The trace of a request; where it is in none, one of its own.
    fn of(trace: Option<TraceId>) -> Self {
        let trace = trace.map(|trace| u128::from_be_bytes(trace.to_bytes()));
        Self(hex_of_number(trace.unwrap_or_else(rand::random)))
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(str::from_utf8(&self.0).unwrap_or_default())
    }
}
