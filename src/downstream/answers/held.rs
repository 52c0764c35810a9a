//! The answer that a connection was given last.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::answer::Answer;

/// How long a connection goes by what it looked up: the cache hears often enough what is asked often.
const HELD: Duration = Duration::from_millis(100);

/// The answer that a connection was given last, where it was looked up just now. It takes next to no room: the body
/// and the headers go with the cache's.
#[derive(Debug, Default)]
pub(crate) struct HeldAnswer(Mutex<Option<FoundAnswer>>);

#[derive(Debug)]
struct FoundAnswer {
    answer: Weak<Answer>,
    /// The number of its cache.
    cache: u64,
    at: Instant,
}

impl HeldAnswer {
    /// The answer, if it is of this cache.
    pub(super) fn get(&self, cache: u64, now: Instant) -> Option<Arc<Answer>> {
        let found = self.lock();
        let is_held = |found: &&FoundAnswer| found.cache == cache && now < found.at + HELD;
        found.as_ref().filter(is_held)?.answer.upgrade()
    }

    /// Holds an answer that was looked up in this cache.
    pub(super) fn hold(&self, answer: &Arc<Answer>, cache: u64, now: Instant) {
        *self.lock() = Some(FoundAnswer {
            answer: Arc::downgrade(answer),
            cache,
            at: now,
        });
    }

    fn lock(&self) -> MutexGuard<'_, Option<FoundAnswer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
