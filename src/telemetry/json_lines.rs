//! Log lines as JSON objects, one each.
//!
//! Every request writes one, so they are written straight into the line. The formatter of
//! tracing-subscriber writes the same text through serde, and took more than a third of the time in
//! which a ready answer is sent.

use std::fmt::{self, Write as _};
use std::io::Cursor;

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::WallClock;

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
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let (now, level) = (self.clock.now(), metadata.level().as_str());
        write!(line, r#"{{"timestamp":"{now:.6}","level":"{level}""#)?;
        let mut fields = Fields {
            line: &mut line,
            outcome: Ok(()),
        };
        event.record(&mut fields);
        fields.outcome?;
        line.write_str(r#","target":"#)?;
        string(&mut line, metadata.target())?;
        let parent = event.parent().and_then(|id| context.span(id));
        if let Some(span) = parent.or_else(|| context.lookup_current()) {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<JsonFields>>();
            // They are an object already, which the span's name is put into.
            let fields = fields.and_then(|fields| fields.strip_suffix('}'));
            let fields = fields.unwrap_or("{");
            let comma = if fields == "{" { "" } else { "," };
            write!(line, r#","span":{fields}{comma}"name":"#)?;
            string(&mut line, span.name())?;
            line.write_str("}")?;
        }
        line.write_str("}\n")
    }
}

/// Writes the fields of an event, each with a comma before it.
struct Fields<'a, 'b> {
    line: &'a mut Writer<'b>,
    outcome: fmt::Result,
}

impl Fields<'_, '_> {
    fn field(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        let write = |line: &mut Writer<'_>| {
            line.write_str(",\"")?;
            Escaped(line).write_str(field.name())?;
            line.write_str("\":")?;
            value(line)
        };
        self.outcome = self.outcome.and_then(|()| write(self.line));
    }
}

impl Visit for Fields<'_, '_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field(field, |line| number(line, value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, |line| number(line, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |line| number(line, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, |line| write!(line, "{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, |line| string(line, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.field(field, |line| {
            line.write_str("\"")?;
            write!(Escaped(line), "{value:?}")?;
            line.write_str("\"")
        });
    }
}

fn number(line: &mut Writer<'_>, value: impl Serialize) -> fmt::Result {
    // Longer than any number of 64 bits.
    let mut text = Cursor::new([0; 32]);
    serde_json::to_writer(&mut text, &value).map_err(|_| fmt::Error)?;
    let text = &text.get_ref()[..text.position() as usize];
    line.write_str(str::from_utf8(text).map_err(|_| fmt::Error)?)
}

fn string(line: &mut Writer<'_>, text: &str) -> fmt::Result {
    line.write_str("\"")?;
    Escaped(line).write_str(text)?;
    line.write_str("\"")
}

/// Writes what may stand between the quotes of a string (RFC 8259, section 7).
struct Escaped<'a, 'b>(&'a mut Writer<'b>);

impl fmt::Write for Escaped<'_, '_> {
    fn write_str(&mut self, mut text: &str) -> fmt::Result {
        let escaped = |byte: &u8| matches!(byte, b'"' | b'\\' | ..=0x1f);
        while let Some(place) = text.as_bytes().iter().position(|byte| escaped(byte)) {
            let (plain, rest) = text.split_at(place);
            self.0.write_str(plain)?;
            match rest.as_bytes()[0] {
                b'\n' => self.0.write_str("\\n"),
                b'\r' => self.0.write_str("\\r"),
                b'\t' => self.0.write_str("\\t"),
                0x08 => self.0.write_str("\\b"),
                0x0c => self.0.write_str("\\f"),
                sign @ (b'"' | b'\\') => write!(self.0, "\\{}", char::from(sign)),
                control => write!(self.0, "\\u{control:04x}"),
            }?;
            // It is one byte long.
            text = &rest[1..];
        }
        self.0.write_str(text)
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
