//! Where snapshots are kept in memory.
//!
//! Whole lists are in a moka cache that never evicts, because nothing that does not fit is put into
//! it. An eviction would silently turn every request into a walk. A snapshot that does not fit is a
//! visible error instead, and the previous one stays in service. The results of queries have no end,
//! so there the least recently used are evicted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytesize::ByteSize;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use crate::error::{ErrorKind, UpstreamError};

use super::cached::CachedSnapshot;
use super::key::CatalogKey;
use super::resizable::Resizable;

/// How long the result of a query is kept if nobody asks for it.
pub(super) const IDLE: Duration = Duration::from_mins(10);

/// The fraction of the snapshots' budget that query entries may take besides: one in so many.
pub(super) const ENTRIES_SHARE: u64 = 8;

/// Keeps snapshots within a share of memory.
#[derive(Debug)]
pub(super) struct Store {
    cache: Resizable<CatalogKey, Arc<CachedSnapshot>>,
    /// The bytes in use, where nothing is evicted. Locked while a snapshot is checked and put, so that
    /// two walks that end together cannot both take the last free bytes.
    used: Option<Mutex<u64>>,
    /// The same number, for others to see.
    in_use: Arc<AtomicU64>,
}

impl Store {
    /// A store of `capacity` bytes that refuses what does not fit.
    pub(super) fn reserved(capacity: u64) -> Self {
        Self {
            // What it may hold is counted in `used`.
            cache: Resizable::new(capacity, |_| Cache::builder().build()),
            used: Some(Mutex::new(0)),
            in_use: Arc::default(),
        }
    }

    /// A store for the results of queries, which share `bytes` with their entries.
    pub(super) fn for_queries(bytes: u64) -> Self {
        Self::evicting(without_entries(bytes))
    }

    /// A store of `capacity` bytes that evicts the least recently used, and what nobody has used for
    /// a while.
    pub(super) fn evicting(capacity: u64) -> Self {
        let build = |capacity| {
            Cache::builder()
                .eviction_policy(EvictionPolicy::lru())
                .weigher(|key: &CatalogKey, stored: &Arc<CachedSnapshot>| {
                    kib(key.bytes() + stored.snapshot.bytes())
                })
                .max_capacity(capacity / 1024)
                .time_to_idle(IDLE)
                .build()
        };
        Self {
            cache: Resizable::new(capacity, build),
            used: None,
            in_use: Arc::default(),
        }
    }

    /// How many bytes it holds at most.
    pub(super) fn capacity(&self) -> u64 {
        self.cache.get().capacity
    }

    /// Holds so many bytes from now on. Where nothing is evicted, what is there stays until a walk
    /// brings what takes its place.
    pub(super) fn resize(&self, capacity: u64) {
        self.cache.resize(capacity);
    }

    /// The same for results of queries, which share `bytes` with their entries.
    pub(super) fn resize_for_queries(&self, bytes: u64) {
        self.resize(without_entries(bytes));
    }

    /// How many bytes are in use, where nothing is evicted.
    pub(super) fn in_use(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.in_use)
    }

    pub(super) fn get(&self, key: &CatalogKey) -> Option<Arc<CachedSnapshot>> {
        self.cache.get().cache.get(key)
    }

    /// Replaces a snapshot, or fails if the new one does not fit.
    pub(super) fn put(
        &self,
        key: &CatalogKey,
        stored: Arc<CachedSnapshot>,
    ) -> Result<(), UpstreamError> {
        let size = stored.snapshot.bytes() as u64;
        let mut used = self.lock();
        let after = used.as_ref().map_or(0, |used| **used - self.size(key)) + size;
        let present = self.cache.get();
        if after > present.capacity {
            return Err(UpstreamError::new(
                ErrorKind::LimitExceeded,
                format!(
                    "its groups need {}, and all snapshots together may take {}: raise `cache.capacity`",
                    ByteSize(size),
                    ByteSize(present.capacity),
                ),
            ));
        }
        present.cache.insert(key.clone(), stored);
        if let Some(used) = &mut used {
            **used = after;
            self.in_use.store(after, Ordering::Relaxed);
        }
        Ok(())
    }

    pub(super) fn remove(&self, key: &CatalogKey) {
        if let Some(used) = &mut self.lock() {
            **used -= self.size(key);
            self.in_use.store(**used, Ordering::Relaxed);
        }
        self.cache.get().cache.invalidate(key);
    }

    /// Removes every snapshot of a store that evicts.
    pub(super) fn clear(&self) {
        debug_assert!(
            self.used.is_none(),
            "a store that counts bytes removes snapshots one by one"
        );
        self.cache.get().cache.invalidate_all();
    }

    fn lock(&self) -> Option<MutexGuard<'_, u64>> {
        let used = self.used.as_ref()?;
        Some(used.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn size(&self, key: &CatalogKey) -> u64 {
        self.get(key)
            .map_or(0, |stored| stored.snapshot.bytes() as u64)
    }
}

/// What results of queries may take of `bytes` that they share with their entries.
const fn without_entries(bytes: u64) -> u64 {
    bytes - bytes / (ENTRIES_SHARE + 1)
}

fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}
