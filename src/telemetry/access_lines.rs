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
use crate::json::push_text;

use super::json_lines::{push_number, push_time, six_digits};
use super::line_queue::LineQueue;
use super::secrecy::may_log;

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
        self.elapsed.map(milliseconds)
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
            // A token (RFC 9110, section 5.6.2) has nothing to escape.
            line.push_str(r#","method":""#);
            line.push_str(method);
            line.push('"');
        }
        if let Some(path) = request.path {
            line.push_str(r#","path":"#);
            push_text(line, path);
        }
        if let Some(id) = request.request_id {
            line.push_str(r#","request_id":"#);
            push_text(line, id);
        }
        if let Some(id) = request.trace_id {
            line.push_str(r#","trace_id":""#);
            line.push_str(id);
            line.push('"');
        }
        if let Some(status) = request.status {
            line.push_str(r#","status":"#);
            line.push_str(status.as_str());
        }
        if let Some(elapsed) = request.elapsed {
            line.push_str(r#","latency_ms":"#);
            push_milliseconds(line, elapsed)?;
        }
        for (name, word) in [
            (r#","route":""#, request.route),
            (r#","format":""#, request.format),
            (r#","cache":""#, request.cache),
            (r#","problem":""#, request.problem),
        ] {
            // They are words of the source code, with nothing to escape.
            if let Some(word) = word {
                line.push_str(name);
                line.push_str(word);
                line.push('"');
            }
        }
        line.push_str(r#","target":""#);
        line.push_str(TARGET);
        line.push_str("\"}\n");
        Ok(())
    }
}

/// A duration in milliseconds, rounded once.
fn milliseconds(elapsed: Duration) -> f64 {
    elapsed.as_nanos() as f64 / 1e6
}

/// Writes a duration in milliseconds, as serde_json writes that number: in a quarter of the time.
fn push_milliseconds(line: &mut String, elapsed: Duration) -> fmt::Result {
    // Up to here a number of 64 bits is written with all of its digits, none of them rounded.
    const EXACT: u64 = 1_000_000_000_000_000;
    let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
    // What is shorter than ten nanoseconds is written with an exponent.
    if nanos >= EXACT || (1..10).contains(&nanos) {
        return push_number(line, milliseconds(elapsed));
    }
    line.push_str(itoa::Buffer::new().format(nanos / 1_000_000));
    let digits = six_digits((nanos % 1_000_000) as u32);
    let last = digits.iter().rposition(|digit| *digit != b'0').unwrap_or(0);
    line.push('.');
    line.push_str(str::from_utf8(&digits[..=last]).unwrap_or_default());
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn milliseconds_are_written_as_serde_json_writes_them(
            nanos in prop_oneof![0..20_u64, 0..5_000_000_u64, (0..1000_u64).prop_map(|whole| whole * 100_000), any::<u64>()],
        ) {
            let elapsed = Duration::from_nanos(nanos);
            let mut line = String::new();
            push_milliseconds(&mut line, elapsed).unwrap();
            prop_assert_eq!(line, serde_json::to_string(&milliseconds(elapsed)).unwrap());
        }
    }
}
