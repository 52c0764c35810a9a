//! Logs and traces.
//!
//! Every request runs in a span with a real trace id, continued from the caller's `traceparent` if
//! there is one. Logs go to standard error, for standard output belongs to commands. A log line is
//! written by a thread of its own, in batches: no request waits for a slow reader of the log. Lines that do not
//! fit the queue are dropped and counted. Nothing is exported yet: the tracer makes ids, and drops
//! the spans.

mod batches;
mod json_lines;

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::clock::WallClock;

use batches::Batches;
use json_lines::JsonLines;

/// How many lines wait for the log's reader before further ones are dropped.
const QUEUED_LINES: usize = 4096;

/// The writer's thread, until it has been flushed.
static WORKER: Mutex<Option<WorkerGuard>> = Mutex::new(None);

/// Counts the lines that did not fit the queue.
static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

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
        if std::io::stderr().is_terminal() {
            Self::Human
        } else {
            Self::Json
        }
    }
}

/// Why logging could not start.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The filter is invalid.
    #[error("invalid log filter `{filter}`: write it as in `info,groupgate=debug`")]
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

/// Flushes the log when it is dropped. Nothing is logged after that.
#[must_use = "dropping it ends the log"]
#[derive(Debug)]
pub struct Guard(());

impl Drop for Guard {
    fn drop(&mut self) {
        flush();
    }
}

/// Starts logging to standard error what `filter` lets through, in the syntax of [`EnvFilter`], and
/// making trace ids. Once per process.
pub fn init(format: LogFormat, filter: &str) -> Result<Guard, TelemetryError> {
    init_to(Batches::new(std::io::stderr()), format, filter)
}

/// The same for a log that goes elsewhere.
pub fn init_to(
    log: impl Write + Send + 'static,
    format: LogFormat,
    filter: &str,
) -> Result<Guard, TelemetryError> {
    let filter = parse(filter)?;
    let (writer, worker) = queue(log, QUEUED_LINES);
    let dropped = writer.error_counter();
    subscriber(format, filter, writer).try_init()?;
    // The subscriber can be installed only once, so neither is set yet.
    let _ = DROPPED.set(dropped);
    *WORKER.lock().unwrap_or_else(PoisonError::into_inner) = Some(worker);
    Ok(Guard(()))
}

/// Writes all queued log lines, for at most about a second, and ends the log.
pub fn flush() {
    let worker = WORKER.lock().unwrap_or_else(PoisonError::into_inner).take();
    // Its drop waits for the writer.
    drop(worker);
}

/// How many log lines were dropped because their reader was too slow.
pub fn dropped_lines() -> usize {
    DROPPED.get().map_or(0, ErrorCounter::dropped_lines)
}

fn parse(filter: &str) -> Result<EnvFilter, TelemetryError> {
    EnvFilter::try_new(filter).map_err(|source| TelemetryError::Filter {
        filter: filter.to_owned(),
        source,
    })
}

/// A writer whose lines are written by another thread. If `lines` of them wait, more are dropped.
fn queue(writer: impl Write + Send + 'static, lines: usize) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(lines)
        .thread_name("log")
        .finish(writer)
}

fn subscriber(
    format: LogFormat,
    filter: EnvFilter,
    writer: NonBlocking,
) -> impl Subscriber + Send + Sync {
    let logs = tracing_subscriber::fmt::layer().with_writer(writer);
    let logs = match format {
        LogFormat::Human => logs.boxed(),
        LogFormat::Json => logs
            .json()
            .event_format(JsonLines {
                clock: WallClock::system(),
            })
            .boxed(),
    };
    let tracer = SdkTracerProvider::builder().build().tracer("groupgate");
    // The filter applies to the logs only: a quiet log must not end a caller's trace.
    let spans = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_filter(LevelFilter::INFO);
    tracing_subscriber::registry()
        .with(spans)
        .with(logs.with_filter(filter).with_filter(filter_fn(may_log)))
}

/// Whether a line may be logged at all. Libraries that sign, encrypt and send requests log secrets
/// at their finer levels, so these are open to our own modules only, whatever the filter says.
fn may_log(metadata: &Metadata<'_>) -> bool {
    let module = metadata.target().split("::").next();
    *metadata.level() <= Level::INFO || module == Some(env!("CARGO_CRATE_NAME"))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use tokio::time::Instant;
    use tracing::subscriber::with_default;

    use super::*;

    #[test]
    fn an_invalid_filter_is_named() {
        let error = init(LogFormat::Json, "groupgate=loudly").unwrap_err();
        assert!(error.to_string().contains("`groupgate=loudly`"), "{error}");
    }

    /// Keeps what is written.
    #[derive(Debug, Clone, Default)]
    struct CapturedLog(Arc<Mutex<Vec<u8>>>);

    impl Write for CapturedLog {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl CapturedLog {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    /// What is logged under `filter` while `work` runs.
    fn logged(filter: &str, work: impl FnOnce()) -> String {
        let written = CapturedLog::default();
        let (writer, worker) = queue(written.clone(), 1000);
        let subscriber = subscriber(LogFormat::Json, parse(filter).unwrap(), writer);
        with_default(subscriber, work);
        drop(worker);
        written.text()
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
        let (writer, worker) = queue(stalled, 4);
        let dropped = writer.error_counter();
        let subscriber = subscriber(LogFormat::Json, parse("info").unwrap(), writer);
        let start = Instant::now();
        with_default(subscriber, || {
            for number in 0..100 {
                tracing::info!(number, "request answered");
            }
        });
        assert!(start.elapsed() < Duration::from_secs(5));
        let lost = dropped.dropped_lines();
        // Four wait, and one is being written.
        assert!((95..=96).contains(&lost), "{lost}");
        drop(release);
        drop(worker);
        assert_eq!(written.text().lines().count(), 100 - lost);
    }
}
