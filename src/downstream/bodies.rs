//! The memory of the answers that are on their way to callers.
//!
//! Counted is what is there: a page that a thousand callers read at once is there once, and one that
//! the answer cache has let go of is there until the last caller has read it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::time::sleep;

use crate::plan::Cache;

use super::problem::{Kind, ProblemDetails};

/// How long to wait before asking again when there is no room.
const WAIT: Duration = Duration::from_millis(50);

/// What is set aside for a part of a stream before it is made.
const RESERVED_PART: u64 = 128 * 1024;

/// When a caller may try again.
const RETRY: Duration = Duration::from_secs(1);

/// The memory of answers. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct BodyMemory {
    limit: Arc<AtomicU64>,
    taken: Arc<AtomicU64>,
}

/// How the memory of answers stands, in bytes.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct BodyMemoryCounts {
    /// What answers take, kept or on their way.
    pub(crate) answers: u64,
    /// What they may take.
    pub(crate) answers_limit: u64,
}

/// Bytes that are counted as long as anybody holds a part of them.
struct CountedBytes {
    bytes: Bytes,
    taken: Arc<AtomicU64>,
}

/// Room for an answer that is being made. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct ReservedBody {
    memory: BodyMemory,
    bytes: u64,
}

impl ReservedBody {
    /// The answer, which takes the place of what was reserved for it.
    pub(crate) fn fill(self, bytes: Bytes) -> Bytes {
        self.memory.count(bytes)
    }
}

impl Drop for ReservedBody {
    fn drop(&mut self) {
        self.memory.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl BodyMemory {
    /// As much as ready answers and those on their way may take.
    pub(crate) fn new(cache: &Cache) -> Self {
        Self {
            limit: Arc::new(AtomicU64::new(limit(cache))),
            taken: Arc::default(),
        }
    }

    /// Has as much room as these settings give from now on.
    pub(crate) fn resize(&self, cache: &Cache) {
        self.limit.store(limit(cache), Ordering::Relaxed);
    }

    /// How it stands.
    pub(crate) fn counts(&self) -> BodyMemoryCounts {
        BodyMemoryCounts {
            answers: self.taken.load(Ordering::Relaxed),
            answers_limit: self.limit.load(Ordering::Relaxed),
        }
    }

    /// Takes room for another answer of about so many bytes, if there is any left.
    pub(crate) fn reserve(&self, bytes: u64) -> Option<ReservedBody> {
        let limit = self.limit.load(Ordering::Relaxed);
        let take = |taken| (taken < limit).then_some(taken + bytes);
        let taken = self
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.is_ok().then(|| ReservedBody {
            memory: self.clone(),
            bytes,
        })
    }

    /// Waits for room for another part of an answer.
    pub(crate) async fn room(&self) -> ReservedBody {
        loop {
            match self.reserve(RESERVED_PART) {
                Some(reserved) => return reserved,
                None => sleep(WAIT).await,
            }
        }
    }

    /// The same bytes, counted from now on.
    pub(crate) fn count(&self, bytes: Bytes) -> Bytes {
        self.taken.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Bytes::from_owner(CountedBytes {
            bytes,
            taken: Arc::clone(&self.taken),
        })
    }

    /// What a caller is told where there is no room.
    pub(crate) fn exhausted() -> ProblemDetails {
        let detail = "answers that callers have not read yet take all the memory that there is for \
                      them";
        ProblemDetails::new(Kind::Overloaded, detail).with_retry_after(RETRY)
    }
}

fn limit(cache: &Cache) -> u64 {
    cache.answers() + cache.bodies()
}

impl AsRef<[u8]> for CountedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for CountedBytes {
    fn drop(&mut self) {
        let bytes = self.bytes.len() as u64;
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(capacity: u64) -> BodyMemory {
        BodyMemory::new(&Cache {
            capacity,
            directory: None,
        })
    }

    #[test]
    fn a_body_counts_once_and_until_the_last_part_of_it_is_gone() {
        let memory = memory(800);
        let body = memory.count(Bytes::from(vec![b'x'; 100]));
        let parts: Vec<_> = (0..50).map(|_| body.slice(90..)).collect();
        assert_eq!(memory.counts().answers, 100);
        assert!(memory.reserve(1).is_none());
        drop(body);
        assert!(memory.reserve(1).is_none());
        drop(parts);
        assert!(memory.reserve(1).is_some());
    }

    #[test]
    fn of_many_answers_that_are_made_at_once_only_those_are_begun_for_which_there_is_room() {
        let memory = memory(800);
        let mut reserved: Vec<_> = (0..50).filter_map(|_| memory.reserve(40)).collect();
        assert_eq!(reserved.len(), 3);
        let answer = reserved.pop().unwrap().fill(Bytes::from(vec![b'x'; 10]));
        assert_eq!(memory.counts().answers, 90);
        drop((answer, reserved));
        assert_eq!(memory.counts().answers, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_goes_on_once_another_caller_has_read_its_answer() {
        let memory = memory(800);
        let body = memory.count(Bytes::from(vec![b'x'; 100]));
        let reader = async {
            sleep(Duration::from_secs(7)).await;
            drop(body);
        };
        let begun = tokio::time::Instant::now();
        let (reserved, ()) = tokio::join!(memory.room(), reader);
        assert_eq!(memory.counts().answers, RESERVED_PART);
        drop(reserved);
        assert!((7..8).contains(&begun.elapsed().as_secs()));
    }
}
