//! The servers that are measured, each in a process of its own that ends with its value.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use http::StatusCode;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tokio::time::sleep;

use crate::bare::{client, get};
use crate::free_port;
use crate::upstreams::Upstream;

/// Which core is whose.
#[derive(Clone, Copy)]
pub(crate) struct Cores {
    servers: usize,
    client: usize,
}

impl Cores {
    /// One for the servers that are measured, one for the client and the upstreams, which this
    /// process is pinned to.
    pub(crate) fn new() -> Self {
        let allowed = sched_getaffinity(None).unwrap();
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        let servers = cores.next().unwrap();
        let client = cores.next_back().unwrap_or(servers);
        if servers == client {
            println!("only one core: servers and client share it");
        }
        pin(client);
        Self { servers, client }
    }

    /// Starts a server. It inherits the core.
    fn spawn(self, command: &mut Command) -> Child {
        pin(self.servers);
        let process = command.spawn();
        pin(self.client);
        process.unwrap()
    }
}

fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).unwrap();
}

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

    /// This program again, which prints where it listens.
    pub(crate) fn bare(cores: Cores, arguments: &[&str]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut process = cores.spawn(command.args(arguments).stdout(Stdio::piped()));
        let mut line = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let address = line.trim().parse().unwrap();
        Self { process, address }
    }

    /// The shipped binary, with everything on, once it is ready.
    pub(crate) async fn gateway(
        cores: Cores,
        directory: &Path,
        upstreams: &[Upstream],
        settings: &str,
    ) -> Self {
        let (address, admin) = (free_port(), free_port());
        let mut toml = format!(
            "[server]\nlisten = '{address}'\nadmin = '{admin}'\n\
             [rate_limit]\nper_client = '1000000/s'\nburst = 1000000\n{settings}"
        );
        for (number, upstream) in upstreams.iter().enumerate() {
            toml.push_str(&upstream.toml(&format!("u{number}")));
        }
        let file = directory.join(format!("{}.toml", address.port()));
        fs::write(&file, toml).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_groupgate"));
        command.args(["serve", "--config"]).arg(file);
        let process = cores.spawn(command.stderr(Stdio::null()));
        let server = Self { process, address };
        let (client, readyz) = (client(), format!("http://{admin}/readyz"));
        for _ in 0..200 {
            if let Some((StatusCode::OK, ..)) = get(&client, &readyz, "", "").await {
                return server;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("the gateway does not get ready");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The aggregator of `benches/peers/node`, with its packages.
pub(crate) struct Node(PathBuf);

impl Node {
    /// Installs its packages beside this program. `None`: there is no Node, or no registry to get
    /// them from.
    pub(crate) fn install() -> Option<Self> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/node");
        let directory = std::env::current_exe().unwrap().with_file_name("node-peer");
        fs::create_dir_all(&directory).unwrap();
        for file in ["package.json", "package-lock.json", "server.mjs"] {
            fs::copy(source.join(file), directory.join(file)).unwrap();
        }
        let installed = Command::new("npm")
            .args(["ci", "--silent", "--no-audit", "--no-fund", "--prefix"])
            .arg(&directory)
            .status();
        installed
            .is_ok_and(|status| status.success())
            .then_some(Self(directory))
    }

    pub(crate) fn start(&self, cores: Cores, arguments: &[&str]) -> Server {
        let address = free_port();
        let mut command = Command::new("node");
        command
            .arg(self.0.join("server.mjs"))
            .arg(address.port().to_string())
            .args(arguments)
            .stdout(Stdio::piped());
        let mut process = cores.spawn(&mut command);
        let output = process.stdout.take().unwrap();
        BufReader::new(output)
            .read_line(&mut String::new())
            .unwrap();
        Server { process, address }
    }
}
