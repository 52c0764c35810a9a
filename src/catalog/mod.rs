//! The catalog: the snapshots, and the machinery that keeps them fresh.
//!
//! ```text
//! Catalog ▸ Upstream ▸ entry (fresh? stale? wait?) ▸ one walk at a time ▸ shrink guard ▸ store ▸ tier
//! ```
//!
//! What is kept is whole snapshots, per upstream and credential scope; every query over them is
//! answered from memory. Where an upstream is asked by query, what the queries brought is kept beside
//! them (`queries.rs`). A walk is a task of its own: callers wait for it, none of them owns it.
//! A [`Catalog`] holds the upstreams of one generation of settings; the store and the tier outlive it.

mod set;
mod upstream;

mod age;
mod asker_refusals;
mod backoff;
mod cached;
mod disk;
pub use disk::KeptList;
mod entry;
mod epoch;
mod fetch;
mod history;
mod in_flight;
mod keep_fresh;
mod key;
mod lookup;
mod policy;
mod queries;
mod query_queue;
mod renewal;
mod resizable;
mod resources;
mod scope_entries;
mod scopes;
mod shrink_guard;
mod source_span;
mod store;
mod tasks;
mod tier;
mod underway;

pub use history::WalkRecord;
pub use in_flight::RunningWalk;
pub use key::Scope;
pub use lookup::{CacheMode, CacheOutcome, SourceLookup, SourceState};
pub use set::{CallerScopes, Catalog, SourceEntry};
pub use shrink_guard::PendingShrink;
pub use upstream::UpstreamRuntime;

use std::io;
use std::path::Path;

use crate::upstream::Adapter;

/// Makes `cache.directory` if need be, and sees whether snapshots can be written there.
pub fn prepare(directory: &Path) -> io::Result<()> {
    disk::prepare(directory)
}

/// The list that `cache.directory` holds of an upstream.
pub fn kept_list(directory: &Path, adapter: &Adapter) -> Option<KeptList> {
    disk::kept_list(directory, &key::CatalogKey::shared(adapter))
}
