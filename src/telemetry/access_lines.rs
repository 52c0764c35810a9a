//! The line that each request logs, where the log is one of JSON.
//!
//! It is what [`JsonLines`](super::json_lines::JsonLines) makes of the same event, put together in one go:
//! on its way through tracing it took more than a third of the time in which a ready answer is sent.

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use http::StatusCode;
use tracing::Level;
use tracing::subscriber::with_default;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::clock::WallClock;

use super::json_lines::{push_number, push_string, push_time};
use super::line_queue::LineQueue;
use super::may_log;

/// Where the event comes from that makes the line.
const TARGET: &str = "groupgate::downstream::layers::access_log";

/// Writes the lines of requests.
#[derive(Debug, Clone)]
pub(crate) struct AccessLines {
    lines: LineQueue,
    levels: LetThrough,
    clock: WallClock,
}

/// The levels that the filter of the log lets through. That never changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct LetThrough([Option<Level>; 3]);

impl LetThrough {
    /// Asks a filter.
    pub(super) fn by(filter: EnvFilter) -> Self {
        macro_rules! asked {
            ($level:ident) => {
                tracing::event_enabled!(
                    target: TARGET,
                    Level::$level,
                    method,
                    path,
                    request_id,
                    trace_id,
                    status,
                    latency_ms,
                    route,
                    format,
                    cache,
                    problem
                )
                .then_some(Level::$level)
            };
        }
        let registry = tracing_subscriber::registry();
        let filtered = registry.with(filter).with(filter_fn(may_log));
        Self(with_default(filtered, || {
            [asked!(DEBUG), asked!(INFO), asked!(WARN)]
        }))
    }
}

/// What a line says of a request that was answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoggedRequest<'a> {
    pub(crate) method: Option<&'a str>,
    pub(crate) path: Option<&'a str>,
    pub(crate) request_id: Option<&'a str>,
    /// Hexadecimal digits.
    pub(crate) trace_id: Option<&'a str>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) elapsed: Option<Duration>,
    pub(crate) route: Option<&'static str>,
    pub(crate) format: Option<&'static str>,
    pub(crate) cache: Option<&'static str>,
    pub(crate) problem: Option<&'static str>,
}

impl LoggedRequest<'_> {
    /// How long it took, as the line says it.
    pub(crate) fn latency_ms(&self) -> Option<f64> {
        self.elapsed.map(|elapsed| elapsed.as_secs_f64() * 1e3)
    }
}

thread_local! {
    /// The line that is put together.
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };
}

impl AccessLines {
    pub(super) const fn new(lines: LineQueue, levels: LetThrough, clock: WallClock) -> Self {
        Self {
            lines,
            levels,
            clock,
        }
    }

    /// Writes a line with a message of the source code, if the log has lines of this level.
    pub(crate) fn log(&self, level: Level, message: &'static str, request: &LoggedRequest<'_>) {
        if !self.levels.0.contains(&Some(level)) {
            return;
        }
        LINE.with_borrow_mut(|line| {
            line.clear();
            if self.push(line, level, message, request).is_ok() {
                self.lines.push(line.as_bytes());
            }
        });
    }

    fn push(
        &self,
        line: &mut String,
        level: Level,
        message: &'static str,
        request: &LoggedRequest<'_>,
    ) -> fmt::Result {
        line.push_str(r#"{"timestamp":""#);
        push_time(line, self.clock.now());
        line.push_str(r#"","level":""#);
        line.push_str(level.as_str());
        line.push_str(r#"","message":""#);
        line.push_str(message);
        line.push('"');
        if let Some(method) = request.method {
            line.push_str(r#","method":"#);
            push_string(line, method);
        }
        if let Some(path) = request.path {
            line.push_str(r#","path":"#);
            push_string(line, path);
        }
        if let Some(id) = request.request_id {
            line.push_str(r#","request_id":"#);
            push_string(line, id);
        }
        if let Some(id) = request.trace_id {
            line.extend([r#","trace_id":""#, id, "\""]);
        }
        if let Some(status) = request.status {
            line.extend([r#","status":"#, status.as_str()]);
        }
        if let Some(latency) = request.latency_ms() {
            line.push_str(r#","latency_ms":"#);
            push_number(line, latency)?;
        }
        for (name, word) in [
            ("route", request.route),
            ("format", request.format),
            ("cache", request.cache),
            ("problem", request.problem),
        ] {
            // They are words of the source code, with nothing to escape.
            if let Some(word) = word {
                line.extend([",\"", name, "\":\"", word, "\""]);
            }
        }
        line.push_str(r#","target":""#);
        line.push_str(TARGET);
        line.push_str("\"}\n");
        Ok(())
    }
}
