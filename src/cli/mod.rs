//! The command line: one file a command.
//!
//! A command that fails says why on standard error, in a form for people, and exits with 1; clap
//! answers misuse with 2. What a command is for goes to standard output, logs never do.
//!
//! What stands below the options in `--help` is written in sections, a heading with a colon and indented
//! lines, which the manual pages take over.

mod check;
mod completions;
#[cfg(feature = "demo")]
mod demo;
mod hash_key;
#[cfg(feature = "infer")]
mod infer;
mod man;
mod presets;
#[cfg(feature = "probe")]
mod probe;
mod schema;
mod serve;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{Parser, Subcommand};

use crate::config::{Environment, Loaded};
use crate::telemetry::{self, LogFormat};
use crate::terminal::{CommandError, ReloadSignal};

/// The commands that a build may lack: each is a cargo feature of its own name.
const OPTIONAL: [&str; 3] = ["probe", "infer", "demo"];

/// What the process ends with.
const EXIT_STATUS: &str = "\
Exit status:
  0  The command did what it is for, or `serve` and `demo` were stopped by SIGINT or SIGTERM.
  1  It failed and says why on standard error: a configuration with problems, a list that cannot
     be walked, a port that is taken, or a second signal before open requests had ended.
  2  The command line is wrong.";

const EXAMPLES: &str = "\
Examples:
  groupgate demo
  groupgate infer --url https://api.example.com/v1/teams --header 'Authorization: Bearer TOKEN'
  groupgate check gateway.toml
  groupgate serve --config gateway.toml";

/// One GET /groups over many group backends.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100, after_long_help = format!("{EXAMPLES}\n\n{EXIT_STATUS}"))]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    #[cfg(feature = "demo")]
    Demo(demo::Demo),
    Check(check::Check),
    #[cfg(feature = "probe")]
    Probe(probe::Probe),
    #[cfg(feature = "infer")]
    Infer(infer::Infer),
    HashKey(hash_key::HashKey),
    Presets(presets::Presets),
    Schema(schema::Schema),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| {
        if let Some(sentence) = built_out(&error) {
            // Nobody is left to tell when standard error is gone.
            let _ = writeln!(io::stderr(), "error: {sentence}");
            std::process::exit(2);
        }
        error.exit()
    });
    let environment = Environment::from_process();
    let outcome = run(arguments.command, environment);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(CommandError(text)) => {
            // Nobody is left to tell when standard error is gone.
            let _ = writeln!(io::stderr(), "{}", text.trim_end());
            ExitCode::FAILURE
        }
    }
}

/// What to say of a command that other builds have.
fn built_out(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    OPTIONAL.contains(&name.as_str()).then(|| {
        format!("this groupgate was built without `{name}`: build it with `--features {name}`")
    })
}

fn run(command: Command, environment: Environment) -> Result<(), CommandError> {
    to_the_end(async {
        match command {
            Command::Serve(serve) => {
                // Before anything else: a process that takes no notice of SIGHUP is ended by it.
                let hangup = ReloadSignal::listen()?;
                let _guard = log(&environment, "info")?;
                serve.run(environment, hangup).await
            }
            #[cfg(feature = "demo")]
            Command::Demo(demo) => {
                // A demo is one process for its whole life, so its cursors may end with it.
                let _guard = log(&environment, "warn,groupgate::gateway::cursor=error")?;
                demo.run(environment).await
            }
            Command::Check(check) => check.run(environment).await,
            #[cfg(feature = "probe")]
            Command::Probe(probe) => {
                // What serving would warn of, but for what it shows itself.
                let _guard = log(&environment, "warn,groupgate::upstream::auth::token=error")?;
                probe.run(environment).await
            }
            #[cfg(feature = "infer")]
            Command::Infer(infer) => infer.run().await,
            Command::HashKey(hash_key) => hash_key.run(),
            Command::Presets(presets) => presets.run(),
            Command::Schema(schema) => schema.run(),
            Command::Completions(completions) => completions.run(),
            Command::Man(man) => man.run(),
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

/// Starts logging with the filter in `RUST_LOG`, or the default. The log lasts as long as the guard.
fn log(environment: &Environment, default: &str) -> Result<telemetry::Guard, CommandError> {
    let filter = environment.get("RUST_LOG").unwrap_or(default);
    let variable = |name: &str| environment.get(name).map(str::to_owned);
    Ok(telemetry::init(LogFormat::for_stderr(), filter, &variable)?)
}

fn load(file: &Path, environment: Environment) -> Result<Loaded, CommandError> {
    crate::config::load(file, environment).map_err(|report| CommandError::report(&report))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use clap::CommandFactory;

    use super::*;

    /// The words of a command line as a shell reads them, up to where its output goes.
    fn words(line: &str) -> Vec<String> {
        let quoted = line.split('\'').enumerate();
        let words = quoted.flat_map(|(index, part)| match index % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        });
        words
            .take_while(|word| !matches!(word.as_str(), "<" | ">" | "|"))
            .collect()
    }

    #[test]
    fn every_command_has_examples_and_each_of_them_is_a_command_line() {
        let command = Arguments::command();
        for command in std::iter::once(&command).chain(command.get_subcommands()) {
            let help = command.get_after_long_help().map(ToString::to_string);
            let help = help.unwrap_or_default();
            let examples: Vec<_> = (help.lines())
                .filter_map(|line| line.strip_prefix("  groupgate "))
                .collect();
            assert!(!examples.is_empty(), "{} has none", command.get_name());
            for example in examples {
                let line = words(&format!("groupgate {example}"));
                if let Err(error) = Arguments::try_parse_from(line) {
                    panic!("{example}\n{error}");
                }
            }
        }
    }

    #[test]
    fn a_command_that_was_built_out_is_named_and_a_misspelt_one_is_not() {
        let said = |name: &str| {
            let command = clap::Command::new("groupgate").subcommand(clap::Command::new("serve"));
            let error = command.try_get_matches_from(["groupgate", name, "--json"]);
            built_out(&error.unwrap_err())
        };
        for name in OPTIONAL {
            let expected = format!(
                "this groupgate was built without `{name}`: build it with `--features {name}`"
            );
            assert_eq!(said(name), Some(expected));
        }
        assert_eq!(said("sreve"), None);
    }

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
