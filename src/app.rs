//! The whole gateway, put together: settings in, listeners out.

use std::net::SocketAddr;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use crate::clock::WallClock;
use crate::config::{KeyPath, Loaded, Problem, Problems, Report, Secret};
use crate::downstream::{Server, StartError};
use crate::gateway::Gateway;
use crate::gateway::cursor::Keys;
use crate::upstream::Adapter;
use crate::upstream::catalog::Catalog;
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

    /// Starts listening, and begins the first walk of every upstream.
    pub async fn start(
        loaded: &Loaded,
        compiled: Compiled,
        wall: &WallClock,
    ) -> Result<Self, StartError> {
        let settings = &loaded.settings;
        let catalog = Arc::new(Catalog::new(compiled.adapters, &settings.cache, wall));
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

    /// Stops accepting, and waits for open requests as long as `server.drain` allows.
    pub async fn stop(self) {
        self.server.shutdown().await;
    }
}
