//! The command line: one file a command.
//!
//! A command that fails says why on standard error, in a form for people, and exits with 1; clap
//! answers misuse with 2. What a command is for goes to standard output, logs never do.

mod check;
mod demo;
mod infer;
mod presets;
mod schema;
mod serve;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::app::StartError;
use crate::config::{Environment, Loaded, Report};
use crate::telemetry::{self, LogFormat};
use crate::tools::probe;

/// One GET /groups over many group backends.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Demo(demo::Demo),
    Check(check::Check),
    Probe(probe::Probe),
    Infer(infer::Infer),
    Presets(presets::Presets),
    Schema(schema::Schema),
}

/// Why a command failed, as it is shown: nothing is added to it.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

impl<E: std::error::Error> From<E> for Failure {
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

impl Failure {
    /// A failure whose text says it all.
    pub(crate) fn new(text: impl std::fmt::Display) -> Self {
        Self(format!("error: {text}"))
    }

    /// Why the gateway could not start.
    pub(crate) fn start(error: StartError) -> Self {
        match error {
            StartError::Settings(report) => Self::report(&report),
            StartError::Listen(error) => error.into(),
        }
    }

    /// The problems of a configuration, in colour where somebody watches.
    pub(crate) fn report(report: &Report) -> Self {
        Self(report.render(io::stderr().is_terminal()))
    }
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let environment = Environment::from_process();
    let outcome = run(arguments.command, environment);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(text)) => {
            // Nobody is left to tell when standard error is gone.
            let _ = writeln!(io::stderr(), "{}", text.trim_end());
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, environment: Environment) -> Result<(), Failure> {
    to_the_end(async {
        match command {
            Command::Serve(serve) => {
                log(&environment, "info")?;
                serve.run(environment).await
            }
            Command::Demo(demo) => {
                // A demo is one process for its whole life, so its cursors may end with it.
                log(&environment, "warn,groupgate::gateway::cursor=error")?;
                demo.run(environment).await
            }
            Command::Check(check) => check.run(environment),
            Command::Probe(probe) => probe.run(environment).await,
            Command::Infer(infer) => infer.run().await,
            Command::Presets(presets) => presets.run(),
            Command::Schema(schema) => schema.run(),
        }
    })?
}

/// Runs a future to its end, and nothing beyond: what is worth waiting for has been waited for, and
/// a disk that hangs must not keep the process from ending.
fn to_the_end<T>(future: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(outcome)
}

/// Begins to log what `RUST_LOG` asks for, or else this much.
fn log(environment: &Environment, usual: &str) -> Result<(), Failure> {
    let filter = environment.get("RUST_LOG").unwrap_or(usual);
    Ok(telemetry::init(LogFormat::for_stderr(), filter)?)
}

pub(crate) fn load(file: &Path, environment: Environment) -> Result<Loaded, Failure> {
    crate::config::load(file, environment).map_err(|report| Failure::report(&report))
}

/// Writes to standard output. A reader that went away (`| head`) is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{}", text.trim_end()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Listens from now on for the signal that asks the process to stop, SIGINT or SIGTERM; what comes
/// back waits for it. Another one after it ends the process at once, whatever still drains.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
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
            std::process::exit(1);
        });
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_process_ends_though_a_disk_hangs() {
        let (heals, hangs) = channel::<()>();
        let (ends, ended) = channel();
        thread::spawn(move || {
            let outcome = to_the_end(async {
                tokio::task::spawn_blocking(move || hangs.recv());
            });
            ends.send(outcome.is_ok())
        });
        assert_eq!(ended.recv_timeout(Duration::from_secs(30)), Ok(true));
        drop(heals);
    }
}
