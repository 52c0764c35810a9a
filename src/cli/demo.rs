//! Arguments of `groupgate demo`.

use clap::Args;

use crate::config::Environment;
use crate::plan::Span;
use crate::terminal::CommandError;
use crate::tools::demo::{InjectedFault, Options, gateway, listing};

/// Start five emulated upstreams on loopback and the gateway in front of them.
#[derive(Debug, Args)]
#[command(after_long_help = format!("Faults:\n{}", listing()))]
pub(super) struct Demo {
    /// Groups per upstream, at most 1000000
    #[arg(long, default_value_t = 200)]
    groups: usize,
    /// Latency of each upstream response, such as 5ms
    #[arg(long, default_value = "5ms")]
    latency: Span,
    /// Inject a fault, as UPSTREAM=FAULT, or *=FAULT wherever it applies; may be repeated
    ///
    /// The faults are listed below.
    #[arg(long, value_name = "UPSTREAM=FAULT", value_parser = InjectedFault::switch)]
    fault: Vec<(String, InjectedFault)>,
}

impl Demo {
    pub(super) async fn run(self, environment: Environment) -> Result<(), CommandError> {
        let options = Options {
            groups: self.groups,
            latency: self.latency.get(),
            faults: self.fault,
            ..Options::default()
        };
        gateway::run(options, environment).await
    }
}
