//! The whole gateway, put together: settings in, listeners out.

mod config_files;

mod disk;
pub(crate) use disk::tried_out;

mod file_watch;
mod next_look;
mod reload_report;
mod reloader;
pub use reloader::Pace;
mod start_error;
pub use start_error::StartError;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use crate::catalog::Catalog;
use crate::clock::WallClock;
use crate::config::{Loaded, Report};
use crate::downstream::{self, Listeners, Live};
use crate::metrics::Metrics;
use crate::plan::Plan;
use crate::problem::{KeyPath, Problem, Problems};
use crate::reload::{ConfigurationStanding, KeyDigests, Reloads, WrittenConfiguration};
use crate::telemetry;
use crate::tls::Tls;
use crate::upstream::Adapter;

use reloader::Reloader;

/// How long the folder for lists may take to be prepared while the process serves.
const DISK_PATIENCE: Duration = Duration::from_secs(10);

/// A running gateway.
#[derive(Debug)]
pub struct App {
    live: Live,
    server: Listeners,
    reloads: Reloads,
    /// Loads the configuration again, if it came from a file.
    reloader: Option<AbortOnDrop>,
}

/// A task that ends with what holds it.
#[derive(Debug)]
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A plan, and what it comes to on this machine.
#[derive(Debug)]
pub struct Compiled {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The upstreams, in order of name.
    pub adapters: Vec<Arc<Adapter>>,
}

impl App {
    /// Compiles a configuration, or reports everything that is wrong with it. Nothing is started.
    pub fn compile(loaded: &Loaded, wall: &WallClock) -> Result<Compiled, Report> {
        let tls = Tls::default();
        let mut problems = Problems::default();
        let adapters = loaded.plan.upstreams.iter();
        let adapters = adapters
            .filter_map(|upstream| adapter(loaded, &upstream.name, wall, &tls, &mut problems))
            .map(Arc::new)
            .collect();
        if !problems.is_empty() {
            return Err(loaded.report(problems));
        }
        Ok(Compiled {
            plan: Arc::clone(&loaded.plan),
            adapters,
        })
    }

    /// Reads what is kept on disk, starts listening, and begins the first walk of every upstream. Where
    /// the configuration came from a file, it is loaded again from there when somebody asks or a file
    /// of it changes.
    pub async fn start(
        loaded: &Loaded,
        compiled: Compiled,
        wall: &WallClock,
    ) -> Result<Self, StartError> {
        Self::start_at(loaded, compiled, wall, Pace::default()).await
    }

    /// The same, with how often files are looked at.
    pub async fn start_at(
        loaded: &Loaded,
        compiled: Compiled,
        wall: &WallClock,
        pace: Pace,
    ) -> Result<Self, StartError> {
        let Compiled { plan, adapters } = compiled;
        prepare(loaded)?;
        let metrics = Arc::new(Metrics::new(telemetry::extend_metrics));
        telemetry::send_last(metrics.provider());
        let observers = Arc::clone(&metrics).into();
        let catalog = Catalog::new(adapters, &plan.cache, wall, observers);
        // Before anybody is answered: until its first walk succeeds, it is all that there is.
        catalog.load().await;
        let digests = KeyDigests::of(&written(loaded));
        let (reloads, requests) = Reloads::new(ConfigurationStanding::first(digests, wall.now()));
        let live = Live::new(plan, catalog, Arc::clone(&metrics), reloads.clone());
        downstream::show_state(&live);
        let server = Listeners::start(live.clone()).await?;
        live.load().catalog().start(None);
        let reloader = Reloader::new(loaded, wall, &live, &reloads, pace);
        let reloader = reloader.map(|reloader| tokio::spawn(reloader.run(requests)));
        Ok(Self {
            live,
            server,
            reloads,
            reloader: reloader.map(AbortOnDrop),
        })
    }

    /// Goes on with another plan, or changes nothing and says why that cannot be.
    pub async fn swap(live: &Live, loaded: &Loaded, compiled: Compiled) -> Result<(), StartError> {
        let preparing = {
            let loaded = loaded.clone();
            spawn_blocking(move || prepare(&loaded))
        };
        match timeout(DISK_PATIENCE, preparing).await {
            Ok(prepared) => prepared??,
            Err(_) => return Err(unprepared(loaded, "it does not answer")),
        }
        live.swap(compiled.plan, compiled.adapters).await?;
        Ok(())
    }

    /// Where groups are served.
    pub fn data_addr(&self) -> SocketAddr {
        self.server.data_addr()
    }

    /// Where health and status are served.
    pub fn admin_addr(&self) -> SocketAddr {
        self.server.admin_addr()
    }

    /// How the configuration stands, and the way to have it loaded again.
    pub const fn reloads(&self) -> &Reloads {
        &self.reloads
    }

    /// The plan in force, and what runs by it.
    pub const fn live(&self) -> &Live {
        &self.live
    }

    /// Stops accepting, waits for open requests as long as `server.drain` allows, and ends what
    /// goes on behind them.
    pub async fn stop(self) {
        drop(self.reloader);
        self.server.shutdown().await;
        self.live.close().await;
    }
}

/// What is written, for comparison with another configuration.
pub(crate) fn written(loaded: &Loaded) -> WrittenConfiguration<'_> {
    WrittenConfiguration {
        tree: loaded.tree(),
        upstreams: &loaded.plan.upstreams,
        accounts: loaded.written_accounts(),
    }
}

/// Compiles one upstream of a configuration. What this machine lacks for it becomes a problem, and so
/// does a name that the configuration does not have.
pub fn adapter(
    loaded: &Loaded,
    name: &str,
    wall: &WallClock,
    tls: &Tls,
    problems: &mut Problems,
) -> Option<Adapter> {
    let plan = &loaded.plan;
    let Some(upstream) = plan.upstream(name) else {
        let at = KeyPath::new(["upstreams", name]);
        problems.push(Problem::new(at, format!("there is no upstream `{name}`")));
        return None;
    };
    // One that cannot be read was refused when the plan was made.
    let reader = loaded.secrets();
    let secrets = loaded.secrets_of(name).into_iter();
    let secrets: Vec<_> = secrets
        .filter_map(|secret| reader.read(secret).ok())
        .collect();
    let room = plan.cache.snapshots();
    Adapter::new(upstream, &secrets, room, wall, tls, problems)
}

/// Sees to what is written on disk.
fn prepare(loaded: &Loaded) -> Result<(), StartError> {
    let problems = disk::prepared(&loaded.plan);
    if problems.is_empty() {
        return Ok(());
    }
    Err(StartError::Settings(loaded.report(problems)))
}

fn unprepared(loaded: &Loaded, reason: &str) -> StartError {
    let directory = loaded.plan.cache.directory.as_deref();
    let mut problems = Problems::default();
    problems.push(disk::unwritable_directory(
        directory.unwrap_or(Path::new("")),
        reason,
    ));
    StartError::Settings(loaded.report(problems))
}
