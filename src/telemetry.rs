//! Logs and traces.
//!
//! Every request runs in a span with a real trace id, continued from the caller's `traceparent`
//! where there is one. Logs go to stderr, for stdout belongs to what a command prints. Nothing is
//! exported yet: the provider makes ids, and drops the spans.

use std::io::IsTerminal;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One readable line each, with colours.
    Human,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// Readable where a person watches stderr, JSON where a machine collects it.
    pub fn for_stderr() -> Self {
        if std::io::stderr().is_terminal() {
            Self::Human
        } else {
            Self::Json
        }
    }
}

/// Why logging could not begin.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("the log filter `{filter}` cannot be read: write it as in `info,groupgate=debug`")]
    Filter {
        /// The filter as it was given.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Another subscriber was installed before.
    #[error("logging was set up twice")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Begins to log what `filter` lets through, in the syntax of [`EnvFilter`], and to make trace
/// ids. Once per process.
pub fn init(format: LogFormat, filter: &str) -> Result<(), TelemetryError> {
    let wanted = EnvFilter::try_new(filter).map_err(|source| TelemetryError::Filter {
        filter: filter.to_owned(),
        source,
    })?;
    let logs = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let logs = match format {
        LogFormat::Human => logs.boxed(),
        LogFormat::Json => logs
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    let tracer = SdkTracerProvider::builder().build().tracer("groupgate");
    // The filter is for the logs alone: a quiet log must not end a caller's trace.
    let spans = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_filter(LevelFilter::INFO);
    tracing_subscriber::registry()
        .with(spans)
        .with(logs.with_filter(wanted))
        .try_init()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        let error = init(LogFormat::Json, "groupgate=loudly").unwrap_err();
        assert!(error.to_string().contains("`groupgate=loudly`"), "{error}");
    }
}
