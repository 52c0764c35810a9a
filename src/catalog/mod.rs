//! The catalog: the snapshots, and the machinery that keeps them fresh.
//!
//! ```text
//! get ▸ entry (fresh? stale? wait?) ▸ one walk at a time ▸ guard ▸ store (bounded memory) ▸ disk
//! ```
//!
//! What is kept is whole snapshots, per upstream and credential scope; every query over them is
//! answered from memory. Where an upstream is asked by query, what the queries brought is kept beside
//! them (`queries.rs`). A walk is a task of its own: callers wait for it, none of them owns it.

mod age;
mod backoff;
mod disk;
mod entry;
mod epoch;
mod fetch;
mod in_flight;
mod key;
mod lookup;
mod queries;
mod refresh;
mod shrink_guard;
mod store;
mod tasks;

pub use in_flight::RunningWalk;
pub use key::Scope;
pub use lookup::{CacheMode, CacheOutcome, SourceLookup, State};
pub use shrink_guard::PendingShrink;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::caller::{Caller, NotVisible};
use crate::clock::WallClock;
use crate::config::Cache;

use crate::upstream::adapter::Adapter;
use crate::upstream::pushdown::Conditions;
use crate::upstream::transport::Circuit;

use disk::Disk;
use entry::{CatalogResources, Entry, EntryPolicy};
use epoch::Epoch;
use fetch::Fetch;
use key::Key;
use queries::Queries;
use store::Store;
use tasks::Tasks;

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
    shared: BTreeMap<Arc<str>, Arc<Entry>>,
    /// What upstreams brought that are asked by query.
    queries: BTreeMap<Arc<str>, Queries>,
    adapters: Vec<Arc<Adapter>>,
    resources: Arc<CatalogResources>,
}

impl Catalog {
    /// A catalog of these upstreams, with nothing in it yet. Must be called within a tokio runtime.
    pub fn new(adapters: Vec<Arc<Adapter>>, cache: &Cache, wall: &WallClock) -> Self {
        let keys: Vec<_> = adapters
            .iter()
            .map(|adapter| Key::shared(adapter))
            .collect();
        let most = cache.shares().snapshots;
        let directory = cache.directory.as_deref();
        let resources = Arc::new(CatalogResources {
            disk: directory.map(|directory| Disk::open(directory, &keys, most, wall)),
            store: Store::reserved(cache.shares().snapshots),
            wall: wall.clone(),
            tasks: Arc::new(Tasks::new()),
            epoch: Arc::new(Epoch::default()),
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
                let policy = EntryPolicy {
                    freshness: adapter.freshness(),
                    required: adapter.required(),
                    refresh: adapter.refresh(),
                    persistent: true,
                    shrink_guard: adapter.shrink_guard(),
                };
                let beside = adapter.rules().map(|_| Arc::new(resources.beside(room)));
                let (walked, asked) = (Arc::clone(&adapter), beside.clone());
                let fetch: Fetch = Box::new(move |progress| {
                    Box::pin(queries::bring_whole(
                        Arc::clone(&walked),
                        asked.clone(),
                        progress,
                    ))
                });
                let entry = Arc::new(Entry::new(key, policy, fetch, Arc::clone(&resources)));
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
            resources,
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
            self.resources.tasks.spawn(refresh::keep(Arc::clone(entry)));
        }
    }

    /// Ends every walk and begins none from now on, and waits until what is to be kept on disk is
    /// there.
    pub async fn close(&self) {
        self.resources.tasks.close();
        if let Some(disk) = &self.resources.disk {
            disk.close().await;
        }
    }

    /// Moves whenever a walk has changed what any of it shows. What was made from it later than the
    /// epoch was read holds as long as the epoch stands still, and [`SourceLookup::changes_in`] allows.
    pub fn epoch(&self) -> u64 {
        self.resources.epoch.current()
    }

    /// Every upstream, in order of name.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// What one upstream holds for `scope`, refreshed as `mode` and the cache rules say, waiting
    /// until `deadline` at the latest. Giving up never cancels a walk. `None`: no such upstream.
    pub async fn get(
        &self,
        source: &str,
        scope: &Scope,
        mode: CacheMode,
        deadline: Instant,
    ) -> Option<SourceLookup> {
        Some(self.entry(source, scope)?.get(mode, deadline).await)
    }

    /// With which account an upstream is asked on behalf of `caller`.
    pub fn scope(&self, source: &str, caller: &Caller) -> Result<Scope, NotVisible> {
        // No auth scheme forwards a caller's own credentials yet.
        let is_there = self.shared.contains_key(source) && caller.visible.allows(source);
        is_there.then_some(Scope::Shared).ok_or(NotVisible)
    }

    /// Like [`Catalog::get`] for the scope of `caller`, where only groups that meet `conditions` are
    /// needed. What comes holds all of these, and may hold more.
    pub async fn find(
        &self,
        source: &str,
        caller: &Caller,
        conditions: &Conditions<'_>,
        mode: CacheMode,
        deadline: Instant,
    ) -> Result<SourceLookup, NotVisible> {
        let scope = self.scope(source, caller)?;
        let whole = self.entry(source, &scope).ok_or(NotVisible)?;
        let Some(queries) = self.queries.get(source) else {
            return Ok(whole.get(mode, deadline).await);
        };
        Ok(queries.find(conditions, mode, deadline).await)
    }

    /// What one upstream holds for `scope` right now: it neither waits nor asks the upstream. Of one
    /// that is asked by query that is what the last query brought, until its whole list was asked
    /// for.
    pub fn peek(&self, source: &str, scope: &Scope) -> Option<SourceLookup> {
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
    pub fn walking(&self, source: &str, scope: &Scope) -> Option<RunningWalk> {
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
        self.resources.tasks.close();
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
