//! The aggregator of `benches/peers/node`, with its packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Server;
use crate::cores::Cores;

/// Where it stands.
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

    pub(crate) fn start<'a>(
        &self,
        cores: &Cores,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Server {
        let mut command = Command::new("node");
        command.arg(self.0.join("server.mjs")).args(arguments);
        Server::announced(cores, &mut command)
    }
}
