//! The entries of queries and callers whose walks are under way.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::entry::Entry;

/// The entries whose walks run or wait for their turn. Such an entry may be evicted, for its list is not
/// there yet; who asks the same again waits for the same walk.
#[derive(Debug)]
pub(super) struct Underway<K>(Mutex<HashMap<K, Weak<Entry>>>);

impl<K> Default for Underway<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// A walk that is under way until this is dropped.
pub(super) struct UnderwayWalk<K: Hash + Eq> {
    underway: Arc<Underway<K>>,
    key: K,
}

impl<K: Hash + Eq + Clone> Underway<K> {
    /// The walk of `entry` is under way from now on.
    pub(super) fn enter(self: &Arc<Self>, key: &K, entry: &Weak<Entry>) -> UnderwayWalk<K> {
        self.lock().insert(key.clone(), Weak::clone(entry));
        UnderwayWalk {
            underway: Arc::clone(self),
            key: key.clone(),
        }
    }

    /// The entry whose walk for this key is under way.
    pub(super) fn get(&self, key: &K) -> Option<Arc<Entry>> {
        self.lock().get(key)?.upgrade()
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Arc<Entry>> {
        self.lock().values().filter_map(Weak::upgrade).collect()
    }
}

impl<K> Underway<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Weak<Entry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq> Drop for UnderwayWalk<K> {
    fn drop(&mut self) {
        self.underway.lock().remove(&self.key);
    }
}
