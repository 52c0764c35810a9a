//! The entries of queries and callers that somebody still holds.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::entry::Entry;

/// How many entries there may be before those that are gone are looked for.
const FEW: usize = 64;

/// The entries that a cache, a request or a walk under way holds. Such an entry may be evicted; who asks the
/// same again gets the same entry, and waits for the same walk.
#[derive(Debug)]
pub(super) struct Underway<K>(Mutex<HeldEntries<K>>);

#[derive(Debug)]
struct HeldEntries<K> {
    by_key: HashMap<K, Weak<Entry>>,
    /// With how many of them those that are gone are removed.
    most: usize,
}

impl<K> Default for Underway<K> {
    fn default() -> Self {
        Self(Mutex::new(HeldEntries {
            by_key: HashMap::new(),
            most: FEW,
        }))
    }
}

impl<K: Hash + Eq + Clone> Underway<K> {
    /// The entry of this key that somebody holds, or else the one that `make` makes.
    pub(super) fn get_or_make(&self, key: &K, make: impl FnOnce() -> Arc<Entry>) -> Arc<Entry> {
        let mut held = self.lock();
        if let Some(entry) = held.by_key.get(key).and_then(Weak::upgrade) {
            return entry;
        }
        if held.by_key.len() >= held.most {
            held.by_key.retain(|_, entry| entry.strong_count() > 0);
            held.most = FEW.max(2 * held.by_key.len());
        }
        let entry = make();
        held.by_key.insert(key.clone(), Arc::downgrade(&entry));
        entry
    }

    /// The entry of this key, if somebody holds it.
    pub(super) fn get(&self, key: &K) -> Option<Arc<Entry>> {
        self.lock().by_key.get(key)?.upgrade()
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Arc<Entry>> {
        let held = self.lock();
        held.by_key.values().filter_map(Weak::upgrade).collect()
    }
}

impl<K> Underway<K> {
    fn lock(&self) -> MutexGuard<'_, HeldEntries<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
