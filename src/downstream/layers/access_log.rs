//! One line in the log for each request. It says all by itself, without a span around it.
//!
//! The query string stays out of it: it holds what people search for, and cursors.

use http::StatusCode;
use opentelemetry::TraceId;
use tracing::Level;

use crate::hex::{NUMBER_DIGITS, hex_of_number};
use crate::observe::{Event, Observer};
use crate::telemetry::{AccessLines, LoggedRequest};

/// Logs each request once it is answered.
#[derive(Debug, Clone)]
pub(crate) struct AccessLog {
    probes: &'static [&'static str],
    lines: Option<AccessLines>,
}

impl AccessLog {
    /// The log of listeners that probes ask at these paths. They come every few seconds, and 503 is one
    /// of their two right answers: neither is news above DEBUG. Where there is no short way to the log,
    /// lines go through tracing.
    pub(crate) const fn new(probes: &'static [&'static str], lines: Option<AccessLines>) -> Self {
        Self { probes, lines }
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
            ..
        } = event
        else {
            return;
        };
        let trace = digits(*trace);
        let request = LoggedRequest {
            method: method.as_str(),
            path,
            request_id: id,
            trace_id: str::from_utf8(&trace).unwrap_or_default(),
            status: *status,
            elapsed: *elapsed,
        };
        macro_rules! log {
            ($level:ident, $message:literal) => {
                match &self.lines {
                    Some(lines) => lines.log(Level::$level, $message, &request),
                    None => tracing::event!(
                        Level::$level,
                        method = request.method,
                        path = request.path,
                        request_id = request.request_id,
                        trace_id = %request.trace_id,
                        status = request.status.as_u16(),
                        latency_ms = request.latency_ms(),
                        $message
                    ),
                }
            };
        }
        let is_expected = status.is_success() || *status == StatusCode::SERVICE_UNAVAILABLE;
        if is_expected && self.probes.contains(path) {
            log!(DEBUG, "probe answered");
        } else if status.is_server_error() {
            log!(WARN, "request failed");
        } else {
            log!(INFO, "request answered");
        }
    }
}

/// The digits of a request's trace; where it is in none, of one of its own.
fn digits(trace: Option<TraceId>) -> [u8; NUMBER_DIGITS] {
    let trace = trace.map(|trace| u128::from_be_bytes(trace.to_bytes()));
    hex_of_number(trace.unwrap_or_else(rand::random))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use http::Method;
    use rstest::rstest;

    use super::*;
    use crate::observe::AnswerTraits;
    use crate::telemetry::testing::logged_both_ways;

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
                route: "",
                traits: AnswerTraits::default(),
                status: StatusCode::from_u16(status).unwrap(),
                elapsed: Duration::ZERO,
            });
        });
        let written = lines.0.lock().unwrap().clone();
        String::from_utf8(written).unwrap()
    }

    #[rstest]
    #[case("info", "/groups", 200, true)]
    #[case("info", "/groups/a\"b\\c", 404, true)]
    #[case("info", "/livez", 200, false)]
    #[case("debug", "/livez", 200, true)]
    #[case("warn", "/groups", 200, false)]
    #[case("warn", "/groups", 500, true)]
    #[case("info,groupgate::downstream=error", "/groups", 500, false)]
    #[case("off,groupgate[{latency_ms}]=info", "/groups", 200, true)]
    #[case("off,groupgate[{other}]=info", "/groups", 200, false)]
    fn a_line_is_the_same_by_either_way(
        #[case] filter: &str,
        #[case] path: &str,
        #[case] status: u16,
        #[case] is_logged: bool,
    ) {
        let [plain, short] = logged_both_ways(filter, |lines| {
            let log = AccessLog::new(&["/livez", "/readyz"], lines);
            for elapsed in [0, 7, 34_821, 1_000_000, 12_345_678_901] {
                log.observe(&Event::RequestAnswered {
                    method: &Method::GET,
                    path,
                    id: "the \"id\"",
                    trace: Some(TraceId::from_bytes([0x0a; 16])),
                    route: "",
                    traits: AnswerTraits::default(),
                    status: StatusCode::from_u16(status).unwrap(),
                    elapsed: Duration::from_nanos(elapsed),
                });
            }
        });
        assert_eq!(plain, short);
        assert_eq!(plain.lines().count(), if is_logged { 5 } else { 0 });
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
        let probes = AccessLog::new(&["/livez", "/readyz"], None);
        let line = logged(probes, path, status);
        assert!(line.trim_start().starts_with(expected), "{line}");
    }
}
