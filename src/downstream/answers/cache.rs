//! Where answers are kept, within a fixed share of memory.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::quality::RandomState;
use moka::notification::RemovalCause;
use moka::sync::Cache;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, timeout_at};

use crate::gateway::pool::Overloaded;
use crate::metrics::CacheStanding;
use crate::observe::{Event, Observers};

use super::answer::Answer;
use super::held::HeldAnswer;
use super::key::{AnswerKey, AskedAnswerRef};

/// How many answers may be made at once of those that are kept. More than one machine has processors
/// for; and two different answers seldom wait for each other.
const TURNS: usize = 64;

/// What it is called where caches are told apart.
const NAME: &str = "answers";

/// The number of the next cache.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Answers that are ready to be sent.
#[derive(Debug)]
pub(crate) struct AnswerCache {
    share: u64,
    /// Which cache it is: a connection may hold an answer of one.
    number: u64,
    /// Each process hashes in its own way, so that nobody can choose what collides.
    answers: Cache<AnswerKey, Arc<Answer>, RandomState>,
    turns: [Mutex<()>; TURNS],
}

impl AnswerCache {
    /// Keeps answers in so many bytes. `observers` are told when one has to go.
    pub(crate) fn new(share: u64, observers: Observers) -> Self {
        Self {
            share,
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            answers: Cache::builder()
                .name(NAME)
                .max_capacity(share)
                .eviction_listener(move |_, _, cause| {
                    if cause == RemovalCause::Size {
                        observers.notify(&Event::Evicted(NAME));
                    }
                })
                .weigher(|key: &AnswerKey, answer: &Arc<Answer>| {
                    u32::try_from(key.bytes() + answer.bytes()).unwrap_or(u32::MAX)
                })
                .build_with_hasher(RandomState::default()),
            turns: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// The answer to a question, if it is there and still what the catalog would give.
    pub(crate) fn get(&self, key: &AnswerKey, epoch: u64, now: Instant) -> Option<Arc<Answer>> {
        let answer = self
            .answers
            .get(key)
            .filter(|answer| answer.holds(epoch, now))?;
        let Some(recounted) = answer.recounted(now) else {
            return Some(answer);
        };
        let recounted = Arc::new(recounted);
        self.put(Arc::clone(&recounted));
        Some(recounted)
    }

    /// The same for a connection, which may hold it.
    pub(crate) fn get_over(
        &self,
        held: &HeldAnswer,
        asked: &AskedAnswerRef<'_>,
        epoch: u64,
        now: Instant,
    ) -> Option<Arc<Answer>> {
        let is_right = |answer: &Arc<Answer>| {
            asked.is_for(answer.key()) && answer.holds(epoch, now) && !answer.is_to_recount(now)
        };
        let last = held.get(self.number, now).filter(is_right);
        last.or_else(|| {
            // Whoever misses here asks the catalog: a key more or less does not count.
            let answer = self.get(&asked.to_asked().key, epoch, now)?;
            held.hold(&answer, self.number, now);
            Some(answer)
        })
    }

    /// Keeps an answer, in the place of the one before it.
    pub(crate) fn put(&self, answer: Arc<Answer>) {
        self.answers.insert(answer.key().clone(), answer);
    }

    /// How it stands.
    pub(crate) fn standing(&self) -> CacheStanding {
        self.settle();
        CacheStanding {
            name: NAME,
            bytes: self.answers.weighted_size(),
            capacity: self.share,
            entries: self.answers.entry_count(),
        }
    }

    /// Lets go of what there is no room for: moka puts that off.
    pub(crate) fn settle(&self) {
        self.answers.run_pending_tasks();
    }

    /// How many bytes are kept, once moka has done what it puts off.
    #[cfg(test)]
    pub(super) fn settled_bytes(&self) -> u64 {
        self.answers.run_pending_tasks();
        self.answers.weighted_size()
    }

    /// All answers.
    #[cfg(test)]
    pub(super) fn all(&self) -> Vec<Arc<Answer>> {
        self.answers.iter().map(|(_, answer)| answer).collect()
    }

    /// Lets go of all.
    #[cfg(test)]
    pub(super) fn forget(&self) {
        self.answers.invalidate_all();
        self.settle();
    }

    /// Waits until nobody else makes the answer to the same question, at most until then.
    pub(crate) async fn turn(
        &self,
        key: &AnswerKey,
        until: Instant,
    ) -> Result<MutexGuard<'_, ()>, Overloaded> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let turn = &self.turns[hasher.finish() as usize % TURNS];
        timeout_at(until, turn.lock()).await.map_err(|_| Overloaded)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;

    use super::super::wishes::HeldWishes;
    use super::*;
    use crate::caller::Caller;
    use crate::catalog::CallerScopes;

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_turn_waits_no_longer_than_its_own_deadline() {
        let answers = AnswerCache::new(1 << 20, Observers::default());
        let (uri, headers) = (http::Uri::from_static("/groups"), HeaderMap::new());
        let caller = Caller::default();
        let asked = AskedAnswerRef::read(
            &caller,
            CallerScopes::default(),
            &uri,
            &headers,
            &HeldWishes::default(),
        );
        let key = asked.unwrap().to_asked().key;
        let begun = Instant::now();
        let after = |seconds| begun + Duration::from_secs(seconds);
        let first = answers.turn(&key, after(60)).await;
        assert!(first.is_ok());
        assert!(answers.turn(&key, after(3)).await.is_err());
        assert_eq!(begun.elapsed(), Duration::from_secs(3));
        drop(first);
        assert!(answers.turn(&key, after(3)).await.is_ok());
    }
}
