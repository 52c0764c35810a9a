//! Logs, and what is exported of them, of traces and of metrics.
//!
//! Logs go to standard error, for standard output belongs to commands. A log line is written by a thread of
//! its own, in batches: no request waits for a slow reader of the log. Lines that do not fit the queue are
//! dropped and counted.
//!
//! Where the variables `OTEL_*` name a collector, traces, metrics and logs go to it as well, by threads of
//! their own. What they make spans of is in [`crate::trace`].

mod error;
pub use error::TelemetryError;

mod secrecy;
use secrecy::{is_about_exports, may_log};

mod signal;
mod variables;

mod export;
use export::Exporting;

mod collector;

mod access_lines;
pub(crate) use access_lines::AccessLines;
use access_lines::LetThrough;

mod audit_file;
pub use audit_file::lost_audit_records;
pub(crate) use audit_file::{AuditFile, prepare_audit_file};

mod human_lines;
mod json_lines;
mod line_queue;

mod line_template;
pub(crate) use line_template::LoggedRequest;

mod losses;

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::{MeterProviderBuilder, SdkMeterProvider};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, FilterFn, LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::clock::WallClock;

use human_lines::HumanLines;
use json_lines::JsonLines;
use line_queue::{LineQueue, LogWriter, queue};

/// How many lines wait for the log's reader before further ones are dropped.
const QUEUED_LINES: usize = 4096;

/// The log's thread, until all is written.
static WRITER: Mutex<Option<LogWriter>> = Mutex::new(None);

/// The queue of the log.
static LINES: OnceLock<LineQueue> = OnceLock::new();

/// What is exported, until the process ends.
static EXPORTING: Mutex<Option<Exporting>> = Mutex::new(None);

/// The short way to the log, where there is one.
static ACCESS_LINES: OnceLock<Option<AccessLines>> = OnceLock::new();

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One readable line each, with colours.
    Human,
    /// One JSON object per line.
    Json,
}

impl LogFormat {
    /// Readable if standard error is a terminal, JSON otherwise.
    pub fn for_stderr() -> Self {
        if io::stderr().is_terminal() {
            Self::Human
        } else {
            Self::Json
        }
    }
}

/// Exports what waits and flushes the log when it is dropped. Nothing is logged after that.
#[must_use = "dropping it ends the log"]
#[derive(Debug)]
pub struct Guard(());

impl Drop for Guard {
    fn drop(&mut self) {
        end();
    }
}

/// Whose events are records of the audit log. Whoever wants them enables them: no filter of the log keeps them out.
pub(crate) const AUDIT_TARGET: &str = "groupgate::audit";

/// Starts logging to standard error what `filter` lets through, in the syntax of [`EnvFilter`], and exporting
/// what these variables ask for. Once per process, within a tokio runtime.
pub fn init(
    format: LogFormat,
    filter: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Guard, TelemetryError> {
    init_to(io::stderr(), format, filter, variable)
}

/// The same for a log that goes elsewhere.
pub fn init_to(
    log: impl Write + Send + 'static,
    format: LogFormat,
    filter: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Guard, TelemetryError> {
    let levels = LetThrough::by(parse(filter)?);
    let exports = variables::read(variable)?;
    let ignored = exports.ignored.clone();
    let exporting = Exporting::start(exports)?;
    let (lines, writer) = queue(log, QUEUED_LINES)?;
    let access = AccessLines::new(lines.clone(), levels, WallClock::system());
    let logger = exporting.logger.as_ref();
    // What goes by the short way goes to no collector.
    let takes_short_way = format == LogFormat::Json && logger.is_none();
    let exported = logger.map(|logger| exported(logger, filter)).transpose()?;
    subscriber(format, parse(filter)?, lines.clone())
        .with(exported)
        .try_init()?;
    // The subscriber can be installed only once, so none of them is set yet.
    let _ = LINES.set(lines);
    let _ = ACCESS_LINES.set(takes_short_way.then_some(access));
    *WRITER.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
    *EXPORTING.lock().unwrap_or_else(PoisonError::into_inner) = Some(exporting);
    for variable in ignored {
        tracing::warn!(variable, "this variable is not supported and is ignored");
    }
    Ok(Guard(()))
}

/// Metrics say who sends them from now on. The first that come are sent, too, if any are.
pub fn extend_metrics(mut provider: MeterProviderBuilder) -> MeterProviderBuilder {
    let mut exporting = EXPORTING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(exporting) = exporting.as_mut() else {
        return provider;
    };
    if let Some(resource) = &exporting.resource {
        provider = provider.with_resource(resource.clone());
    }
    match exporting.metrics.take() {
        Some(reader) => provider.with_reader(reader),
        None => provider,
    }
}

/// Has these metrics sent a last time when the process ends.
pub fn send_last(metrics: &SdkMeterProvider) {
    let mut exporting = EXPORTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(exporting) = exporting.as_mut() {
        exporting.meter.get_or_insert_with(|| metrics.clone());
    }
}

/// How many exports failed, by the name of what was sent.
pub fn failed_exports() -> Vec<(&'static str, u64)> {
    collector::failed()
}

/// How many spans and log records were lost because too many waited, by the name of what was to be sent.
pub fn lost_before_export() -> Vec<(&'static str, u64)> {
    losses::lost()
}

/// Exports what waits, writes all queued log lines, for at most a few seconds, and ends the log.
fn end() {
    let exporting = EXPORTING
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    if let Some(exporting) = exporting {
        exporting.flush();
    }
    flush();
}

/// Writes all queued log lines, for at most about a second, and ends the log.
pub fn flush() {
    let writer = WRITER.lock().unwrap_or_else(PoisonError::into_inner).take();
    // Its drop waits for the thread.
    drop(writer);
}

/// How many log lines were dropped because their reader was too slow.
pub fn dropped_lines() -> usize {
    LINES.get().map_or(0, LineQueue::dropped)
}

/// The short way to the log for the lines of requests, if the log is one of JSON.
pub(crate) fn access_lines() -> Option<AccessLines> {
    ACCESS_LINES.get().cloned().flatten()
}

fn parse(filter: &str) -> Result<EnvFilter, TelemetryError> {
    let unread = |source| TelemetryError::Filter {
        filter: filter.to_owned(),
        source,
    };
    let records = format!("{AUDIT_TARGET}=info").parse().map_err(unread)?;
    Ok(EnvFilter::try_new(filter)
        .map_err(unread)?
        .add_directive(records))
}

fn subscriber(
    format: LogFormat,
    filter: EnvFilter,
    lines: LineQueue,
) -> impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync {
    let logs = tracing_subscriber::fmt::layer().with_writer(lines);
    let logs = match format {
        LogFormat::Human => logs.event_format(HumanLines).boxed(),
        LogFormat::Json => logs
            .json()
            .event_format(JsonLines {
                clock: WallClock::system(),
            })
            .boxed(),
    };
    // One filter of both: of two, each would be asked for every line that the other keeps out.
    tracing_subscriber::registry().with(logs.with_filter(filter.and(all_that(may_log))))
}

/// A filter of lines at any level. Without a level of its own, that of the filter beside it would not keep lines from
/// being looked at.
fn all_that<F: Fn(&Metadata<'_>) -> bool>(is_open: F) -> FilterFn<F> {
    filter_fn(is_open).with_max_level_hint(LevelFilter::TRACE)
}

/// Hands the lines that `filter` lets through to a collector, too.
fn exported<S>(
    logger: &SdkLoggerProvider,
    filter: &str,
) -> Result<impl Layer<S> + Send + Sync + use<S>, TelemetryError>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let bridge = OpenTelemetryTracingBridge::new(logger);
    let is_open =
        |metadata: &Metadata<'_>| may_log(metadata) && !is_about_exports(metadata.target());
    Ok(bridge.with_filter(parse(filter)?.and(all_that(is_open))))
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use tokio::time::Instant;
    use tracing::subscriber::with_default;

    use super::testing::{CapturedLog, logged};
    use super::*;

    #[test]
    fn an_invalid_filter_is_named() {
        let error = init(LogFormat::Json, "groupgate=loudly", &|_| None).unwrap_err();
        assert!(error.to_string().contains("`groupgate=loudly`"), "{error}");
    }

    #[test]
    fn a_request_is_signed_without_a_secret_in_the_most_verbose_log() {
        let secrets = ["AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"];
        let auth = "type = 'aws_sigv4'\nregion = 'us-east-1'\nservice = 'x'\n\
                    access_key = { env = 'KEY' }\nsecret_key = { env = 'SECRET' }";
        let auth = crate::config::resolve::auth_in(auth).unwrap();
        let request = http::Request::get("https://u.example/g?token=in-the-query")
            .header("x-api-key", "in-a-header");
        let mut request = request.body(bytes::Bytes::new()).unwrap();
        let log = logged("trace", || {
            auth.sign(&mut request, None, jiff::Timestamp::UNIX_EPOCH)
                .unwrap();
            tracing::trace!("signed");
        });
        assert!(request.headers().contains_key("authorization"));
        assert!(log.contains("signed"), "{log}");
        for secret in [secrets[0], secrets[1], "in-the-query", "in-a-header"] {
            assert!(!log.contains(secret), "{log}");
        }
    }

    #[test]
    fn libraries_log_no_details_and_our_own_modules_do() {
        let log = logged("trace", || {
            tracing::trace!(target: "aws_sigv4::http_request::sign", "canonical request");
            tracing::debug!(target: "h2", "headers");
            tracing::debug!(target: "groupgate_like", "not ours");
            tracing::info!(target: "hyper_util", "from a library");
            tracing::trace!("our own");
        });
        for hidden in ["canonical request", "headers", "not ours"] {
            assert!(!log.contains(hidden), "{log}");
        }
        for shown in ["from a library", "our own"] {
            assert!(log.contains(shown), "{log}");
        }
        assert_eq!(logged("warn", || tracing::info!("quiet")), "");
    }

    /// Writes nothing until it is released.
    #[derive(Debug)]
    struct Stalled {
        released: Receiver<()>,
        written: CapturedLog,
    }

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Released once and for all when its sender is gone.
            let _ = self.released.recv();
            self.written.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stalled_log_blocks_nobody_and_its_lost_lines_are_counted() {
        let written = CapturedLog::default();
        let (release, released) = channel();
        let stalled = Stalled {
            released,
            written: written.clone(),
        };
        let (lines, writer) = queue(stalled, 4).unwrap();
        let subscriber = subscriber(LogFormat::Json, parse("info").unwrap(), lines.clone());
        let start = Instant::now();
        with_default(subscriber, || {
            for number in 0..100 {
                tracing::info!(number, "request answered");
            }
        });
        assert!(start.elapsed() < Duration::from_secs(5));
        let lost = lines.dropped();
        // Four wait, or are being written.
        assert_eq!(lost, 96);
        drop(release);
        drop(writer);
        assert_eq!(written.text().lines().count(), 100 - lost);
    }
}
