//! Varnish, which keeps what it gets from a server behind it. It needs a C compiler.

use super::Server;
use super::packages::Program;
use crate::cores::Cores;
use crate::free_port;

/// Where it stands.
pub(crate) struct Varnish(Program);

/// A Varnish that runs.
pub(crate) struct VarnishServer {
    pub(crate) server: Server,
    _directory: tempfile::TempDir,
}

impl Varnish {
    pub(crate) fn find() -> Option<Self> {
        Program::find("varnishd", &["varnish", "libvarnishapi3", "libjemalloc2"]).map(Self)
    }

    /// Stands in front of a server, from which it keeps `path`.
    pub(crate) async fn start(
        &self,
        cores: &Cores,
        behind: &Server,
        path: &str,
    ) -> Option<VarnishServer> {
        let address = free_port();
        let directory = tempfile::tempdir().unwrap();
        let mut command = self.0.command();
        command
            .args(["-F", "-j", "none", "-t", "86400"])
            .args([
                "-a",
                &address.to_string(),
                "-b",
                &behind.address.to_string(),
            ])
            .arg("-n")
            .arg(directory.path());
        let url = format!("http://{address}{path}");
        let server = Server::ready(cores, &mut command, address, &url).await?;
        Some(VarnishServer {
            server,
            _directory: directory,
        })
    }
}
