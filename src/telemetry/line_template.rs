//! The line of one request, as it is put together: from the line before it, as far as both say the same.

use std::ptr;
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use tracing::Level;

use crate::hex::{NUMBER_DIGITS, are_hex_digits, hex_of_number};
use crate::json::body_pieces;
use crate::plan::{AccessField, AccessFields};

use super::json_lines::{push_number, push_time, six_digits};

/// Where the event comes from that makes the line.
pub(super) const TARGET: &str = "groupgate::downstream::layers::access_log";

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

    /// Its id, if that is as long as most are and has nothing to escape: one that the gateway made is.
    pub(super) fn id_digits(&self) -> Option<&[u8; NUMBER_DIGITS]> {
        let id: &[u8; NUMBER_DIGITS] = self.request_id.as_bytes().try_into().ok()?;
        are_hex_digits(id).then_some(id)
    }
}

/// What decides which template a line is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LineWords {
    status: StatusCode,
    fields: AccessFields,
    /// Whether the id is written over the one before.
    has_id_digits: bool,
    /// Whether the path is the route.
    is_route: bool,
    level: Level,
    message: Word,
    method: Word,
    route: Word,
    format: Option<Word>,
    cache: Option<Word>,
    problem: Option<Word>,
}

impl LineWords {
    /// Those of a line with this message about a request whose id has such digits or not.
    pub(super) fn of(
        level: Level,
        message: &'static str,
        request: &LoggedRequest<'_>,
        has_id_digits: bool,
    ) -> Self {
        Self {
            status: request.status,
            fields: request.fields,
            has_id_digits,
            is_route: request.path == request.route,
            level,
            message: Word(message),
            method: Word(request.method),
            route: Word(request.route),
            format: request.format.map(Word),
            cache: request.cache.map(Word),
            problem: request.problem.map(Word),
        }
    }
}

/// A word of the source code. It is the same as one that stands in the same place: to read both takes longer.
#[derive(Debug, Clone, Copy, Eq)]
struct Word(&'static str);

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.0, other.0)
    }
}

/// How each line begins, with the time of the last one: most are of the same second, and only its digits change.
#[derive(Debug, Default)]
pub(super) struct LineHead {
    second: Option<i64>,
    text: Vec<u8>,
}

impl LineHead {
    /// The same with this time.
    pub(super) fn at(&mut self, time: Timestamp) -> &[u8] {
        let second = time.as_second();
        let micros = u32::try_from(time.subsec_microsecond()).ok();
        // What is there ends with six digits and a `Z`.
        let same = micros.filter(|_| self.second == Some(second));
        let digits = self.text.last_chunk_mut::<7>();
        if let (Some(micros), Some([digits @ .., _])) = (same, digits) {
            *digits = six_digits(micros);
        } else {
            let mut text = r#"{"timestamp":""#.to_owned();
            push_time(&mut text, time);
            self.text = text.into_bytes();
            // Before 1970, digits count from the next second.
            self.second = micros.map(|_| second);
        }
        &self.text
    }
}

/// A value of a line's own that may be of any length.
#[derive(Debug, Clone, Copy)]
enum OwnValue {
    Path,
    RequestId,
    Latency,
}

/// Where such a value goes.
#[derive(Debug)]
struct ValuePlace {
    value: OwnValue,
    /// Where in the text of the template it goes.
    at: usize,
    /// Where it ends among the values of the last line.
    end: usize,
}

/// A line without its head and its own values: one piece is copied where a dozen would be put together.
#[derive(Debug)]
pub(super) struct LineTemplate {
    words: LineWords,
    /// The text, with the digits of the last line's request and trace.
    text: Vec<u8>,
    /// Where those of the request stand, if it says them.
    request_id_at: Option<usize>,
    /// Where those of the trace stand, if it says them.
    trace_id_at: Option<usize>,
    /// In the order of the text.
    values: Vec<ValuePlace>,
}

impl LineTemplate {
    /// That of such lines.
    pub(super) fn of(words: LineWords) -> Self {
        let mut template = Self {
            words,
            text: Vec::new(),
            request_id_at: None,
            trace_id_at: None,
            values: Vec::new(),
        };
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
            if words.is_route {
                template.word("path", words.route.0);
            } else {
                template.text("path", OwnValue::Path);
            }
        }
        if says(AccessField::RequestId) {
            if words.has_id_digits {
                template.request_id_at = Some(template.number("request_id"));
            } else {
                template.text("request_id", OwnValue::RequestId);
            }
        }
        if says(AccessField::TraceId) {
            template.trace_id_at = Some(template.number("trace_id"));
        }
        if says(AccessField::Status) {
            template.put(r#","status":"#);
            template.put(words.status.as_str());
        }
        if says(AccessField::LatencyMs) {
            template.put(r#","latency_ms":"#);
            template.value(OwnValue::Latency);
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

    /// Whether lines with these words are made of it.
    pub(super) fn is_of(&self, words: &LineWords) -> bool {
        self.words == *words
    }

    fn put(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }

    fn name(&mut self, name: &str) {
        for text in [",\"", name, "\":\""] {
            self.put(text);
        }
    }

    /// A field with nothing to escape.
    fn word(&mut self, name: &str, value: &str) {
        self.name(name);
        self.put(value);
        self.put("\"");
    }

    /// A field with the digits of a number. Returns where they stand.
    fn number(&mut self, name: &str) -> usize {
        self.name(name);
        let place = self.text.len();
        self.text.extend_from_slice(&[b'0'; NUMBER_DIGITS]);
        self.put("\"");
        place
    }

    /// A field with a text of each line's own.
    fn text(&mut self, name: &str, value: OwnValue) {
        self.name(name);
        self.value(value);
        self.put("\"");
    }

    fn value(&mut self, value: OwnValue) {
        self.values.push(ValuePlace {
            value,
            at: self.text.len(),
            end: 0,
        });
    }

    /// The line of a request whose id has these digits, if it has any; but for its head. Its values are put into this
    /// room.
    pub(super) fn fill<'a>(
        &'a mut self,
        request: &LoggedRequest<'_>,
        id: Option<&[u8; NUMBER_DIGITS]>,
        room: &'a mut Vec<u8>,
    ) -> FilledLine<'a> {
        debug_assert_eq!(
            self.words.has_id_digits,
            id.is_some(),
            "the words are its own"
        );
        if let (Some(place), Some(id)) = (self.request_id_at, id) {
            self.put_digits(place, id);
        }
        if let Some(place) = self.trace_id_at {
            self.put_digits(place, &hex_of_number(request.trace));
        }
        room.clear();
        for ValuePlace { value, end, .. } in &mut self.values {
            match value {
                OwnValue::Path => put_escaped(room, request.path),
                OwnValue::RequestId => put_escaped(room, request.request_id),
                OwnValue::Latency => put_milliseconds(room, request.elapsed),
            }
            *end = room.len();
        }
        FilledLine {
            template: self,
            values: room,
        }
    }

    fn put_digits(&mut self, place: usize, digits: &[u8; NUMBER_DIGITS]) {
        let rest = self.text.get_mut(place..);
        if let Some(place) = rest.and_then(|rest| rest.first_chunk_mut()) {
            *place = *digits;
        }
    }
}

/// A line, but for its head.
#[derive(Debug)]
pub(super) struct FilledLine<'a> {
    template: &'a LineTemplate,
    values: &'a [u8],
}

impl FilledLine<'_> {
    pub(super) const fn len(&self) -> usize {
        self.template.text.len() + self.values.len()
    }

    pub(super) fn write_to(&self, line: &mut Vec<u8>) {
        let (text, mut from, mut begin) = (&self.template.text, 0, 0);
        for ValuePlace { at, end, .. } in &self.template.values {
            line.extend_from_slice(&text[from..*at]);
            line.extend_from_slice(&self.values[begin..*end]);
            (from, begin) = (*at, *end);
        }
        line.extend_from_slice(&text[from..]);
    }
}

/// Writes a text with what JSON escapes.
fn put_escaped(line: &mut Vec<u8>, text: &str) {
    body_pieces(text, |piece| line.extend_from_slice(piece.as_bytes()));
}

/// A duration in milliseconds, rounded once.
fn milliseconds(elapsed: Duration) -> f64 {
    elapsed.as_nanos() as f64 / 1e6
}

/// Writes a duration in milliseconds, as serde_json writes that number: in a quarter of the time.
fn put_milliseconds(line: &mut Vec<u8>, elapsed: Duration) {
    // Up to here a number of 64 bits is written with all of its digits, none of them rounded.
    const EXACT: u64 = 1_000_000_000_000_000;
    let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
    // What is shorter than ten nanoseconds is written with an exponent.
    if nanos >= EXACT || (1..10).contains(&nanos) {
        return put_with_exponent(line, elapsed);
    }
    let mut whole = itoa::Buffer::new();
    line.extend_from_slice(whole.format(nanos / 1_000_000).as_bytes());
    line.push(b'.');
    let digits = six_digits((nanos % 1_000_000) as u32);
    let last = digits.iter().rposition(|digit| *digit != b'0').unwrap_or(0);
    line.extend_from_slice(&digits[..=last]);
}

#[cold]
fn put_with_exponent(line: &mut Vec<u8>, elapsed: Duration) {
    let mut text = String::new();
    // A string takes any number.
    let _ = push_number(&mut text, milliseconds(elapsed));
    line.extend_from_slice(text.as_bytes());
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
            let mut line = Vec::new();
            put_milliseconds(&mut line, elapsed);
            prop_assert_eq!(line, serde_json::to_vec(&milliseconds(elapsed)).unwrap());
        }
    }

    #[test]
    fn times_are_the_same_as_in_other_lines() {
        let mut head = LineHead::default();
        for text in [
            "2026-11-21T09:30:00.000001Z",
            "2026-11-21T09:30:00.987654Z",
            "2026-11-21T09:30:59.987654Z",
            "1969-12-31T23:59:59.500000Z",
            "1969-12-31T23:59:59.700000Z",
            "1970-01-01T00:00:00.000000Z",
            "1970-01-01T00:00:00.000001Z",
        ] {
            let expected = format!(r#"{{"timestamp":"{text}"#);
            assert_eq!(head.at(text.parse().unwrap()), expected.as_bytes());
        }
    }
}
