//! The catalog: the snapshots, and the machinery that keeps them fresh.
//!
//! ```text
//! get ▸ entry (fresh? stale? wait?) ▸ one walk at a time ▸ guard ▸ shelf (bounded memory) ▸ disk
//! ```
//!
//! What is kept is whole snapshots, per upstream and credential scope; every query over them is
//! answered from memory. Where an upstream is asked by query, what the queries brought is kept beside
//! them (`queries.rs`). A walk is a task of its own: callers wait for it, none of them owns it.

mod age;
mod disk;
mod entry;
mod guard;
mod queries;
mod refresh;
mod rest;
mod run;
mod shelf;
mod tasks;

pub use guard::HeldBack;
pub use run::Walking;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::clock::WallClock;
use crate::config::Cache;

use super::adapter::{Adapter, AdapterDigest};
use super::pushdown::{Conditions, Pushed};
use super::transport::Circuit;
use super::walk::{Progress, Walked, walk};
use super::{Snapshot, UpstreamError};

use disk::Disk;
use entry::{Brought, Entry, Fetch, Place, Terms};
use queries::Queries;
use shelf::Shelf;
use tasks::Tasks;

/// The part of `cache.capacity` that shared snapshots may take.
const SHARED_SHARE: f64 = 0.5;

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
    /// A walk begun after the request came (`Cache-Control: no-cache`), unless the upstream rests
    /// after a failure.
    Revalidate,
    /// A walk begun after the request came, of a resting upstream too: an operator asks, who may
    /// have mended what failed.
    Insist,
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
    /// What else there is to say: `min_refresh`, `deadline`, `failed` or `held_back`.
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
    /// Whether another replica may hold more or fewer groups for the same query: the whole list, or
    /// what the upstream found. Those that match are the same in each.
    pub by_query: bool,
    /// When the snapshot's walk began.
    pub as_of: Option<Timestamp>,
    /// How much longer the snapshot is fresh; zero unless `state` is `Fresh`.
    pub fresh_for: Duration,
    /// Why the last walk failed, while that still matters.
    pub error: Option<Arc<UpstreamError>>,
    /// A much shorter list that was read since, and waits for another walk to confirm it.
    pub held_back: Option<HeldBack>,
    /// Whether a walk of this process has ended, well or badly.
    pub walked: bool,
    /// What the walk counted besides groups.
    pub counts: Counts,
    /// How the catalog came by it.
    pub lookup: Lookup,
}

/// What a walk counted besides groups. All zero is a clean walk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// Which snapshot: every part of the key is a value of its own, never joined text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    upstream: Arc<str>,
    adapter: AdapterDigest,
    scope: Scope,
    /// The filters that the upstream was asked with; none for the whole list.
    pushed: Pushed,
}

/// The snapshots of every upstream and credential scope.
#[derive(Debug)]
pub struct Catalog {
    sources: Vec<Source>,
    shared: BTreeMap<Arc<str>, Arc<Entry>>,
    /// What upstreams brought that are asked by query.
    queries: BTreeMap<Arc<str>, Queries>,
    adapters: Vec<Arc<Adapter>>,
    place: Arc<Place>,
}

impl Catalog {
    /// A catalog of these upstreams, with nothing in it yet. Must be called within a tokio runtime.
    pub fn new(adapters: Vec<Arc<Adapter>>, cache: &Cache, wall: &WallClock) -> Self {
        let keys: Vec<_> = adapters
            .iter()
            .map(|adapter| Key::shared(adapter))
            .collect();
        let most = shared_capacity(cache);
        let directory = cache.directory.as_deref();
        let place = Arc::new(Place {
            disk: directory.map(|directory| Disk::open(directory, &keys, most, wall)),
            shelf: Shelf::reserved(shared_capacity(cache)),
            wall: wall.clone(),
            tasks: Arc::new(Tasks::new()),
        });
        let by_query = adapters.iter().filter(|adapter| adapter.rules().is_some());
        // Each has a part of its own, so that no flood of queries to one flushes another's.
        let room = cache.shares().queries / (by_query.count() as u64).max(1);
        let mut queries = BTreeMap::new();
        let shared: BTreeMap<_, _> = adapters
            .iter()
            .cloned()
            .map(|adapter| {
                let key = Key::shared(&adapter);
                let name = Arc::clone(adapter.name());
                let terms = Terms {
                    freshness: adapter.freshness(),
                    required: adapter.required(),
                    refresh: adapter.refresh(),
                    persistent: true,
                    shrink_guard: adapter.shrink_guard(),
                };
                let beside = adapter.rules().map(|_| Arc::new(place.beside(room)));
                let (walked, asked) = (Arc::clone(&adapter), beside.clone());
                let fetch: Fetch = Box::new(move |progress| {
                    Box::pin(queries::bring_whole(
                        Arc::clone(&walked),
                        asked.clone(),
                        progress,
                    ))
                });
                let entry = Arc::new(Entry::new(key, terms, fetch, Arc::clone(&place)));
                if let Some(beside) = beside {
                    let whole = Arc::clone(&entry);
                    queries.insert(Arc::clone(&name), Queries::new(adapter, whole, beside));
                }
                (name, entry)
            })
            .collect();
        let sources = shared
            .iter()
            .map(|(name, entry)| Source {
                name: Arc::clone(name),
                required: entry.required(),
            })
            .collect();
        Self {
            sources,
            shared,
            queries,
            adapters,
            place,
        }
    }

    /// Reads what is kept on disk, to be served until the first walks succeed. What cannot be read
    /// is logged and left alone.
    pub async fn restore(&self) {
        join_all(self.shared.values().map(|entry| entry.restore())).await;
    }

    /// Begins the first walk of every upstream that is asked with the gateway's own account, so
    /// that the first caller does not pay for it. Where an upstream is asked by query, its whole
    /// list is what nobody may ever need. From then on walks also begin that nobody asks for, as
    /// `refresh` and `shrink_guard` say.
    pub fn warm(&self) {
        for (name, entry) in &self.shared {
            if !self.queries.contains_key(name) {
                entry.warm();
            }
            self.place.tasks.spawn(refresh::keep(Arc::clone(entry)));
        }
    }

    /// Ends every walk and begins none from now on, and waits until what is to be kept on disk is
    /// there.
    pub async fn close(&self) {
        self.place.tasks.close();
        if let Some(disk) = &self.place.disk {
            disk.close().await;
        }
    }

    /// Every upstream, in order of name.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// What one upstream holds for `scope`, refreshed as `demand` and the cache rules say, waiting
    /// until `deadline` at the latest. Giving up never cancels a walk. `None`: no such upstream.
    pub async fn get(
        &self,
        source: &str,
        scope: &Scope,
        demand: Demand,
        deadline: Instant,
    ) -> Option<Held> {
        Some(self.entry(source, scope)?.get(demand, deadline).await)
    }

    /// Like [`Catalog::get`], where only groups that meet `conditions` are needed. What comes holds
    /// all of these, and may hold more.
    pub async fn find(
        &self,
        source: &str,
        scope: &Scope,
        conditions: &Conditions<'_>,
        demand: Demand,
        deadline: Instant,
    ) -> Option<Held> {
        let whole = self.entry(source, scope)?;
        let Some(queries) = self.queries.get(source) else {
            return Some(whole.get(demand, deadline).await);
        };
        Some(queries.find(conditions, demand, deadline).await)
    }

    /// What one upstream holds for `scope` right now: it neither waits nor asks the upstream. Of one
    /// that is asked by query that is what the last query brought, until its whole list was asked
    /// for.
    pub fn peek(&self, source: &str, scope: &Scope) -> Option<Held> {
        let whole = self.entry(source, scope)?;
        Some(match self.queries.get(source) {
            Some(queries) => queries.peek(),
            None => whole.peek(),
        })
    }

    /// How one upstream's breaker stands, if it has one.
    pub fn circuit(&self, source: &str) -> Option<Circuit> {
        let mut adapters = self.adapters.iter();
        adapters
            .find(|adapter| &**adapter.name() == source)?
            .circuit()
    }

    /// How far the running walk of one upstream is, if one is running.
    pub fn walking(&self, source: &str, scope: &Scope) -> Option<Walking> {
        self.entry(source, scope)?.walking()
    }

    fn entry(&self, source: &str, scope: &Scope) -> Option<&Arc<Entry>> {
        match scope {
            Scope::Shared => self.shared.get(source),
            // No auth scheme forwards a caller's own credentials yet, and what the gateway's
            // account sees must not be taken for what a caller may see.
            Scope::Caller(_) => None,
        }
    }
}

impl Drop for Catalog {
    fn drop(&mut self) {
        // Its tasks hold what holds them.
        self.place.tasks.close();
    }
}

impl Key {
    /// The key of what the gateway's own account sees.
    fn shared(adapter: &Adapter) -> Self {
        Self {
            upstream: Arc::clone(adapter.name()),
            adapter: adapter.digest(),
            scope: Scope::Shared,
            pushed: Pushed::NONE,
        }
    }

    /// How much memory it takes.
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.pushed.bytes()
    }
}

/// Makes `cache.directory` if need be, and sees whether snapshots can be written there.
pub fn prepare(directory: &Path) -> io::Result<()> {
    disk::prepare(directory)
}

/// How many pages the walk had whose snapshot `cache.directory` holds of an upstream.
pub fn pages_kept(directory: &Path, adapter: &Adapter) -> Option<u64> {
    disk::pages(directory, &Key::shared(adapter))
}

/// How much memory shared snapshots may take together.
pub fn shared_capacity(cache: &Cache) -> u64 {
    (cache.capacity.as_u64() as f64 * SHARED_SHARE) as u64
}

/// Walks the upstream and lays its groups out, off the I/O threads.
async fn bring(adapter: Arc<Adapter>, progress: Arc<Progress>) -> Result<Brought, UpstreamError> {
    let Walked {
        groups,
        counts,
        pages,
    } = walk(&adapter, &*progress).await?;
    let source = Arc::clone(adapter.name());
    let snapshot = tokio::task::spawn_blocking(move || Snapshot::new(source, groups))
        .await
        .map_err(|cut| UpstreamError::ours(format!("the list was not laid out: {cut}")))?;
    Ok(Brought {
        snapshot,
        counts,
        pages,
    })
}
