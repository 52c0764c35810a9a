//! The gateway, with everything on.

use std::fs;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::Path;
use std::process::Command;

use super::Server;
use crate::bare::{client, get};
use crate::cores::Cores;
use crate::free_port;
use crate::upstreams::Upstream;

/// Settings of a cache that keeps lists for as long as anything is measured.
pub(crate) const HELD: &str = "capacity = '8GiB'\nttl = '1h'\n";

/// Settings of a cache that keeps nothing: each request makes walks.
pub(crate) const NOTHING_KEPT: &str =
    "capacity = '8GiB'\nttl = '0s'\nstale_while_revalidate = '0s'\nmin_refresh = '0s'\n";

/// The binary that cargo built for this benchmark.
pub(crate) const BUILT: &str = env!("CARGO_BIN_EXE_groupgate");

/// A gateway that runs.
pub(crate) struct Gateway {
    server: Server,
    pub(crate) admin: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Gateway {
    /// Starts it, and waits until it has walked all upstreams. `cache` are the settings of its cache.
    pub(crate) async fn start(
        program: &Path,
        cores: &Cores,
        upstreams: &[Upstream],
        cache: &str,
    ) -> Self {
        let (address, admin) = (free_port(), free_port());
        let mut toml = format!(
            "[server]\nlisten = '{address}'\nadmin = '{admin}'\ndeadline = '2m'\n\
             connections = {{ total = 20000, per_client = 20000 }}\n\
             [rate_limit]\nper_client = '1000000/s'\nburst = 1000000\n\
             [cache]\n{cache}"
        );
        for (number, upstream) in upstreams.iter().enumerate() {
            toml.push_str(&upstream.toml(&format!("u{number}")));
        }
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("gateway.toml");
        fs::write(&file, toml).unwrap();
        let mut command = Command::new(program);
        command.args(["serve", "--config"]).arg(file);
        let readyz = format!("http://{admin}/readyz");
        let server = Server::ready(cores, &mut command, address, &readyz).await;
        Self {
            server: server.unwrap(),
            admin,
            _directory: directory,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The tag of what a path is answered with, which is kept from then on.
    pub(crate) async fn tag(&self, path: &str) -> String {
        let (_, headers, _) = get(&client(), &self.url(path), "", "").await.unwrap();
        headers["etag"].to_str().unwrap().to_owned()
    }
}

impl Deref for Gateway {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}
