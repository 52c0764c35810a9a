//! The command line, run as a user runs it: the built binary, its output and its exit code.

use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::wait::PATIENCE;

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The command, in the folder of the shipped configuration, under these variables and no others.
pub(crate) fn groupgate(
    arguments: &[&str],
    variables: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>,
) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_groupgate"));
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for (name, value) in variables {
        command.env(name.as_ref(), value.as_ref());
    }
    command
}

/// Runs a command to its end.
pub(crate) async fn run(mut command: Command) -> Outcome {
    let output = timeout(PATIENCE, command.output()).await;
    let output = output.expect("the command ends").expect("the command runs");
    Outcome {
        code: output.status.code().expect("no signal ended it"),
        stdout: String::from_utf8(output.stdout).expect("it writes text"),
        stderr: String::from_utf8(output.stderr).expect("it writes text"),
    }
}

/// What a command writes, line by line.
pub(crate) fn lines<S: AsyncRead>(stream: Option<S>) -> Lines<BufReader<S>> {
    BufReader::new(stream.expect("the stream is piped")).lines()
}

/// Reads lines until one holds `wished`, which must come.
pub(crate) async fn line_with(
    lines: &mut Lines<BufReader<impl AsyncRead + Unpin>>,
    wished: &str,
) -> String {
    let search = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(wished) {
                return line;
            }
        }
        panic!("no line has {wished}");
    };
    timeout(PATIENCE, search).await.expect("the line comes")
}

/// Sends a process the signal by which a supervisor asks it to stop.
pub(crate) async fn terminate(child: &Child) {
    let pid = child.id().expect("it runs").to_string();
    let sent = Command::new("kill").args(["-TERM", &pid]).status().await;
    assert!(sent.unwrap().success());
}

/// Waits until a process has ended.
pub(crate) async fn ended(mut child: Child) -> ExitStatus {
    let ended = timeout(PATIENCE, child.wait()).await;
    ended.expect("it ends").unwrap()
}
