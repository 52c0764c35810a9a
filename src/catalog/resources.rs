//! What the entries of every upstream share, and what outlives a change of settings.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::ArcSwap;

use crate::clock::WallClock;
use crate::observe::Observers;
use crate::page_memory::{PageMemory, PageRoom};

use super::epoch::Epoch;
use super::store::Store;
use super::tier::Tier;

/// What entries share.
#[derive(Debug)]
pub(super) struct CatalogResources {
    /// Where their snapshots are kept in memory.
    pub(super) store: Arc<Store>,
    /// Where they are kept besides. A change of settings may name another folder.
    tier: Arc<ArcSwap<Tier>>,
    /// The clock that `as_of` shows.
    pub(super) wall: WallClock,
    /// Moves when what one of them shows has changed.
    pub(super) epoch: Arc<Epoch>,
    /// Moves, and `epoch` with it, when a generation of settings ends.
    pub(super) generations: Arc<Epoch>,
    /// How many parts of it were made.
    parts: AtomicU32,
    /// Where pages are received and decoded.
    pub(super) pages: PageMemory,
    /// Who is told what happens.
    pub(super) observers: Observers,
}

impl CatalogResources {
    /// Room for snapshots of `capacity` bytes, which are also kept in `directory`. Must be called
    /// within a tokio runtime.
    pub(super) fn new(capacity: u64, directory: Option<&Path>, wall: &WallClock) -> Self {
        let epoch = Arc::<Epoch>::default();
        Self {
            store: Arc::new(Store::reserved(capacity)),
            tier: Arc::new(ArcSwap::from_pointee(Tier::open(directory, wall))),
            wall: wall.clone(),
            generations: Arc::new(Epoch::default().within(Arc::clone(&epoch))),
            epoch,
            parts: AtomicU32::new(0),
            pages: PageMemory::default(),
            observers: Observers::default(),
        }
    }

    /// The same with so much room for pages.
    pub(super) fn with_pages(self, room: PageRoom) -> Self {
        Self {
            pages: PageMemory::new(room),
            ..self
        }
    }

    /// The same, of which these are told.
    pub(super) fn with_observers(self, observers: Observers) -> Self {
        Self { observers, ..self }
    }

    /// Where snapshots are kept besides memory.
    pub(super) fn tier(&self) -> Arc<Tier> {
        self.tier.load_full()
    }

    /// Keeps them in another folder from now on.
    pub(super) fn move_to(&self, directory: Option<&Path>) {
        self.tier.store(Arc::new(Tier::open(directory, &self.wall)));
    }

    /// The same for one upstream: with an epoch of its own, with which that of all moves.
    pub(super) fn part(&self) -> Self {
        let number = self.parts.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let epoch = Epoch::numbered(number).within(Arc::clone(&self.epoch));
        Self {
            tier: Arc::clone(&self.tier),
            ..self.in_memory(Arc::new(epoch))
        }
    }

    /// The same for what single queries bring: with a store of its own that holds `budget` bytes,
    /// and nothing kept outside of memory.
    pub(super) fn for_queries(&self, budget: u64) -> Self {
        Self {
            store: Arc::new(Store::for_queries(budget)),
            ..self.in_memory(Arc::clone(&self.epoch))
        }
    }

    /// The same for the lists of callers: with a store of its own that holds `budget` bytes, and nothing
    /// kept outside of memory.
    pub(super) fn for_scopes(&self, budget: u64) -> Self {
        Self {
            store: Arc::new(Store::for_scopes(budget)),
            ..self.in_memory(Arc::clone(&self.epoch))
        }
    }

    /// The same for the list of one caller, which changes by itself: with an epoch of its own.
    pub(super) fn of_scope(&self, epoch: Epoch) -> Self {
        self.in_memory(Arc::new(epoch))
    }

    fn in_memory(&self, epoch: Arc<Epoch>) -> Self {
        Self {
            store: Arc::clone(&self.store),
            tier: Arc::new(ArcSwap::from_pointee(Tier::None)),
            wall: self.wall.clone(),
            epoch,
            generations: Arc::clone(&self.generations),
            parts: AtomicU32::new(0),
            pages: self.pages.clone(),
            observers: self.observers.clone(),
        }
    }
}
