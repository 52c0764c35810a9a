//! A bounded pool for work that computes long enough to hold up I/O.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

/// How much work may wait for its turn. What comes then is turned away at once, instead of being
/// answered too late.
const WAITING: usize = 64;

/// Every place is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overloaded;

/// A bounded pool: so much runs, so much waits, and the rest is turned away.
#[derive(Debug, Clone)]
pub(crate) struct BlockingPool {
    places: Arc<Semaphore>,
    pub(super) workers: Arc<Semaphore>,
}

impl BlockingPool {
    /// A pool with a worker per processor.
    pub(crate) fn new() -> Self {
        Self::sized(available_parallelism().map_or(1, usize::from), WAITING)
    }

    /// A pool in which so much runs and so much waits.
    pub(crate) fn sized(workers: usize, waiting: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(workers + waiting)),
            workers: Arc::new(Semaphore::new(workers)),
        }
    }

    /// Runs `work` off the I/O threads, if its turn comes until `deadline`. Later, nobody would
    /// wait for it any more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
        deadline: Instant,
    ) -> Result<T, Overloaded> {
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| Overloaded)?;
        // A free worker is taken also when it is late: an answer is then made at once.
        let worker = timeout_at(deadline, Arc::clone(&self.workers).acquire_owned())
            .await
            .map_err(|_| Overloaded)?
            .map_err(|_| Overloaded)?;
        // Work that nobody waits for any more still runs, and is still counted.
        done((place, worker), work).await.ok_or(Overloaded)
    }

    /// Runs `work` off the I/O threads when its turn comes: for what was admitted before, and goes
    /// on in parts. `None`: the runtime is shutting down.
    pub(crate) async fn run_in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let worker = Arc::clone(&self.workers).acquire_owned().await.ok()?;
        done(worker, work).await
    }
}

/// What comes of `work`, done off the I/O threads while its place is `held`. `None`: the runtime is
/// shutting down.
async fn done<T: Send + 'static>(
    held: impl Send + 'static,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let done = spawn_blocking(move || {
        let _held = held;
        work()
    });
    match done.await {
        Ok(result) => Some(result),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    #[tokio::test(start_paused = true)]
    async fn work_whose_turn_does_not_come_in_time_is_turned_away() {
        let pool = BlockingPool::sized(1, 1);
        let worker = pool.workers.acquire().await.unwrap();
        let asked = Instant::now();
        assert_eq!(pool.run(|| 1, soon()).await, Err(Overloaded));
        assert_eq!(asked.elapsed(), Duration::from_mins(1));
        drop(worker);
        assert_eq!(pool.run(|| 1, asked).await, Ok(1));
    }

    #[tokio::test]
    async fn work_is_done_off_the_thread_that_asks() {
        let here = std::thread::current().id();
        let there = BlockingPool::new()
            .run(|| std::thread::current().id(), soon())
            .await;
        assert_ne!(there, Ok(here));
    }

    #[tokio::test]
    async fn work_beyond_the_queue_is_turned_away_and_the_rest_is_done() {
        let pool = BlockingPool::sized(1, 1);
        let (go, wait) = mpsc::channel();
        let running = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(move || wait.recv(), soon()).await }
        });
        tokio::task::yield_now().await;
        let waiting = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(|| 2, soon()).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(pool.run(|| 3, soon()).await, Err(Overloaded));
        go.send(1).unwrap();
        assert_eq!(running.await.unwrap(), Ok(Ok(1)));
        assert_eq!(waiting.await.unwrap(), Ok(2));
        assert_eq!(pool.run(|| 3, soon()).await, Ok(3));
    }

    #[tokio::test]
    async fn work_that_its_caller_abandons_keeps_its_worker_until_it_is_done() {
        let pool = BlockingPool::sized(1, 0);
        let (go, wait) = mpsc::channel::<()>();
        let abandoned = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(move || wait.recv(), soon()).await }
        });
        tokio::task::yield_now().await;
        abandoned.abort();
        assert!(abandoned.await.unwrap_err().is_cancelled());
        assert_eq!(pool.run(|| 1, soon()).await, Err(Overloaded));
        drop(go);
        let place = pool.places.acquire().await;
        assert!(place.is_ok());
    }
}
