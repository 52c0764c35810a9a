//! One line in the log for each request. It says all by itself, without a span around it.
//!
//! The query string stays out of it: it holds what people search for, and cursors.

use http::StatusCode;
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, TraceId};
use tracing::Level;

use crate::hex::hex_of_number;
use crate::observe::{ABANDONED, Event, Observer, known_method};
use crate::plan::{AccessField, AccessLogRules, Share};
use crate::telemetry::{AccessLines, LoggedRequest};
use crate::trace;

/// Logs each request once it is answered.
#[derive(Debug)]
pub(crate) struct AccessLog {
    rules: AccessLogRules,
    probes: &'static [&'static str],
    lines: Option<AccessLines>,
}

impl AccessLog {
    /// The log of listeners that probes ask at these paths. They come every few seconds, and 503 is one
    /// of their two right answers: neither is news above DEBUG. Where there is no short way to the log,
    /// lines go through tracing.
    pub(crate) fn new(
        rules: &AccessLogRules,
        probes: &'static [&'static str],
        lines: Option<AccessLines>,
    ) -> Self {
        Self {
            rules: rules.clone(),
            probes,
            lines,
        }
    }
}

impl Observer for AccessLog {
    fn observe(&self, event: &Event<'_>) {
        let Event::RequestAnswered {
            method,
            path,
            id,
            trace,
            route,
            status,
            traits,
            elapsed,
        } = event
        else {
            return;
        };
        let rules = &self.rules;
        if !rules.enabled || is_left_out(rules.sample, *status) {
            return;
        }
        let request = LoggedRequest {
            fields: rules.fields,
            method: known_method(method),
            path,
            request_id: id,
            trace: number(*trace),
            status: *status,
            elapsed: *elapsed,
            route,
            format: traits.format,
            cache: traits.cache,
            problem: traits.problem,
        };
        macro_rules! log {
            ($level:ident, $message:literal) => {
                match &self.lines {
                    Some(lines) => lines.log(Level::$level, $message, &request),
                    None => {
                        let _attached = unspanned(*trace).map(Context::attach);
                        let says = |field| request.fields.contain(field);
                        let trace_id = hex_of_number(request.trace);
                        let trace_id = str::from_utf8(&trace_id).ok();
                        tracing::event!(
                            Level::$level,
                            method = says(AccessField::Method).then_some(request.method),
                            path = says(AccessField::Path).then_some(request.path),
                            request_id = says(AccessField::RequestId).then_some(request.request_id),
                            trace_id = trace_id.filter(|_| says(AccessField::TraceId)),
                            status = says(AccessField::Status).then(|| status.as_u16()),
                            latency_ms = says(AccessField::LatencyMs).then(|| request.latency_ms()),
                            route = says(AccessField::Route).then_some(request.route),
                            format = traits.format.filter(|_| says(AccessField::Format)),
                            cache = traits.cache.filter(|_| says(AccessField::Cache)),
                            problem = traits.problem.filter(|_| says(AccessField::Problem)),
                            $message
                        );
                    }
                }
            };
        }
        let is_expected = status.is_success() || *status == StatusCode::SERVICE_UNAVAILABLE;
        if is_expected && self.probes.iter().any(|probe| probe == path) {
            log!(DEBUG, "probe answered");
        } else if status.is_server_error() {
            log!(WARN, "request failed");
        } else if traits.problem == Some(ABANDONED) {
            log!(INFO, "request abandoned");
        } else {
            log!(INFO, "request answered");
        }
    }
}

/// Whether a request that went well is one of those that are not logged.
fn is_left_out(sample: Share, status: StatusCode) -> bool {
    let went_well = !status.is_client_error() && !status.is_server_error();
    went_well && sample != Share::ALL && rand::random::<f64>() >= sample.get()
}

/// The context of a request's trace, where it has no span: what is exported of the log says which trace it is in.
fn unspanned(trace: Option<TraceId>) -> Option<Context> {
    trace
        .filter(|_| !Context::map_current(TraceContextExt::has_active_span))
        .map(trace::of_id)
}

/// The number of a request's trace; where nobody knows it, another one.
fn number(trace: Option<TraceId>) -> u128 {
    let trace = trace.map(|trace| u128::from_be_bytes(trace.to_bytes()));
    trace.unwrap_or_else(rand::random)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use http::Method;
    use proptest::prelude::*;
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
            let log = AccessLog::new(&AccessLogRules::default(), &["/livez", "/readyz"], lines);
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

    #[test]
    fn a_line_is_the_same_by_either_way_however_long_it_is() {
        let path = format!("/{}", "\"\u{1}".repeat(500));
        let [plain, short] = logged_both_ways("info", |lines| {
            let log = AccessLog::new(&AccessLogRules::default(), &[], lines);
            for path in ["/groups", &path, "/groups"] {
                log.observe(&Event::RequestAnswered {
                    method: &Method::GET,
                    path,
                    id: "the-id",
                    trace: Some(TraceId::from_bytes([0x0a; 16])),
                    route: "",
                    traits: AnswerTraits::default(),
                    status: StatusCode::OK,
                    elapsed: Duration::ZERO,
                });
            }
        });
        assert_eq!(plain, short);
        assert!(plain.len() > 4000 && plain.lines().count() == 3, "{plain}");
    }

    #[derive(Debug, Clone)]
    struct SomeRequest {
        fields: usize,
        path: &'static str,
        id: String,
        trace: u128,
        status: u16,
        nanos: u64,
    }

    fn some_requests() -> impl Strategy<Value = Vec<SomeRequest>> {
        let ids = prop_oneof![
            "[0-9a-f]{32}",
            "[0-9a-f]{31}",
            "[0-9A-F]{32}",
            "[!-~]{1,40}"
        ];
        let (path, status) = (
            prop::sample::select(&PATHS[..]),
            prop_oneof![Just(200), Just(304)],
        );
        let request = (0..FIELDS.len(), path, ids, 1_u128.., status, any::<u64>()).prop_map(
            |(fields, path, id, trace, status, nanos)| SomeRequest {
                fields,
                path,
                id,
                trace,
                status,
                nanos,
            },
        );
        prop::collection::vec(request, 1..40)
    }

    const PATHS: [&str; 4] = ["/groups", "/groups/a", "/groups/\"é\\\u{1}", "/"];

    const FIELDS: [&str; 4] = [
        "'method', 'path', 'request_id', 'trace_id', 'status', 'latency_ms'",
        "'request_id'",
        "'trace_id', 'latency_ms'",
        "'path', 'route', 'request_id', 'latency_ms', 'cache'",
    ];

    proptest! {
        #[test]
        fn no_line_says_what_one_before_it_said(requests in some_requests()) {
            let [plain, short] = logged_both_ways("info", |lines| {
                let logs = FIELDS.map(|fields| {
                    let rules = rules(&format!("fields = [{fields}]"));
                    AccessLog::new(&rules, &[], lines.clone())
                });
                for request in &requests {
                    logs[request.fields].observe(&Event::RequestAnswered {
                        method: &Method::GET,
                        path: request.path,
                        id: &request.id,
                        trace: Some(TraceId::from(request.trace)),
                        route: "/groups",
                        traits: AnswerTraits::default(),
                        status: StatusCode::from_u16(request.status).unwrap(),
                        elapsed: Duration::from_nanos(request.nanos),
                    });
                }
            });
            prop_assert_eq!(plain, short);
        }
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
        let probes = AccessLog::new(&AccessLogRules::default(), &["/livez", "/readyz"], None);
        let line = logged(probes, path, status);
        assert!(line.trim_start().starts_with(expected), "{line}");
    }

    fn rules(text: &str) -> AccessLogRules {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_line_says_what_the_rules_name_by_either_way() {
        let rules = rules("fields = ['status', 'route', 'cache', 'format', 'problem']");
        let [plain, short] = logged_both_ways("info", |lines| {
            let log = AccessLog::new(&rules, &[], lines);
            log.observe(&Event::RequestAnswered {
                method: &Method::GET,
                path: "/groups/a:1",
                id: "the-id",
                trace: None,
                route: "/groups/{id}",
                status: StatusCode::OK,
                traits: AnswerTraits {
                    format: Some("json"),
                    cache: Some("hit"),
                    problem: None,
                },
                elapsed: Duration::ZERO,
            });
        });
        assert_eq!(plain, short);
        let said = r#""message":"request answered","status":200,"route":"/groups/{id}","format":"json","cache":"hit","target""#;
        assert!(plain.contains(said), "{plain}");
    }

    /// A method, a path, a route, a status, and the rest.
    type Said = (Method, &'static str, &'static str, u16, AnswerTraits);

    #[test]
    fn a_line_says_what_is_its_own_whatever_the_one_before_said() {
        let ready = AnswerTraits {
            format: Some("json"),
            cache: Some("ready"),
            problem: None,
        };
        let with = |problem| AnswerTraits { problem, ..ready };
        let usual: Said = (Method::GET, "/groups", "/groups", 200, ready);
        let others = [
            (Method::HEAD, "/groups", "/groups", 200, ready),
            (Method::GET, "/livez", "/groups", 200, ready),
            (Method::GET, "/groups", "/groups/{id}", 200, ready),
            (Method::GET, "/groups", "/groups", 404, ready),
            (Method::GET, "/groups", "/groups", 502, ready),
            (
                Method::GET,
                "/groups",
                "/groups",
                200,
                with(Some("not_found")),
            ),
            (
                Method::GET,
                "/groups",
                "/groups",
                200,
                with(Some(ABANDONED)),
            ),
            (
                Method::GET,
                "/groups",
                "/groups",
                200,
                AnswerTraits {
                    format: None,
                    ..ready
                },
            ),
            (
                Method::GET,
                "/groups",
                "/groups",
                200,
                AnswerTraits {
                    cache: Some("hit"),
                    ..ready
                },
            ),
        ];
        let all =
            rules("fields = ['method', 'path', 'status', 'route', 'cache', 'format', 'problem']");
        let [plain, short] = logged_both_ways("debug", |lines| {
            let [log, brief] = [&all, &rules("fields = ['status', 'format']")]
                .map(|rules| AccessLog::new(rules, &["/livez"], lines.clone()));
            let say_in = |log: &AccessLog, (method, path, route, status, traits): &Said| {
                log.observe(&Event::RequestAnswered {
                    method,
                    path,
                    id: "the-id",
                    trace: None,
                    route,
                    status: StatusCode::from_u16(*status).unwrap(),
                    traits: *traits,
                    elapsed: Duration::from_millis(3),
                });
            };
            for other in &others {
                say_in(&log, &usual);
                say_in(&log, other);
            }
            say_in(&log, &usual);
            say_in(&brief, &usual);
        });
        assert_eq!(plain, short);
        assert_eq!(plain.lines().count(), 20);
    }

    #[test]
    fn a_method_that_http_does_not_know_is_not_written() {
        let [plain, short] = logged_both_ways("info", |lines| {
            AccessLog::new(&rules("fields = ['method']"), &[], lines).observe(
                &Event::RequestAnswered {
                    method: &Method::from_bytes("X".repeat(10_000).as_bytes()).unwrap(),
                    path: "/groups",
                    id: "the-id",
                    trace: None,
                    route: "",
                    status: StatusCode::OK,
                    traits: AnswerTraits::default(),
                    elapsed: Duration::ZERO,
                },
            );
        });
        assert_eq!(plain, short);
        assert!(plain.contains(r#""method":"_OTHER""#), "{plain}");
    }

    #[test]
    fn failures_are_logged_though_nothing_else_is() {
        let log = || AccessLog::new(&rules("sample = 0"), &[], None);
        assert_eq!(logged(log(), "/groups", 200), "");
        assert_eq!(logged(log(), "/groups", 304), "");
        for status in [404, 429, 503] {
            assert!(logged(log(), "/groups", status).contains("/groups"));
        }
        let all = AccessLog::new(&AccessLogRules::default(), &[], None);
        assert!(!logged(all, "/groups", 200).is_empty());
        let off = AccessLog::new(&rules("enabled = false"), &[], None);
        assert_eq!(logged(off, "/groups", 500), "");
    }
}
