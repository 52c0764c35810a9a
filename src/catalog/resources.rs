//! What the entries of every upstream share, and what outlives a change of settings.

use std::path::Path;
use std::sync::Arc;

use crate::clock::WallClock;

use super::epoch::Epoch;
use super::store::Store;
use super::tier::Tier;

/// What entries share.
#[derive(Debug)]
pub(super) struct CatalogResources {
    /// Where their snapshots are kept in memory.
    pub(super) store: Store,
    /// Where they are kept besides.
    pub(super) tier: Tier,
    /// The clock that `as_of` shows.
    pub(super) wall: WallClock,
    /// Moves when what one of them shows has changed.
    pub(super) epoch: Arc<Epoch>,
}

impl CatalogResources {
    /// Room for snapshots of `capacity` bytes, which are also kept in `directory`. Must be called
    /// within a tokio runtime.
    pub(super) fn new(capacity: u64, directory: Option<&Path>, wall: &WallClock) -> Self {
        Self {
            store: Store::reserved(capacity),
            tier: Tier::open(directory, capacity, wall),
            wall: wall.clone(),
            epoch: Arc::default(),
        }
    }

    /// The same with room for another number of bytes, or another folder. Its epoch goes on.
    pub(super) fn resized(&self, capacity: u64, directory: Option<&Path>) -> Self {
        Self {
            epoch: Arc::clone(&self.epoch),
            ..Self::new(capacity, directory, &self.wall)
        }
    }

    /// The same for what single queries bring: with a store of its own that holds `budget` bytes,
    /// and nothing kept outside of memory.
    pub(super) fn for_queries(&self, budget: u64) -> Self {
        Self {
            store: Store::for_queries(budget),
            tier: Tier::None,
            wall: self.wall.clone(),
            epoch: Arc::clone(&self.epoch),
        }
    }
}
