//! One line in the log for each request. It says all by itself, without a span around it.
//!
//! The query string stays out of it: it holds what people search for, and cursors.

use std::fmt;

use http::StatusCode;
use opentelemetry::TraceId;

use crate::hex::{NUMBER_DIGITS, hex_of_number};
use crate::observe::{Event, Observer};

/// Logs each request once it is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccessLog {
    probes: &'static [&'static str],
}

impl AccessLog {
    /// The log of listeners that probes ask at these paths. They come every few seconds, and 503 is one
    /// of their two right answers: neither is news above DEBUG.
    pub(crate) const fn of_probes(probes: &'static [&'static str]) -> Self {
        Self { probes }
    }
}

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
        let is_expected = status.is_success() || *status == StatusCode::SERVICE_UNAVAILABLE;
        if is_expected && self.probes.contains(path) {
            log!(debug, "probe answered");
        } else if status.is_server_error() {
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use http::Method;
    use rstest::rstest;

    use super::*;

    #[derive(Debug, Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(log: AccessLog, path: &str, status: u16) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            log.observe(&Event::RequestAnswered {
                method: &Method::GET,
                path,
                id: "the-id",
                trace: None,
                status: StatusCode::from_u16(status).unwrap(),
                elapsed: Duration::ZERO,
            });
        });
        let written = lines.0.lock().unwrap().clone();
        String::from_utf8(written).unwrap()
    }

    #[rstest]
    #[case("/readyz", 503, "DEBUG")]
    #[case("/readyz", 200, "DEBUG")]
    #[case("/livez", 200, "DEBUG")]
    #[case("/livez", 404, "INFO")]
    #[case("/readyz", 504, "WARN")]
    #[case("/livez", 500, "WARN")]
    #[case("/status", 503, "WARN")]
    #[case("/status", 200, "INFO")]
    fn a_probe_that_is_told_that_it_is_not_ready_yet_is_no_warning(
        #[case] path: &str,
        #[case] status: u16,
        #[case] expected: &str,
    ) {
        let probes = AccessLog::of_probes(&["/livez", "/readyz"]);
        let line = logged(probes, path, status);
        assert!(line.trim_start().starts_with(expected), "{line}");
    }
}
