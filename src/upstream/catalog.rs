//! The catalog: the snapshots, and the machinery that keeps them fresh.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;

use super::{Snapshot, UpstreamError};

/// On whose behalf an upstream is asked. Part of every catalog key, so that forgetting it does not
/// compile.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The gateway's own account: every caller sees what it sees.
    Shared,
    /// One caller's own account, by the digest of the credentials that came with the request.
    Caller([u8; 32]),
}

/// What a request accepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Demand {
    /// Whatever the cache rules allow.
    #[default]
    Cached,
    /// A walk begun after the request came (`Cache-Control: no-cache`).
    Revalidate,
}

/// How a source stands in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Within its time to live.
    Fresh,
    /// Past its time to live, served while it is refreshed or because the refresh failed.
    Stale,
    /// Its first walk is still running.
    Pending,
    /// It has nothing to serve.
    Failed,
}

impl State {
    /// The stable word that clients match on.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Pending => "pending",
            Self::Failed => "failed",
        }
    }
}

/// How the catalog came by what it holds, for `Cache-Status` (RFC 9211).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lookup {
    /// Why the upstream was asked, if this caller had to wait for it: `miss`, `stale` or
    /// `request`. `None` is a hit.
    pub forwarded: Option<&'static str>,
    /// Whether the caller joined a walk that another had begun.
    pub collapsed: bool,
    /// What else there is to say, such as `min_refresh`.
    pub detail: Option<&'static str>,
}

/// What the catalog holds of one upstream for one caller: rows and outcome travel together.
#[derive(Debug, Clone)]
pub struct Held {
    /// The upstream.
    pub source: Arc<str>,
    /// Whether no answer may be given without it.
    pub required: bool,
    /// How it stands. `Fresh` and `Stale` come with a snapshot, the others without.
    pub state: State,
    /// Its groups.
    pub snapshot: Option<Arc<Snapshot>>,
    /// When the snapshot's walk began.
    pub as_of: Option<Timestamp>,
    /// How much longer the snapshot is fresh; zero unless `state` is `Fresh`.
    pub fresh_for: Duration,
    /// Why the last walk failed, while that still matters.
    pub error: Option<Arc<UpstreamError>>,
    /// What the walk counted besides groups.
    pub counts: Counts,
    /// How the catalog came by it.
    pub lookup: Lookup,
}

/// What a walk counted besides groups. All zero is a clean walk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// Records skipped because they have no id or no name, or an id that is too long.
    pub skipped: u64,
    /// Records left out because their id had come before.
    pub repeated: u64,
    /// Times that could not be read; they are null and kept under `attributes`.
    pub unread_times: u64,
    /// Whether the list changed while it was walked, also on the second try.
    pub drifted: bool,
}

/// One upstream as the layers above know it.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name.
    pub name: Arc<str>,
    /// Whether no answer may be given without it.
    pub required: bool,
}

/// The snapshots of every upstream and credential scope.
#[derive(Debug)]
pub struct Catalog {
    sources: Vec<Source>,
}

impl Catalog {
    /// Every upstream, in order of name.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// What one upstream holds for `scope`, refreshed as `demand` and the cache rules say, waiting
    /// until `deadline` at the latest. Giving up never cancels a walk. `None`: no such upstream.
    pub async fn get(
        &self,
        _source: &str,
        _scope: &Scope,
        _demand: Demand,
        _deadline: Instant,
    ) -> Option<Held> {
        None
    }

    /// What one upstream holds for `scope` right now: it neither waits nor asks the upstream.
    pub async fn peek(&self, _source: &str, _scope: &Scope) -> Option<Held> {
        None
    }
}
