//! The gateway as a process of its own: what it takes can be counted.

use std::fs;
use std::net::SocketAddr;

use http::Method;
use serde_json::Value;
use tokio::process::Child;

use super::client::ask;
use super::command::{groupgate, line_with, lines};

/// The process, and where it listens.
pub(crate) struct Process {
    child: Child,
    pub(crate) data: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl Process {
    /// Starts it with the text of a file.
    pub(crate) async fn start(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gateway.toml");
        fs::write(&file, config).unwrap();
        let arguments = ["serve", "--config", file.to_str().unwrap()];
        let mut child = groupgate(&arguments, [("RUST_LOG", "info")])
            .spawn()
            .unwrap();
        let mut log = lines(child.stderr.take());
        let line = line_with(&mut log, "serving").await;
        // Nobody waits for the rest of it.
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        let mut addresses = line
            .split(|character: char| !(character.is_ascii_digit() || ".:".contains(character)))
            .filter_map(|word| word.parse::<SocketAddr>().ok());
        Self {
            data: addresses.next().expect("the data listener"),
            admin: addresses.next().expect("the admin listener"),
            child,
        }
    }

    fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// A line of the process's status, in MiB.
    pub(crate) fn memory(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let line = line.unwrap().trim().trim_end_matches("kB").trim();
        line.parse::<u64>().unwrap() / 1024
    }

    /// Forgets how much memory it took (proc(5)).
    pub(crate) fn forget_peak(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.id()), "5").unwrap();
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        let open = fs::read_dir(format!("/proc/{}/fd", self.id()));
        open.unwrap().count()
    }

    /// How it stands.
    pub(crate) async fn status(&self) -> Value {
        let url = format!("http://{}/status", self.admin);
        ask(Method::GET, &url, &[]).await.json()
    }
}
