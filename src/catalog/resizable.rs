//! A cache whose bound can change while it is used: moka's own is set once.

use std::fmt;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use moka::sync::Cache;

/// A cache, and how much it may hold.
pub(super) struct Resizable<K, V> {
    /// Locked for writing while another takes its place, so that nothing is lost or comes back
    /// meanwhile.
    present: RwLock<SizedCache<K, V>>,
    /// Makes a cache of this capacity.
    build: Box<dyn Fn(u64) -> Cache<K, V> + Send + Sync>,
}

/// A cache of one capacity.
pub(super) struct SizedCache<K, V> {
    pub(super) capacity: u64,
    pub(super) cache: Cache<K, V>,
}

impl<K, V> Resizable<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// An empty cache of this capacity.
    pub(super) fn new(
        capacity: u64,
        build: impl Fn(u64) -> Cache<K, V> + Send + Sync + 'static,
    ) -> Self {
        Self {
            present: RwLock::new(SizedCache {
                capacity,
                cache: build(capacity),
            }),
            build: Box::new(build),
        }
    }

    /// The cache as it is.
    pub(super) fn get(&self) -> RwLockReadGuard<'_, SizedCache<K, V>> {
        self.present.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on with another capacity, and with all that is there, as far as it fits.
    pub(super) fn resize(&self, capacity: u64) {
        let mut present = self.present.write().unwrap_or_else(PoisonError::into_inner);
        if present.capacity == capacity {
            return;
        }
        let cache = (self.build)(capacity);
        for (key, value) in &present.cache {
            cache.insert((*key).clone(), value);
        }
        *present = SizedCache { capacity, cache };
    }
}

impl<K, V> fmt::Debug for Resizable<K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Resizable").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_keeps_what_fits_when_it_is_resized_and_its_bound_holds_from_then_on() {
        let cache: Resizable<u8, u8> = Resizable::new(10, Cache::new);
        let fill = |keys: std::ops::Range<u8>| {
            let present = cache.get();
            keys.for_each(|key| present.cache.insert(key, key));
            present.cache.run_pending_tasks();
            present.cache.entry_count()
        };
        assert_eq!(fill(0..5), 5);
        cache.resize(3);
        cache.get().cache.run_pending_tasks();
        assert_eq!(cache.get().cache.entry_count(), 3);
        cache.resize(20);
        assert_eq!(cache.get().capacity, 20);
        assert_eq!(fill(10..20), 13);
    }
}
