//! The queue in which queries wait for their walk: a few walks run at once, and the queue is bounded.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{ErrorKind, UpstreamError};

/// How many queries may wait for each walk that runs.
const WAITING_PER_WALK: usize = 64;

/// Bounds the walks for queries, and the queries that wait for one.
#[derive(Debug)]
pub(super) struct QueryQueue {
    /// Those that wait, and those that run.
    places: Arc<Semaphore>,
    /// Those that run.
    walks: Arc<Semaphore>,
}

/// The right to walk. Dropping it lets the next query walk.
#[derive(Debug)]
pub(super) struct WalkPermit {
    _place: OwnedSemaphorePermit,
    _walk: OwnedSemaphorePermit,
}

impl QueryQueue {
    /// A queue for `at_once` walks at a time.
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(at_once.saturating_mul(WAITING_PER_WALK + 1))),
            walks: Arc::new(Semaphore::new(at_once)),
        }
    }

    /// Waits for a permit. Where too many wait already, it is refused at once.
    pub(super) async fn acquire(&self) -> Result<WalkPermit, UpstreamError> {
        let full = || {
            UpstreamError::new(
                ErrorKind::RateLimited,
                "too many different queries are waiting for this upstream (`limits.concurrency` of \
                 them are answered at once)",
            )
        };
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| full())?;
        let walk = Arc::clone(&self.walks).acquire_owned().await;
        Ok(WalkPermit {
            _place: place,
            // It is never closed.
            _walk: walk.map_err(|_| full())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures_util::future::join_all;
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_few_walks_run_at_once_and_a_bounded_queue_waits() {
        let queue = QueryQueue::new(2);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let walks = (0..500).map(|_| async {
            let permit = queue.acquire().await?;
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep(Duration::from_secs(1)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            drop(permit);
            Ok::<_, UpstreamError>(())
        });
        let ends = join_all(walks).await;
        assert_eq!(most.into_inner(), 2);
        let walked = ends.iter().filter(|end| end.is_ok()).count();
        assert_eq!(walked, 2 * (WAITING_PER_WALK + 1));
        let refused = ends.into_iter().find_map(Result::err).unwrap();
        assert_eq!(refused.kind, ErrorKind::RateLimited);
        assert!(queue.acquire().await.is_ok(), "the queue has moved on");
    }
}
