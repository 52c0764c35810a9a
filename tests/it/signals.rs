//! How the process stops.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStderr, Command, Stdio};

/// Nothing is asked of the upstream, and the process would take an hour to stop by itself.
const CONFIG: &str = r#"
[server]
listen = "127.0.0.1:0"
admin = "127.0.0.1:0"
shutdown_delay = "1h"

[upstreams.nobody]
base_url = "http://127.0.0.1:9"
request = { path = "/" }
records = "/"
pagination = { style = "none" }
auth = { type = "none" }
fields = { id = "id", name = "name" }
"#;

fn terminate(process: &Child) {
    let id = process.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status();
    assert!(sent.unwrap().success());
}

fn wait_for_log(lines: &mut Lines<BufReader<ChildStderr>>, phrase: &str) {
    let logged = lines.any(|line| line.unwrap().contains(phrase));
    assert!(logged, "the process ended before it logged `{phrase}`");
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gateway.toml");
    fs::write(&config, CONFIG).unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_groupgate"))
        .args(["serve", "--config"])
        .arg(&config)
        .env("RUST_LOG", "info")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    wait_for_log(&mut lines, "serving");
    terminate(&process);
    wait_for_log(&mut lines, "stopping");
    terminate(&process);
    wait_for_log(&mut lines, "stopped before open requests had ended");
    assert_eq!(process.wait().unwrap().code(), Some(1));
}
