//! The queries whose walks are under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::upstream::pushdown::Pushed;

use super::entry::Entry;

/// The entries whose walks run or wait for their turn. Such an entry may be evicted, for its list is not
/// there yet; who asks the same again waits for the same walk.
#[derive(Debug, Default)]
pub(super) struct Underway(Mutex<HashMap<Pushed, Weak<Entry>>>);

/// A walk that is under way until this is dropped.
pub(super) struct UnderwayWalk {
    underway: Arc<Underway>,
    pushed: Pushed,
}

impl Underway {
    /// The walk of `entry` is under way from now on.
    pub(super) fn enter(self: &Arc<Self>, pushed: &Pushed, entry: &Weak<Entry>) -> UnderwayWalk {
        self.lock().insert(pushed.clone(), Weak::clone(entry));
        UnderwayWalk {
            underway: Arc::clone(self),
            pushed: pushed.clone(),
        }
    }

    /// The entry whose walk for these filters is under way.
    pub(super) fn get(&self, pushed: &Pushed) -> Option<Arc<Entry>> {
        self.lock().get(pushed)?.upgrade()
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Arc<Entry>> {
        self.lock().values().filter_map(Weak::upgrade).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Pushed, Weak<Entry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderwayWalk {
    fn drop(&mut self) {
        self.underway.lock().remove(&self.pushed);
    }
}
