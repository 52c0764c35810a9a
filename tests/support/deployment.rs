//! The gateway with its shipped configuration, in front of the five emulations.

use std::ops::Deref;
use std::sync::Arc;

use groupgate::tools::demo::{Emulation, Emulations, InjectedFault, Options};

use super::adapters::{GATEWAY, load};
use super::emulations::{emulated_by, emulation};
use super::gateway::Gateway;

/// The five sources, in the order of their names.
pub(crate) const SOURCES: [&str; 5] = [
    "collections",
    "onlivesite",
    "publisher",
    "tallyfy",
    "vinyldns",
];

/// What is started: how many groups, which configuration, under which environment.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    options: Options,
    toml: String,
    variables: Vec<(String, String)>,
}

impl Setup {
    /// The shipped configuration over upstreams of `groups` groups each. Callers and the slowest
    /// upstream may ask as often as tests do.
    pub(crate) fn new(groups: usize) -> Self {
        let setup = Self {
            options: Options {
                groups,
                ..Options::default()
            },
            toml: GATEWAY.to_owned(),
            variables: Vec::new(),
        };
        setup
            .set("SERVER__LISTEN", "127.0.0.1:0")
            .set("SERVER__ADMIN", "127.0.0.1:0")
            .set("RATE_LIMIT__PER_CLIENT", "100000/s")
            .set("RATE_LIMIT__BURST", "100000")
            .set("UPSTREAMS__COLLECTIONS__LIMITS__RATE", "1000/s")
            .set("UPSTREAMS__TALLYFY__LIMITS__RATE", "1000/s")
    }

    /// Sets a key through the environment layer.
    pub(crate) fn set(self, key: &str, value: &str) -> Self {
        self.variable(&format!("GROUPGATE__{key}"), value)
    }

    /// Sets a key of every upstream through the environment layer.
    pub(crate) fn set_each(self, key: &str, value: &str) -> Self {
        SOURCES.iter().fold(self, |setup, source| {
            setup.set(
                &format!("UPSTREAMS__{}__{key}", source.to_uppercase()),
                value,
            )
        })
    }

    /// Sets a variable, such as a secret.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lets an upstream, or `*` for all, misbehave from the start.
    pub(crate) fn fault(mut self, upstream: &str, fault: InjectedFault) -> Self {
        self.options.faults.push((upstream.to_owned(), fault));
        self
    }

    /// Writes something else where the configuration says `from`.
    pub(crate) fn rewrite(mut self, from: &str, to: &str) -> Self {
        assert!(self.toml.contains(from), "nowhere: {from}");
        self.toml = self.toml.replace(from, to);
        self
    }

    /// Writes more at the end of the configuration.
    pub(crate) fn declare(mut self, toml: &str) -> Self {
        self.toml.push_str(toml);
        self
    }

    /// Starts the emulations and the gateway. Its first walks have begun, and not more.
    pub(crate) async fn start(self) -> Deployment {
        let emulations = emulated_by(self.options.clone()).await;
        Deployment::start(self, Arc::new(emulations)).await
    }

    /// Starts the gateway over emulations that run already.
    pub(crate) async fn over(self, emulations: &Arc<Emulations>) -> Deployment {
        Deployment::start(self, Arc::clone(emulations)).await
    }

    /// Starts the emulations and the gateway, and waits until all first walks have ended.
    pub(crate) async fn ready(self) -> Deployment {
        let deployment = self.start().await;
        deployment.ready().await;
        deployment
    }
}

/// A gateway, and the emulations behind it.
#[derive(Debug)]
pub(crate) struct Deployment {
    setup: Setup,
    emulations: Arc<Emulations>,
    gateway: Gateway,
}

impl Deref for Deployment {
    type Target = Gateway;

    fn deref(&self) -> &Gateway {
        &self.gateway
    }
}

impl Deployment {
    async fn start(setup: Setup, emulations: Arc<Emulations>) -> Self {
        let variables = environment(&setup, &emulations);
        let loaded = load(&setup.toml, variables);
        Self {
            setup,
            emulations,
            gateway: Gateway::start(&loaded).await,
        }
    }

    /// Another gateway in front of the same upstreams, with the same configuration.
    pub(crate) async fn replica(&self) -> Self {
        Self::start(self.setup.clone(), Arc::clone(&self.emulations)).await
    }

    /// Puts another configuration in force, over the same upstreams.
    pub(crate) async fn swap(&self, setup: &Setup) {
        let loaded = load(&setup.toml, environment(setup, &self.emulations));
        self.gateway.swap(&loaded).await;
    }

    /// Stops the gateway. The upstreams go on for as long as what comes back is kept.
    pub(crate) async fn stop(self) -> Stopped {
        self.gateway.stop().await;
        Stopped {
            setup: self.setup,
            emulations: self.emulations,
        }
    }

    /// One of the upstreams.
    pub(crate) fn emulation(&self, name: &str) -> &Emulation {
        emulation(&self.emulations, name)
    }

    /// All upstreams.
    pub(crate) fn emulations(&self) -> &Emulations {
        &self.emulations
    }
}

/// What is left of a gateway that was stopped.
#[derive(Debug)]
pub(crate) struct Stopped {
    pub(crate) emulations: Arc<Emulations>,
    setup: Setup,
}

impl Stopped {
    /// The same gateway again.
    pub(crate) async fn start(self) -> Deployment {
        Deployment::start(self.setup, self.emulations).await
    }

    /// The environment that the gateway ran in.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        environment(&self.setup, &self.emulations)
    }
}

fn environment(setup: &Setup, emulations: &Emulations) -> Vec<(String, String)> {
    let variables = emulations.variables().into_iter();
    variables.chain(setup.variables.clone()).collect()
}
