//! Where snapshots are kept in memory.
//!
//! Whole lists are in a moka cache that never evicts, because nothing that does not fit is put into
//! it. An eviction would silently turn every request into a walk. A snapshot that does not fit is a
//! visible error instead, and the previous one stays in service. The results of queries have no end,
//! so there the least recently used are evicted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytesize::ByteSize;
use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use crate::error::{ErrorKind, UpstreamError};
use crate::metrics::CacheStanding;

use super::cached::CachedSnapshot;
use super::key::CatalogKey;
use super::resizable::{Resizable, SizedCache};

/// How long the result of a query is kept if nobody asks for it.
pub(super) const IDLE: Duration = Duration::from_mins(10);

/// How long the list of a caller is kept if it does not come back.
pub(super) const SCOPE_IDLE: Duration = Duration::from_hours(1);

/// The fraction of the snapshots' budget that query entries may take besides: one in so many.
pub(super) const ENTRIES_SHARE: u64 = 8;

/// Where the snapshot of one key stands. In a store that evicts nothing, another one takes its place there, and the
/// cache does not notice. A cache that evicts has weighed what stands there, so it is given another place.
type Place = Arc<ArcSwap<CachedSnapshot>>;

/// Keeps snapshots within a share of memory.
#[derive(Debug)]
pub(super) struct Store {
    cache: Resizable<CatalogKey, Place>,
    /// The bytes in use, where nothing is evicted. Locked while a snapshot is checked and put, so that
    /// two walks that end together cannot both take the last free bytes.
    used: Option<Mutex<u64>>,
}

impl Store {
    /// A store of `capacity` bytes that refuses what does not fit.
    pub(super) fn reserved(capacity: u64) -> Self {
        Self {
            // What it may hold is counted in `used`.
            cache: Resizable::new(capacity, |_| Cache::builder().build()),
            used: Some(Mutex::new(0)),
        }
    }

    /// A store for the results of queries, which share `bytes` with their entries.
    pub(super) fn for_queries(bytes: u64) -> Self {
        Self::evicting(without_entries(bytes))
    }

    /// A store for the lists of callers, which share `bytes` with their entries.
    pub(super) fn for_scopes(bytes: u64) -> Self {
        Self::evicting_after(without_entries(bytes), SCOPE_IDLE)
    }

    /// A store of `capacity` bytes that evicts the least recently used, and what nobody has used for
    /// a while.
    pub(super) fn evicting(capacity: u64) -> Self {
        Self::evicting_after(capacity, IDLE)
    }

    fn evicting_after(capacity: u64, idle: Duration) -> Self {
        let build = move |capacity| {
            Cache::builder()
                .eviction_policy(EvictionPolicy::lru())
                .weigher(|key: &CatalogKey, place: &Place| {
                    kib(key.bytes() + place.load().snapshot.bytes())
                })
                .max_capacity(capacity / 1024)
                .time_to_idle(idle)
                .eviction_listener(|_, place: Place, cause| {
                    if cause != RemovalCause::Replaced {
                        place.load().snapshot.keep(false);
                    }
                })
                .build()
        };
        Self {
            cache: Resizable::new(capacity, build),
            used: None,
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

    /// The same for results of queries and lists of callers, which share `bytes` with their entries.
    pub(super) fn resize_for_queries(&self, bytes: u64) {
        self.resize(without_entries(bytes));
    }

    /// How it stands.
    pub(super) fn standing(&self, name: &'static str) -> CacheStanding {
        let bytes = self.bytes();
        let present = self.cache.get();
        CacheStanding {
            name,
            bytes,
            capacity: present.capacity,
            entries: present.cache.entry_count(),
        }
    }

    pub(super) fn get(&self, key: &CatalogKey) -> Option<Arc<CachedSnapshot>> {
        let place = self.cache.get().cache.get(key)?;
        Some(place.load_full())
    }

    /// Replaces a snapshot, or fails if the new one does not fit.
    pub(super) fn put(
        &self,
        key: &CatalogKey,
        stored: Arc<CachedSnapshot>,
    ) -> Result<(), UpstreamError> {
        let size = stored.snapshot.bytes() as u64;
        let mut used = self.lock();
        let present = self.cache.get();
        let place = present.cache.get(key);
        let before = place.as_ref().map(|place| place.load_full());
        let replaced = before
            .as_ref()
            .map_or(0, |before| before.snapshot.bytes() as u64);
        let after = used.as_ref().map_or(0, |used| **used - replaced) + size;
        // Where less may be held than is held, a list that is no larger than the one whose place it
        // takes makes nothing worse, and refusing it would keep the old one for ever.
        let makes_worse = used.is_none() || size > replaced;
        if after > present.capacity && makes_worse {
            return Err(UpstreamError::new(
                ErrorKind::LimitExceeded,
                format!(
                    "its groups need {}, and all snapshots together may take {}: raise `cache.capacity`",
                    ByteSize(size),
                    ByteSize(present.capacity),
                ),
            ));
        }
        if let Some(before) = before {
            before.snapshot.keep(false);
        }
        // It may be the same list as before.
        stored.snapshot.keep(true);
        match place.filter(|_| used.is_some()) {
            Some(place) => place.store(stored),
            None => present.insert(key, stored),
        }
        if let Some(used) = &mut used {
            **used = after;
        }
        Ok(())
    }

    /// Puts a snapshot that is here under another key as well, until it is [removed](Store::remove) there: it
    /// takes no memory of its own, so it fits.
    pub(super) fn share(&self, key: &CatalogKey, stored: Arc<CachedSnapshot>) {
        self.remove(key);
        let mut used = self.lock();
        if let Some(used) = &mut used {
            **used += stored.snapshot.bytes() as u64;
        }
        self.cache.get().insert(key, stored);
    }

    /// Says that a snapshot is in use which was removed under another key.
    pub(super) fn hold(&self, key: &CatalogKey) {
        let _used = self.lock();
        if let Some(stored) = self.get(key) {
            stored.snapshot.keep(true);
        }
    }

    pub(super) fn remove(&self, key: &CatalogKey) {
        let mut used = self.lock();
        if let Some(before) = self.get(key) {
            if let Some(used) = &mut used {
                **used -= before.snapshot.bytes() as u64;
            }
            before.snapshot.keep(false);
        }
        // Under the lock, for a `put` that found the snapshot still there would subtract it again.
        let present = self.cache.get();
        present.cache.invalidate(key);
        present.cache.run_pending_tasks();
        drop(used);
    }

    /// Lets go of what nobody has used for a while.
    pub(super) fn drop_idle(&self) {
        self.cache.get().cache.run_pending_tasks();
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

    /// How many bytes its snapshots take.
    pub(super) fn bytes(&self) -> u64 {
        let used = self.lock().map(|used| *used);
        used.unwrap_or_else(|| self.cache.get().cache.weighted_size() * 1024)
    }
}

impl SizedCache<CatalogKey, Place> {
    fn insert(&self, key: &CatalogKey, stored: Arc<CachedSnapshot>) {
        let place = Arc::new(ArcSwap::new(stored));
        self.cache.insert(key.clone(), place);
        // Or else the cache lets go of what it evicts at some later time.
        self.cache.run_pending_tasks();
    }
}

/// What results of queries or lists of callers may take of `bytes` that they share with their entries.
const fn without_entries(bytes: u64) -> u64 {
    bytes - bytes / (ENTRIES_SHARE + 1)
}

fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(super) mod tests {
    use std::thread;

    use jiff::Timestamp;
    use tokio::time::Instant;

    use super::*;
    use crate::catalog::Scope;
    use crate::catalog::cached::Upkeep;
    use crate::plan::{Account, Shape};
    use crate::snapshot::tests::group;
    use crate::snapshot::{Counts, Snapshot};
    use crate::upstream::pushdown::Pushed;

    fn key(upstream: &str) -> CatalogKey {
        CatalogKey {
            upstream: upstream.into(),
            shape: Shape::default(),
            account: Account::default(),
            scope: Scope::Shared,
            filters: Pushed::NONE,
        }
    }

    /// A list of one group with this name.
    pub(in crate::catalog) fn stored(name: &str) -> Arc<CachedSnapshot> {
        Arc::new(CachedSnapshot {
            snapshot: Arc::new(Snapshot::new("u".into(), vec![group("u", "1", name)])),
            counts: Counts::default(),
            as_of: Timestamp::UNIX_EPOCH,
            walked_at: Timestamp::UNIX_EPOCH,
            pages: 1,
            upkeep: Upkeep::default(),
            known_pages: None,
            marks: None,
            is_of_another_shape: false,
            ended_by: None,
            got_at: Instant::now(),
            age_then: Duration::ZERO,
        })
    }

    #[test]
    fn bytes_are_counted_once_however_puts_and_removals_meet() {
        let store = Store::reserved(1 << 20);
        let list = stored("a");
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5000 {
                        store.put(&key("u"), Arc::clone(&list)).unwrap();
                        store.remove(&key("u"));
                    }
                });
            }
        });
        assert_eq!(*store.lock().unwrap(), 0);
    }

    #[test]
    fn nothing_holds_a_list_that_was_replaced() {
        let store = Store::reserved(1 << 20);
        let [first, second] = ["a", "b"].map(stored);
        store.put(&key("u"), Arc::clone(&first)).unwrap();
        store.put(&key("u"), Arc::clone(&second)).unwrap();
        assert_eq!(Arc::strong_count(&first), 1);
        assert!(Arc::ptr_eq(&store.get(&key("u")).unwrap(), &second));
        assert_eq!(store.standing("snapshots").entries, 1);
    }

    #[test]
    fn a_store_that_evicts_weighs_each_list() {
        let store = Store::evicting(1 << 20);
        store.put(&key("u"), stored("a")).unwrap();
        let small = store.bytes();
        store.put(&key("u"), stored(&"x".repeat(100_000))).unwrap();
        assert!(store.bytes() > small + 90_000);
        // There is room for this one beside the first list of the other key, and not beside the second.
        store.put(&key("v"), stored(&"x".repeat(450_000))).unwrap();
        assert!(store.get(&key("u")).is_none() && store.get(&key("v")).is_some());
    }

    #[test]
    fn a_list_that_is_no_larger_than_the_one_before_fits_even_where_less_may_be_held_now() {
        let store = Store::reserved(1 << 20);
        store.put(&key("u"), stored("a list")).unwrap();
        store.resize(1);
        store.put(&key("u"), stored("b list")).unwrap();
        let bytes = stored("a list").snapshot.bytes() as u64;
        assert_eq!(*store.lock().unwrap(), bytes);
        let larger = store.put(&key("u"), stored(&"x".repeat(4096)));
        assert_eq!(larger.unwrap_err().kind, ErrorKind::LimitExceeded);
        let another = store.put(&key("v"), stored("a list"));
        assert_eq!(another.unwrap_err().kind, ErrorKind::LimitExceeded);
    }
}
