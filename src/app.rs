//! The whole gateway, put together: settings in, listeners out.

use std::net::SocketAddr;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::catalog::{self, Catalog};
use crate::clock::WallClock;
use crate::config::{KeyPath, Loaded, Problem, Problems, Report, Secret};
use crate::downstream::{self, Server};
use crate::gateway::Gateway;
use crate::gateway::cursor::Keys;
use crate::upstream::Adapter;
use crate::upstream::tls::Tls;

/// A running gateway.
#[derive(Debug)]
pub struct App {
    catalog: Arc<Catalog>,
    server: Server,
}

/// Everything that a configuration compiles to.
#[derive(Debug)]
pub struct Compiled {
    /// The upstreams, in order of name.
    pub adapters: Vec<Arc<Adapter>>,
    keys: Keys,
    admin_token: Option<SecretString>,
}

/// Why the gateway could not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// An address is taken.
    #[error(transparent)]
    Listen(#[from] downstream::StartError),
    /// The settings ask for what this machine does not give.
    #[error(transparent)]
    Settings(Report),
}

impl App {
    /// Compiles a configuration, or reports everything that is wrong with it. Nothing is started.
    pub fn compile(loaded: &Loaded, wall: &WallClock) -> Result<Compiled, Report> {
        let settings = &loaded.settings;
        let secrets = loaded.secrets();
        let mut problems = Problems::default();
        let tls = Tls::default();
        let adapters = settings
            .upstreams
            .iter()
            .filter_map(|(name, upstream)| {
                Adapter::compile(
                    name,
                    upstream,
                    &settings.cache,
                    &secrets,
                    wall,
                    &tls,
                    &mut problems,
                )
            })
            .map(Arc::new)
            .collect();
        let mut read = |secret: &Secret, at: KeyPath| {
            let secret = secrets.read(secret);
            problems.keep(secret.map_err(|error| Problem::new(at, error.to_string())))
        };
        let keys = settings
            .cursor
            .keys
            .iter()
            .enumerate()
            .filter_map(|(index, secret)| {
                read(
                    secret,
                    KeyPath::new(["cursor", "keys"]).join(index.to_string()),
                )
            })
            .map(|key| key.expose_secret().as_bytes().to_vec().into())
            .collect();
        let admin_token = settings
            .server
            .admin_token
            .as_ref()
            .and_then(|secret| read(secret, KeyPath::new(["server", "admin_token"])));
        if !problems.is_empty() {
            return Err(loaded.report(problems));
        }
        Ok(Compiled {
            adapters,
            keys: Keys::new(keys),
            admin_token,
        })
    }

    /// Reads what is kept on disk, starts listening, and begins the first walk of every upstream.
    pub async fn start(
        loaded: &Loaded,
        compiled: Compiled,
        wall: &WallClock,
    ) -> Result<Self, StartError> {
        let settings = &loaded.settings;
        prepare_directory(loaded)?;
        let catalog = Arc::new(Catalog::new(compiled.adapters, &settings.cache, wall));
        // Before anybody is answered: until its first walk succeeds, it is all that there is.
        catalog.restore().await;
        let gateway = Gateway::new(Arc::clone(&catalog), settings, compiled.keys);
        let server = Server::start(settings, compiled.admin_token, gateway).await?;
        catalog.warm();
        Ok(Self { catalog, server })
    }

    /// Where groups are served.
    pub fn data_addr(&self) -> SocketAddr {
        self.server.data_addr()
    }

    /// Where health and status are served.
    pub fn admin_addr(&self) -> SocketAddr {
        self.server.admin_addr()
    }

    /// The snapshots.
    pub const fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Stops accepting, waits for open requests as long as `server.drain` allows, and ends what
    /// goes on behind them.
    pub async fn stop(self) {
        self.server.shutdown().await;
        self.catalog.close().await;
    }
}

/// Sees to the folder that snapshots are kept in. Only where they will be: `check` writes nothing.
fn prepare_directory(loaded: &Loaded) -> Result<(), StartError> {
    let Some(directory) = &loaded.settings.cache.directory else {
        return Ok(());
    };
    catalog::prepare(directory).map_err(|error| {
        let mut problems = Problems::default();
        problems.push(
            Problem::new(
                KeyPath::new(["cache", "directory"]),
                format!("`{}` cannot be written to: {error}", directory.display()),
            )
            .with_help(
                "name a folder that the gateway's user may write to, or leave `directory` out to \
                 keep nothing on disk",
            ),
        );
        StartError::Settings(loaded.report(problems))
    })
}
