//! What a command does at a terminal: it prints, it fails with a reason, and it is stopped.

use std::io::{self, IsTerminal, Write};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::StartError;
use crate::config::Report;
use crate::telemetry;

/// What can be done about a configuration that cannot be read.
const NAME_ANOTHER: &str = "name another: `groupgate check FILE`, elsewhere `--config FILE`";

/// Why a command failed, as it is shown: nothing is added to it.
#[derive(Debug)]
pub(crate) struct CommandError(pub(crate) String);

impl<E: std::error::Error> From<E> for CommandError {
    fn from(error: E) -> Self {
        let mut text = format!("error: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(&format!("\n  because: {cause}"));
            source = cause.source();
        }
        Self(text)
    }
}

impl CommandError {
    /// A failure whose text says it all.
    pub(crate) fn new(text: impl std::fmt::Display) -> Self {
        Self(format!("error: {text}"))
    }

    /// Why the gateway could not start.
    pub(crate) fn start(error: StartError) -> Self {
        match error {
            StartError::Settings(report) => Self::report(&report),
            StartError::Listen(error) => error.into(),
            StartError::Defect(error) => error.into(),
        }
    }

    /// The problems of a configuration, in colour where somebody watches.
    pub(crate) fn report(report: &Report) -> Self {
        let report = report.clone().with_help_for_unread(NAME_ANOTHER);
        Self(report.render(io::stderr().is_terminal()))
    }
}

/// Writes to standard output. A reader that went away (`| head`) is no failure.
pub(crate) fn print(text: &str) -> Result<(), CommandError> {
    print_bytes(format!("{}\n", text.trim_end()).as_bytes())
}

/// Writes bytes to standard output as they are.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), CommandError> {
    match io::stdout().write_all(bytes) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// The signal that asks the process to load its configuration again, SIGHUP.
#[derive(Debug)]
pub(crate) struct ReloadSignal(Signal);

impl ReloadSignal {
    /// Listens from now on: the signal no longer ends the process.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::hangup())?))
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Option<()> {
        self.0.recv().await
    }
}

/// Listens from now on for the signal that asks the process to stop, SIGINT or SIGTERM; what comes
/// back waits for it. A second signal ends the process at once, whatever still drains.
pub(crate) fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    // Both stay open between the signals, so that none is lost.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut next = async move || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    Ok(async move {
        next().await;
        tokio::spawn(async move {
            next().await;
            tracing::warn!("stopped before open requests had ended");
            telemetry::flush();
            std::process::exit(1);
        });
    })
}
