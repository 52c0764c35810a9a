//! The command as a user runs it, and what it left behind.

use std::fmt::Write as _;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// The longest time that a command may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) said: String,
    pub(crate) complained: String,
}

/// Runs `groupgate probe` in the folder of the shipped configuration, under these variables and no
/// others.
pub(crate) async fn probe(arguments: &[&str], variables: &[(String, String)]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_groupgate"));
    command
        .arg("probe")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .envs(variables.iter().cloned())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await;
    let output = output.expect("the command ends").expect("the command runs");
    Outcome {
        code: output.status.code().expect("no signal ended it"),
        said: String::from_utf8(output.stdout).expect("it writes text"),
        complained: String::from_utf8(output.stderr).expect("it writes text"),
    }
}

/// A text in which what differs from run to run is replaced, durations and `origin`, or left out,
/// the lines that say what time it is.
pub(crate) fn steady(text: &str, origin: &str) -> String {
    let text = text.replace(origin, "http://upstream");
    let is_steady = |line: &&str| !line.contains(" date: ");
    let text: String = text.split_inclusive('\n').filter(is_steady).collect();
    let mut steady = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(" in ") {
        let (before, after) = rest.split_at(at + 4);
        steady.push_str(before);
        let number = after.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
        let unit = number.map(|end| &after[end..]).unwrap_or_default();
        let length = ["ns", "µs", "ms", "s"]
            .iter()
            .find(|word| unit.starts_with(**word));
        match (number, length) {
            (Some(end), Some(word)) if end > 0 => {
                let _ = write!(steady, "‹time›");
                rest = &after[end + word.len()..];
            }
            _ => rest = after,
        }
    }
    steady.push_str(rest);
    steady
}
