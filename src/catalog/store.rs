//! Where snapshots are kept: whole lists in a moka cache that never evicts, because nothing is put
//! into it that does not fit.
//!
//! An eviction would turn every request into a walk, silently. A snapshot that does not fit is an
//! error that somebody sees instead, and what was there before goes on serving. What single queries
//! brought is another matter: there is no end to queries, so the least recently used makes room.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytesize::ByteSize;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use crate::error::{ErrorKind, UpstreamError};

use super::cached::CachedSnapshot;
use super::key::CatalogKey;

/// How long the result of a query is kept that nobody asks for.
pub(super) const IDLE: Duration = Duration::from_mins(10);

/// The part of an upstream's share that query entries may take beside their snapshots.
pub(super) const ENTRIES_SHARE: u64 = 8;

/// Keeps snapshots within a fixed share of memory.
#[derive(Debug)]
pub(super) struct Store {
    cache: Cache<CatalogKey, Arc<CachedSnapshot>>,
    capacity: u64,
    /// How much is taken, where nothing makes room. Held over looking and putting, so that two walks
    /// that end together cannot both take the last room.
    used: Option<Mutex<u64>>,
}

impl Store {
    /// A store that holds `capacity` bytes and refuses what goes beyond.
    pub(super) fn reserved(capacity: u64) -> Self {
        let cache = Cache::builder()
            .eviction_policy(EvictionPolicy::lru())
            // Weights are u32, so bytes would end at 4 GiB.
            .weigher(|_, stored: &Arc<CachedSnapshot>| kib(stored.snapshot.bytes()))
            // The count in bytes below is exact; this one is rounded up per snapshot.
            .max_capacity(capacity.div_ceil(1024).saturating_mul(2))
            .build();
        Self {
            cache,
            capacity,
            used: Some(Mutex::new(0)),
        }
    }

    /// The store for the results of queries, which share `bytes` with their entries.
    pub(super) fn for_queries(bytes: u64) -> Self {
        let entries = bytes / (ENTRIES_SHARE + 1);
        Self::evicting(bytes - entries, IDLE)
    }

    /// A store that holds `capacity` bytes, on which what was used last stays, for as long as it is
    /// not `idle`.
    pub(super) fn evicting(capacity: u64, idle: Duration) -> Self {
        let cache = Cache::builder()
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|key: &CatalogKey, stored: &Arc<CachedSnapshot>| {
                kib(key.bytes() + stored.snapshot.bytes())
            })
            .max_capacity(capacity / 1024)
            .time_to_idle(idle)
            .build();
        Self {
            cache,
            capacity,
            used: None,
        }
    }

    /// How much it holds at most.
    pub(super) const fn capacity(&self) -> u64 {
        self.capacity
    }

    pub(super) fn get(&self, key: &CatalogKey) -> Option<Arc<CachedSnapshot>> {
        self.cache.get(key)
    }

    /// Puts a snapshot in the place of the one before it, or says that it does not fit.
    pub(super) fn put(
        &self,
        key: &CatalogKey,
        stored: Arc<CachedSnapshot>,
    ) -> Result<(), UpstreamError> {
        let size = stored.snapshot.bytes() as u64;
        let mut used = self.lock();
        let after = used.as_ref().map_or(0, |used| **used - self.size(key)) + size;
        if after > self.capacity {
            return Err(UpstreamError::new(
                ErrorKind::LimitExceeded,
                format!(
                    "its groups take {} and snapshots may take {} in all: raise `cache.capacity`",
                    ByteSize(size),
                    ByteSize(self.capacity),
                ),
            ));
        }
        self.cache.insert(key.clone(), stored);
        if let Some(used) = &mut used {
            **used = after;
        }
        Ok(())
    }

    pub(super) fn remove(&self, key: &CatalogKey) {
        if let Some(used) = &mut self.lock() {
            **used -= self.size(key);
        }
        self.cache.invalidate(key);
    }

    /// Removes every snapshot from a store that evicts.
    pub(super) fn clear(&self) {
        debug_assert!(self.used.is_none(), "what is counted is removed one by one");
        self.cache.invalidate_all();
    }

    fn lock(&self) -> Option<MutexGuard<'_, u64>> {
        let used = self.used.as_ref()?;
        Some(used.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn size(&self, key: &CatalogKey) -> u64 {
        self.cache
            .get(key)
            .map_or(0, |stored| stored.snapshot.bytes() as u64)
    }
}

fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}
