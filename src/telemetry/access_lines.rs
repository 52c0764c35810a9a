//! The line that each request logs, where the log is one of JSON.
//!
//! It is what [`JsonLines`](super::json_lines::JsonLines) makes of the same event, put together in one go:
//! on its way through tracing it took more than a third of the time in which a ready answer is sent.

use std::cell::RefCell;
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use tracing::Level;
use tracing::subscriber::with_default;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::clock::WallClock;
use crate::hex::hex_of_number;
use crate::plan::{AccessField, AccessFields};

use super::json_lines::{push_number, six_digits};
use super::line_queue::LineQueue;
use super::line_room::LineRoom;
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

/// A request that was answered, and what a line says of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoggedRequest<'a> {
    pub(crate) fields: AccessFields,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) request_id: &'a str,
    /// The number of its trace.
    pub(crate) trace: u128,
    pub(crate) status: StatusCode,
    pub(crate) elapsed: Duration,
    pub(crate) route: &'static str,
    pub(crate) format: Option<&'static str>,
    pub(crate) cache: Option<&'static str>,
    pub(crate) problem: Option<&'static str>,
}

impl LoggedRequest<'_> {
    /// How long it took, as the line says it.
    pub(crate) fn latency_ms(&self) -> f64 {
        milliseconds(self.elapsed)
    }
}

thread_local! {
    /// Room for the line that is put together.
    static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Room for most lines, in bytes.
const LINE: usize = 1024;

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
        let time = self.clock.now();
        ROOM.with_borrow_mut(|room| {
            loop {
                let mut line = LineRoom::new(room);
                write(&mut line, time, level, message, request);
                if let Some(line) = line.written() {
                    return self.lines.push(line);
                }
                // Paths may be long.
                let more = LINE.max(2 * room.len());
                room.resize(more, 0);
            }
        });
    }
}

fn write(
    line: &mut LineRoom<'_>,
    time: Timestamp,
    level: Level,
    message: &'static str,
    request: &LoggedRequest<'_>,
) {
    line.put(br#"{"timestamp":""#);
    line.time(time);
    line.put(br#"","level":""#);
    line.text(level.as_str());
    line.put(br#"","message":""#);
    line.text(message);
    line.put(b"\"");
    let says = |field| request.fields.contain(field);
    if says(AccessField::Method) {
        // A token (RFC 9110, section 5.6.2) has nothing to escape.
        line.put(br#","method":""#);
        line.text(request.method);
        line.put(b"\"");
    }
    if says(AccessField::Path) {
        line.put(br#","path":""#);
        line.escaped(request.path);
        line.put(b"\"");
    }
    if says(AccessField::RequestId) {
        line.put(br#","request_id":""#);
        line.escaped(request.request_id);
        line.put(b"\"");
    }
    if says(AccessField::TraceId) {
        line.put(br#","trace_id":""#);
        line.put(&hex_of_number(request.trace));
        line.put(b"\"");
    }
    if says(AccessField::Status) {
        line.put(br#","status":"#);
        line.text(request.status.as_str());
    }
    if says(AccessField::LatencyMs) {
        line.put(br#","latency_ms":"#);
        write_milliseconds(line, request.elapsed);
    }
    // They are words of the source code, with nothing to escape.
    if says(AccessField::Route) {
        line.put(br#","route":""#);
        line.text(request.route);
        line.put(b"\"");
    }
    if let Some(format) = request.format.filter(|_| says(AccessField::Format)) {
        line.put(br#","format":""#);
        line.text(format);
        line.put(b"\"");
    }
    if let Some(cache) = request.cache.filter(|_| says(AccessField::Cache)) {
        line.put(br#","cache":""#);
        line.text(cache);
        line.put(b"\"");
    }
    if let Some(problem) = request.problem.filter(|_| says(AccessField::Problem)) {
        line.put(br#","problem":""#);
        line.text(problem);
        line.put(b"\"");
    }
    line.put(br#","target":""#);
    line.text(TARGET);
    line.put(b"\"}\n");
}

/// A duration in milliseconds, rounded once.
fn milliseconds(elapsed: Duration) -> f64 {
    elapsed.as_nanos() as f64 / 1e6
}

/// Writes a duration in milliseconds, as serde_json writes that number: in a quarter of the time.
fn write_milliseconds(line: &mut LineRoom<'_>, elapsed: Duration) {
    // Up to here a number of 64 bits is written with all of its digits, none of them rounded.
    const EXACT: u64 = 1_000_000_000_000_000;
    let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
    // What is shorter than ten nanoseconds is written with an exponent.
    if nanos >= EXACT || (1..10).contains(&nanos) {
        let mut text = String::new();
        // A string takes any number.
        let _ = push_number(&mut text, milliseconds(elapsed));
        return line.text(&text);
    }
    line.text(itoa::Buffer::new().format(nanos / 1_000_000));
    let digits = six_digits((nanos % 1_000_000) as u32);
    let last = digits.iter().rposition(|digit| *digit != b'0').unwrap_or(0);
    line.put(b".");
    line.bytes(&digits[..=last]);
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
            let mut room = [0; 32];
            let mut line = LineRoom::new(&mut room);
            write_milliseconds(&mut line, elapsed);
            let line = str::from_utf8(line.written().unwrap()).unwrap();
            prop_assert_eq!(line, serde_json::to_string(&milliseconds(elapsed)).unwrap());
        }
    }
}
