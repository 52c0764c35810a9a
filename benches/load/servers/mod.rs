//! The servers that are measured, each in a process of its own that ends with its value.

mod gateway;
mod nginx;
mod node;
mod packages;
mod varnish;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use http::StatusCode;
use tokio::time::sleep;

use crate::bare::{client, get};
use crate::cores::{Cores, pin};

pub(crate) use gateway::{BUILT, Gateway, HELD, NOTHING_KEPT};
pub(crate) use nginx::Nginx;
pub(crate) use node::Node;
pub(crate) use varnish::Varnish;

/// One server.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// The process that is measured.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Bytes of memory, by the name that Linux has for them.
    pub(crate) fn memory(&self, name: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
        1024.0 * kilobytes.unwrap().parse::<f64>().unwrap()
    }

    /// This program again, in another role.
    pub(crate) fn bare(cores: &Cores, arguments: &[&str]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        Self::announced(cores, command.args(arguments))
    }

    /// A program that prints where it listens.
    fn announced(cores: &Cores, command: &mut Command) -> Self {
        let mut process = spawn(cores, command.stdout(Stdio::piped()));
        let mut line = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let address = line.trim().parse().unwrap();
        Self { process, address }
    }

    /// A program, once it answers this with 200. `None`: it does not.
    async fn ready(
        cores: &Cores,
        command: &mut Command,
        address: SocketAddr,
        url: &str,
    ) -> Option<Self> {
        let process = spawn(cores, command.stdout(Stdio::null()).stderr(Stdio::null()));
        let mut server = Self { process, address };
        let client = client();
        for _ in 0..1200 {
            if let Some((StatusCode::OK, ..)) = get(&client, url, "", "").await {
                return Some(server);
            }
            if server.process.try_wait().unwrap().is_some() {
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
        None
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a program. It inherits the cores.
fn spawn(cores: &Cores, command: &mut Command) -> Child {
    pin(&cores.servers);
    let process = command.spawn();
    pin(&[cores.load]);
    process.unwrap()
}
