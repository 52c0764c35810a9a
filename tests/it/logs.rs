//! What the process logs when nobody reads it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use serde_json::Value;

const CONFIG: &str = r#"
[server]
listen = "127.0.0.1:0"
admin = "127.0.0.1:0"
shutdown_delay = "0s"

[rate_limit]
per_client = "100000/s"
burst = 100000

[upstreams.nobody]
base_url = "http://127.0.0.1:9"
request = { path = "/" }
records = "/"
pagination = { style = "none" }
auth = { type = "none" }
fields = { id = "id", name = "name" }
"#;

/// The answer to one request on a connection of its own.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn dropped_lines(admin: &str) -> u64 {
    let answer = get(admin, "/status");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let status: Value = serde_json::from_str(body).unwrap();
    status["dropped_log_lines"].as_u64().unwrap()
}

#[test]
fn a_log_that_nobody_reads_holds_up_no_request_and_the_status_counts_its_lost_lines() {
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
    let mut log = BufReader::new(process.stderr.take().unwrap());
    let serving: Value = loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).unwrap() > 0, "it ended");
        let line: Value = serde_json::from_str(&line).unwrap();
        if line["message"] == "serving" {
            break line;
        }
    };
    // From here on nobody reads: the pipe fills, and then the queue.
    let data = serving["listen"].as_str().unwrap();
    let admin = serving["admin"].as_str().unwrap();
    assert_eq!(dropped_lines(admin), 0);
    let path = format!("/nowhere/{}", "a".repeat(500));
    let mut requests = 0;
    while dropped_lines(admin) == 0 {
        for _ in 0..500 {
            let answer = get(data, &path);
            assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        }
        requests += 500;
        assert!(requests <= 10_000, "nothing was dropped");
    }
    let id = process.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status();
    assert!(sent.unwrap().success());
    // It does not wait for the log's reader either.
    assert_eq!(process.wait().unwrap().code(), Some(0));
}
