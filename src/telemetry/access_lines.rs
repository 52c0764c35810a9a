//! The line that each request logs, where the log is one of JSON.
//!
//! It is what [`JsonLines`](super::json_lines::JsonLines) makes of the same event, put together in one go:
//! on its way through tracing it took more than a third of the time in which a ready answer is sent. What the line
//! before said, too, is copied from there.

use std::cell::RefCell;
use std::ptr;
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
    pub(crate) method: &'static str,
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
    /// The templates of what this thread wrote, and room for a line.
    static WRITTEN: RefCell<(Vec<LineTemplate>, Vec<u8>)> = RefCell::default();
}

/// Room for most lines, in bytes.
const LINE: usize = 1024;

/// How many templates a thread keeps. Ready answers need few: of each format, one of the answer and one of a 304.
const KEPT: usize = 8;

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
        let words = LineWords {
            level,
            message: Word(message),
            fields: request.fields,
            method: Word(request.method),
            status: request.status,
            route: Word(request.route),
            format: request.format.map(Word),
            cache: request.cache.map(Word),
            problem: request.problem.map(Word),
        };
        WRITTEN.with_borrow_mut(|(templates, room)| {
            let known = templates.iter().position(|known| known.words == words);
            let place = known.unwrap_or_else(|| {
                // The oldest go first, and with them those that a thread wrote once.
                if templates.len() == KEPT {
                    templates.remove(0);
                }
                templates.push(LineTemplate::of(words));
                templates.len() - 1
            });
            let template = &templates[place];
            loop {
                let mut line = LineRoom::new(room);
                template.write(&mut line, time, request);
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

/// What a line says that others say, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LineWords {
    level: Level,
    message: Word,
    fields: AccessFields,
    method: Word,
    status: StatusCode,
    route: Word,
    format: Option<Word>,
    cache: Option<Word>,
    problem: Option<Word>,
}

/// A word of the source code. It is the same as one that stands in the same place: to read both takes longer.
#[derive(Debug, Clone, Copy, Eq)]
struct Word(&'static str);

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.0, other.0)
    }
}

/// What each line says for itself.
#[derive(Debug, Clone, Copy)]
enum OwnPart {
    Time,
    Path,
    RequestId,
    TraceId,
    Latency,
}

/// A line without what it says for itself: one piece is copied where a dozen would be put together.
#[derive(Debug)]
struct LineTemplate {
    words: LineWords,
    text: String,
    /// What goes where in the text.
    parts: Vec<(usize, OwnPart)>,
}

impl LineTemplate {
    /// That of such lines.
    fn of(words: LineWords) -> Self {
        let mut template = Self {
            words,
            text: String::new(),
            parts: Vec::new(),
        };
        template.put(r#"{"timestamp":""#);
        template.part(OwnPart::Time);
        template.put(r#"","level":""#);
        template.put(words.level.as_str());
        template.put(r#"","message":""#);
        template.put(words.message.0);
        template.put("\"");
        let says = |field| words.fields.contain(field);
        if says(AccessField::Method) {
            // A token (RFC 9110, section 5.6.2) has nothing to escape.
            template.word("method", words.method.0);
        }
        if says(AccessField::Path) {
            template.put(r#","path":""#);
            template.part(OwnPart::Path);
            template.put("\"");
        }
        if says(AccessField::RequestId) {
            template.put(r#","request_id":""#);
            template.part(OwnPart::RequestId);
            template.put("\"");
        }
        if says(AccessField::TraceId) {
            template.put(r#","trace_id":""#);
            template.part(OwnPart::TraceId);
            template.put("\"");
        }
        if says(AccessField::Status) {
            template.put(r#","status":"#);
            template.put(words.status.as_str());
        }
        if says(AccessField::LatencyMs) {
            template.put(r#","latency_ms":"#);
            template.part(OwnPart::Latency);
        }
        // They are words of the source code, with nothing to escape.
        if says(AccessField::Route) {
            template.word("route", words.route.0);
        }
        if let Some(format) = words.format.filter(|_| says(AccessField::Format)) {
            template.word("format", format.0);
        }
        if let Some(cache) = words.cache.filter(|_| says(AccessField::Cache)) {
            template.word("cache", cache.0);
        }
        if let Some(problem) = words.problem.filter(|_| says(AccessField::Problem)) {
            template.word("problem", problem.0);
        }
        template.word("target", TARGET);
        template.put("}\n");
        template
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// A field with nothing to escape.
    fn word(&mut self, name: &str, value: &str) {
        for text in [",\"", name, "\":\"", value, "\""] {
            self.put(text);
        }
    }

    fn part(&mut self, part: OwnPart) {
        self.parts.push((self.text.len(), part));
    }

    /// Writes the line of a request.
    fn write(&self, line: &mut LineRoom<'_>, time: Timestamp, request: &LoggedRequest<'_>) {
        let mut rest = self.text.as_bytes();
        let mut written = 0;
        for (at, part) in &self.parts {
            let (before, after) = rest.split_at(at - written);
            line.bytes(before);
            (rest, written) = (after, *at);
            match part {
                OwnPart::Time => line.time(time),
                OwnPart::Path => line.escaped(request.path),
                OwnPart::RequestId => line.escaped(request.request_id),
                OwnPart::TraceId => line.put(&hex_of_number(request.trace)),
                OwnPart::Latency => write_milliseconds(line, request.elapsed),
            }
        }
        line.bytes(rest);
    }
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
        return write_with_exponent(line, elapsed);
    }
    line.text(itoa::Buffer::new().format(nanos / 1_000_000));
    let digits = six_digits((nanos % 1_000_000) as u32);
    let last = digits.iter().rposition(|digit| *digit != b'0').unwrap_or(0);
    line.put(b".");
    line.bytes(&digits[..=last]);
}

#[cold]
fn write_with_exponent(line: &mut LineRoom<'_>, elapsed: Duration) {
    let mut text = String::new();
    // A string takes any number.
    let _ = push_number(&mut text, milliseconds(elapsed));
    line.text(&text);
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
