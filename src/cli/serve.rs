//! `groupgate serve`: runs the gateway until it is asked to stop.

mod systemd;

use std::path::PathBuf;

use clap::Args;

use crate::app::App;
use crate::clock::WallClock;
use crate::config::Environment;
use crate::reload::{ReloadTrigger, Reloads};
use crate::terminal::{CommandError, ReloadSignal, stop_signal};

use super::load;

const EXAMPLES: &str = "\
Examples:
  groupgate serve
  groupgate serve --config /etc/groupgate/gateway.toml";

/// Run the gateway.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Serve {
    /// The configuration to run with.
    #[arg(long, default_value = "gateway.toml")]
    config: PathBuf,
}

impl Serve {
    pub(super) async fn run(
        self,
        environment: Environment,
        mut hangup: ReloadSignal,
    ) -> Result<(), CommandError> {
        let loaded = load(&self.config, environment)?;
        let adapters = App::compile(&loaded, &WallClock::system())
            .map_err(|report| CommandError::report(&report))?;
        // Before anybody is told that it serves: whoever knows may stop it.
        let stop = stop_signal()?;
        let app = App::start(&loaded, adapters, &WallClock::system())
            .await
            .map_err(CommandError::start)?;
        tracing::info!(
            listen = %app.data_addr(),
            admin = %app.admin_addr(),
            "serving"
        );
        for exposure in loaded.plan.exposures() {
            tracing::warn!(listen = %app.data_addr(), "{exposure}");
        }
        for (upstream, missing) in loaded.plan.never_asked() {
            tracing::warn!(
                source = upstream,
                "it can never be asked: there is {missing}"
            );
        }
        drop(loaded);
        systemd::ready();
        // To the end of the process: stopping may take longer than `WatchdogSec=`.
        tokio::spawn(systemd::watchdog());
        tokio::select! {
            () = stop => {}
            () = reload(app.reloads(), &mut hangup) => {}
        }
        tracing::info!("stopping");
        systemd::stopping();
        app.stop().await;
        Ok(())
    }
}

/// Has the configuration loaded again at each signal.
async fn reload(reloads: &Reloads, hangup: &mut ReloadSignal) {
    while hangup.next().await.is_some() {
        systemd::reloading();
        // What comes of it is in the log.
        if reloads.reload(ReloadTrigger::Signal).await.is_none() {
            tracing::warn!("the configuration cannot be loaded again");
        }
        systemd::ready();
    }
    std::future::pending::<()>().await;
}
