//! Log lines for people: as tracing-subscriber writes them, with the trace that they belong to.

use std::fmt;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes events as readable lines.
#[derive(Debug)]
pub(super) struct HumanLines;

impl<S, F> FormatEvent<S, F> for HumanLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    F: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, F>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        let format = Format::default().with_ansi(writer.has_ansi_escapes());
        format.format_event(context, Writer::new(&mut line), event)?;
        writer.write_str(line.trim_end_matches('\n'))?;
        // Lines of a request, and the line about it, say their trace themselves.
        let says_trace = event.metadata().fields().field("trace_id").is_some();
        if !says_trace && context.lookup_current().is_none() {
            let trace = Context::map_current(|current| {
                let ids = current.span().span_context().clone();
                ids.is_valid().then(|| ids.trace_id())
            });
            if let Some(trace) = trace {
                write!(writer, " trace_id={trace}")?;
            }
        }
        writeln!(writer)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use opentelemetry::trace::TraceContextExt as _;
    use tracing::subscriber::with_default;

    use super::super::testing::CapturedLog;
    use super::super::{LogFormat, parse, queue, subscriber};
    use crate::trace;

    #[test]
    fn a_line_says_its_trace_once() {
        let written = CapturedLog::default();
        let (lines, writer) = queue(written.clone(), 8).unwrap();
        let traced = trace::of_request(&HeaderMap::new(), None);
        let id = traced.span().span_context().trace_id();
        let subscriber = subscriber(LogFormat::Human, parse("info").unwrap(), lines);
        with_default(subscriber, || {
            tracing::info!("outside");
            let _attached = traced.attach();
            tracing::info!(groups = 7, "walk finished");
            tracing::info!(trace_id = %id, "request answered");
            tracing::info_span!("request", trace_id = %id).in_scope(|| tracing::info!("within"));
        });
        drop(writer);
        let text = written.text();
        let lines: Vec<_> = text.lines().collect();
        assert!(!lines[0].contains("trace_id"), "{text}");
        assert!(lines[1].ends_with(&format!(" trace_id={id}")), "{text}");
        for line in &lines[1..] {
            assert_eq!(line.matches(&id.to_string()).count(), 1, "{text}");
        }
        assert_eq!(lines.len(), 4);
    }
}
