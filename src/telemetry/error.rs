//! Why logging or exporting could not start.

use std::io;

use opentelemetry_otlp::ExporterBuildError;
use thiserror::Error;

use crate::tls::TlsSetupError;

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
    /// A variable says something that is not understood.
    #[error("`{name}`: {problem}")]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Nothing can be exported.
    #[error("telemetry cannot be exported")]
    Exporter(#[from] ExporterBuildError),
    /// The system has no certificates to verify a collector with.
    #[error("telemetry cannot be exported over TLS")]
    Tls(#[from] TlsSetupError),
    /// There is no thread for the log.
    #[error("cannot start the thread that writes the log")]
    Thread(#[from] io::Error),
    /// Another subscriber was installed before.
    #[error("logging was set up twice")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}
