//! Log lines as JSON objects, one each.
//!
//! They are written straight into the line. The formatter of tracing-subscriber writes the same text
//! through serde, at several times the cost.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::io::Cursor;

use jiff::Timestamp;
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::WallClock;
use crate::json::{push_body, push_text};

/// Room for most lines, in bytes.
const LINE: usize = 512;

/// Writes events as JSON objects: time, level, the event's fields, target, and the span it is in.
#[derive(Debug)]
pub(super) struct JsonLines {
    pub(super) clock: WallClock,
}

impl<S> FormatEvent<S, JsonFields> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        // Put together here and handed on whole: each piece that goes to the writer costs more than
        // copying the line.
        let mut fields = LineFields {
            line: String::with_capacity(LINE),
            outcome: Ok(()),
        };
        fields.line.push_str(r#"{"timestamp":""#);
        push_time(&mut fields.line, self.clock.now());
        let level = metadata.level().as_str();
        fields.line.extend([r#"","level":""#, level, "\""]);
        event.record(&mut fields);
        fields.outcome?;
        let mut line = fields.line;
        line.push_str(r#","target":"#);
        push_text(&mut line, metadata.target());
        // What is logged once a request is answered says its trace itself.
        if metadata.fields().field("trace_id").is_none() {
            push_trace(&mut line);
        }
        let parent = event.parent().and_then(|id| context.span(id));
        if let Some(span) = parent.or_else(|| context.lookup_current()) {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<JsonFields>>();
            // They are an object already, which the span's name is put into.
            let fields = fields.and_then(|fields| fields.strip_suffix('}'));
            let fields = fields.unwrap_or("{");
            let comma = if fields == "{" { "" } else { "," };
            line.extend([r#","span":"#, fields, comma, r#""name":"#]);
            push_text(&mut line, span.name());
            line.push('}');
        }
        line.push_str("}\n");
        writer.write_str(&line)
    }
}

/// Writes which trace this is said in, and in which span if that is recorded.
fn push_trace(line: &mut String) {
    Context::map_current(|current| {
        let span = current.span();
        let ids = span.span_context();
        if ids.is_valid() {
            line.extend([r#","trace_id":""#, &ids.trace_id().to_string(), "\""]);
        }
        if span.is_recording() {
            line.extend([r#","span_id":""#, &ids.span_id().to_string(), "\""]);
        }
    });
}

thread_local! {
    /// The last second that was written, with its text but for the fraction. Dates cost more than all
    /// the rest of a line.
    static SECOND: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
}

/// Writes a time with six digits of its second, RFC 3339 UTC.
pub(super) fn push_time(line: &mut String, time: Timestamp) {
    let Ok(micros) = u32::try_from(time.subsec_microsecond()) else {
        // Before 1970. Writing into a string does not fail.
        let _ = write!(line, "{time:.6}");
        return;
    };
    let second = time.as_second();
    SECOND.with_borrow_mut(|(written, text)| {
        if *written != second {
            text.clear();
            // Writing into a string does not fail.
            let _ = write!(text, "{time:.0}");
            text.pop();
            *written = second;
        }
        line.push_str(text);
    });
    line.push('.');
    line.push_str(str::from_utf8(&six_digits(micros)).unwrap_or_default());
    line.push('Z');
}

/// The last six digits of a number, the first of which may be zeros.
pub(super) fn six_digits(number: u32) -> [u8; 6] {
    let pair = |number: u32| PAIRS[(number % 100) as usize];
    let mut digits = [0; 6];
    let pairs = [pair(number / 10_000), pair(number / 100), pair(number)];
    digits.copy_from_slice(pairs.as_flattened());
    digits
}

/// The two digits of each number below a hundred.
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < pairs.len() {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// Writes a number, as JSON has it.
pub(super) fn push_number(line: &mut String, value: impl Serialize) -> fmt::Result {
    // Longer than any number of 64 bits.
    let mut text = Cursor::new([0; 32]);
    serde_json::to_writer(&mut text, &value).map_err(|_| fmt::Error)?;
    let text = &text.get_ref()[..text.position() as usize];
    line.push_str(str::from_utf8(text).map_err(|_| fmt::Error)?);
    Ok(())
}

/// Writes the fields of an event, each with a comma before it.
struct LineFields {
    line: String,
    outcome: fmt::Result,
}

impl LineFields {
    fn name(&mut self, field: &Field) -> &mut String {
        // It is a word of the source code, with nothing to escape.
        self.line.extend([",\"", field.name(), "\":"]);
        &mut self.line
    }

    fn number(&mut self, field: &Field, value: impl Serialize) {
        let written = push_number(self.name(field), value);
        self.outcome = self.outcome.and(written);
    }
}

impl Visit for LineFields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.number(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        let value = if value { "true" } else { "false" };
        self.name(field).push_str(value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        push_text(self.name(field), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let line = self.name(field);
        line.push('"');
        let written = write!(Escaped(line), "{value:?}");
        line.push('"');
        self.outcome = self.outcome.and(written);
    }
}

/// Writes what is formatted into a string of the line.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_body(self.0, text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// What is written in both ways while `work` runs, without the time.
    fn lines(work: fn()) -> [String; 2] {
        let written: [Arc<Mutex<Vec<u8>>>; 2] = Default::default();
        let [own, theirs] = written.each_ref().map(|written| {
            let written = Arc::clone(written);
            move || Appending(Arc::clone(&written))
        });
        let clock = WallClock::fixed("2026-11-21T09:30:00.123456789Z".parse().unwrap());
        let own = tracing_subscriber::fmt::layer()
            .json()
            .event_format(JsonLines { clock })
            .with_writer(own);
        let theirs = tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .with_timer(time as fn(&mut Writer<'_>) -> fmt::Result)
            .with_writer(theirs);
        let subscriber = tracing_subscriber::registry().with(own).with(theirs);
        tracing::subscriber::with_default(subscriber, work);
        written.map(|written| String::from_utf8(written.lock().unwrap().clone()).unwrap())
    }

    #[test]
    fn times_have_six_digits_and_are_right_from_second_to_second() {
        for text in [
            "2026-11-21T09:30:00.999999Z",
            "2026-11-21T09:30:00.000001Z",
            "2026-11-21T09:30:01.000000Z",
            "1969-12-31T23:59:59.500000Z",
            "1970-01-01T00:00:00.000000Z",
        ] {
            let mut line = String::new();
            push_time(&mut line, text.parse().unwrap());
            assert_eq!(line, text);
        }
    }

    fn time(writer: &mut Writer<'_>) -> fmt::Result {
        writer.write_str("2026-11-21T09:30:00.123456Z")
    }

    struct Appending(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Appending {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_the_ones_that_tracing_subscriber_writes() {
        let [own, theirs] = lines(|| {
            tracing::info!("no fields");
            tracing::warn!(
                text = "a \"quoted\" \\ path,\n\ttwo lines \u{1} \u{7f} and an ü",
                debugged = ?Some("text"),
                displayed = %"tab\t",
                whole = -7_i64,
                large = u64::MAX,
                larger = u128::MAX,
                yes = true,
                "all {}",
                "kinds"
            );
            for number in [0.0, 1.0, -1.5, 0.034_821, 1e-7, 1e300, f64::MIN, f64::NAN] {
                tracing::info!(number, "numbers");
            }
            let span = tracing::info_span!("outer", id = 1, late = tracing::field::Empty);
            let _outer = span.enter();
            span.record("late", "told \"later\"");
            tracing::error!("in a span");
            tracing::info_span!("bare").in_scope(|| tracing::info!("in a span without fields"));
            tracing::info!(parent: None, "in none");
            tracing::info!(target: "elsewhere", error = &io::Error::other("lost") as &dyn std::error::Error);
        });
        assert_eq!(own, theirs);
        assert_eq!(own.lines().count(), 14);
    }
}
