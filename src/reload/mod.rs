//! Reloads: what is known of the configuration in force, and how to ask for the next one.
//!
//! [`Reloads`] is the handle that triggers share: a signal, a request to the admin listener, a file that
//! has changed. The one task behind it (`app/reloader`) makes one reload at a time; whoever asks while one is
//! under way gets the outcome of the next, together with everybody else who does. The rest is what is
//! said of it, in the log, in `/status` and in answers.

mod changes;
pub use changes::{PlanChanges, UpstreamChanges};

mod digests;
pub use digests::{KeyDigests, UpstreamFate, WrittenConfiguration};

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

/// What asked for a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReloadTrigger {
    /// SIGHUP.
    Signal,
    /// `POST /reload`.
    Request,
    /// A file has changed.
    Files,
}

impl ReloadTrigger {
    /// Its name, as in `/status`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Request => "request",
            Self::Files => "files",
        }
    }
}

/// What became of a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReloadOutcome {
    /// Another plan is in force.
    Applied,
    /// The plan in force is what the files say.
    Unchanged,
    /// The files have errors, and the plan in force stays.
    Failed,
}

impl ReloadOutcome {
    /// Its name, as in `/status`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
        }
    }
}

/// One thing that is wrong with a configuration, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LocatedProblem {
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
    /// The file. Null where no file is what is wrong.
    pub file: Option<String>,
    /// The line, from 1. Null, as the column, where no line of the file is what is wrong.
    pub line: Option<usize>,
    /// The column, from 1.
    pub column: Option<usize>,
}

/// One reload, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReloadReport {
    /// When it ended.
    pub at: Timestamp,
    /// What asked for it.
    pub trigger: ReloadTrigger,
    /// What became of it.
    pub outcome: ReloadOutcome,
    /// The generation in force after it.
    pub generation: u64,
    /// What is different now; null where the configuration has errors.
    pub changes: Option<PlanChanges>,
    /// What is wrong with the configuration.
    pub errors: Vec<LocatedProblem>,
}

/// How the configuration stands.
#[derive(Debug, Clone, Serialize)]
pub struct ConfigurationStanding {
    /// How many plans have been in force: 1 for the one that the process started with.
    pub generation: u64,
    /// When the plan in force was loaded.
    pub loaded_at: Timestamp,
    /// A digest of what the files and the environment say, secrets aside: replicas with the same
    /// configuration have the same.
    pub digest: String,
    /// Keys whose value in the files takes effect only when the process is restarted.
    pub needs_restart: Vec<String>,
    /// The last reload; null before the first.
    pub last_reload: Option<Arc<ReloadReport>>,
    /// What each key says, for comparison.
    #[serde(skip)]
    pub keys: Arc<KeyDigests>,
}

impl ConfigurationStanding {
    /// How a first configuration stands.
    pub fn first(keys: KeyDigests, loaded_at: Timestamp) -> Self {
        Self {
            generation: 1,
            loaded_at,
            digest: keys.whole().to_owned(),
            needs_restart: Vec::new(),
            last_reload: None,
            keys: Arc::new(keys),
        }
    }

    /// The same for whoever compares another configuration with it.
    pub fn running(&self) -> RunningConfiguration {
        RunningConfiguration {
            keys: KeyDigests::clone(&self.keys),
            needs_restart: self.needs_restart.clone(),
        }
    }
}

/// What a process says of its configuration to whoever compares another one with it.
#[derive(Debug, Serialize, Deserialize)]
pub struct RunningConfiguration {
    /// What each key said when it was last loaded.
    #[serde(flatten)]
    pub keys: KeyDigests,
    /// Keys that say something else than the process was started with, and need a restart.
    pub needs_restart: Vec<String>,
}

/// A wish for a reload, and where its outcome is awaited.
#[derive(Debug)]
pub struct ReloadRequest {
    /// What asks.
    pub trigger: ReloadTrigger,
    /// Where the outcome goes.
    pub answer: oneshot::Sender<Arc<ReloadReport>>,
}

/// How the configuration stands, and the way to ask for a reload. Its clones are one.
#[derive(Debug, Clone)]
pub struct Reloads {
    standing: Arc<ArcSwap<ConfigurationStanding>>,
    requests: mpsc::Sender<ReloadRequest>,
}

/// How many wishes may wait. All of them are answered by one reload.
const WAITING: usize = 64;

impl Reloads {
    /// The handle, and the end at which reloads are made. Where that is dropped, there are none.
    pub fn new(standing: ConfigurationStanding) -> (Self, mpsc::Receiver<ReloadRequest>) {
        let (requests, asked) = mpsc::channel(WAITING);
        let standing = Arc::new(ArcSwap::from_pointee(standing));
        (Self { standing, requests }, asked)
    }

    /// Of a process whose configuration is from no file: it is never loaded again.
    pub fn none() -> Self {
        let nothing = KeyDigests::of(&WrittenConfiguration {
            tree: &toml::Value::Table(toml::Table::new()),
            upstreams: &[],
            accounts: BTreeMap::new(),
        });
        Self::new(ConfigurationStanding::first(nothing, Timestamp::UNIX_EPOCH)).0
    }

    /// How the configuration stands.
    pub fn standing(&self) -> Arc<ConfigurationStanding> {
        self.standing.load_full()
    }

    /// Says how the configuration stands from now on.
    pub fn publish(&self, standing: ConfigurationStanding) {
        self.standing.store(Arc::new(standing));
    }

    /// Has the configuration loaded again, and waits for what comes of it. `None` where that is not
    /// possible: it came from no file, or the process is stopping.
    pub async fn reload(&self, trigger: ReloadTrigger) -> Option<Arc<ReloadReport>> {
        let (answer, outcome) = oneshot::channel();
        let request = ReloadRequest { trigger, answer };
        self.requests.send(request).await.ok()?;
        outcome.await.ok()
    }
}
