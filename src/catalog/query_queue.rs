//! The queue in which queries wait for their walk: a few walks run at once, and the queue is bounded.
//!
//! It is fair to those who ask: their turns go round, so that one who asks for hundreds of things
//! delays mostly itself. Where it is full, a place is taken from whoever has the most.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::caller::Asker;
use crate::error::{ErrorKind, UpstreamError};

use super::in_flight::InFlightWalk;

/// How many queries may wait for each walk that runs.
const WAITING_PER_WALK: usize = 64;

/// Bounds the walks for queries, and the queries that wait for one.
#[derive(Debug)]
pub(super) struct QueryQueue {
    at_once: usize,
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    running: usize,
    waiting: usize,
    next: u64,
    /// Those who ask, in the order of their turns, each with at least one place.
    turns: VecDeque<Turn>,
}

/// The places of one who asks, in the order in which they came.
#[derive(Debug)]
struct Turn {
    asker: Asker,
    places: VecDeque<QueuedPlace>,
}

#[derive(Debug)]
struct QueuedPlace {
    id: u64,
    called: oneshot::Sender<()>,
}

/// The right to walk. Dropping it lets the next query walk.
#[derive(Debug)]
pub(super) struct WalkPermit(Arc<QueryQueue>);

/// One who waits. Dropping it leaves the place to others.
struct QueueWaiter {
    queue: Arc<QueryQueue>,
    id: u64,
    called: oneshot::Receiver<()>,
}

impl QueryQueue {
    /// A queue for `at_once` walks at a time.
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            at_once,
            line: Mutex::default(),
        }
    }

    /// Waits for a permit. Where too many wait already, it is refused.
    pub(super) async fn acquire(
        self: &Arc<Self>,
        asker: Asker,
    ) -> Result<WalkPermit, UpstreamError> {
        let mut waiter = {
            let mut line = self.lock();
            if line.running < self.at_once {
                line.running += 1;
                return Ok(WalkPermit(Arc::clone(self)));
            }
            if line.waiting == self.at_once.saturating_mul(WAITING_PER_WALK) {
                line.make_room_for(asker)
                    .ok_or_else(|| full(self.at_once))?;
            }
            let (called, is_called) = oneshot::channel();
            QueueWaiter {
                queue: Arc::clone(self),
                id: line.join(asker, called),
                called: is_called,
            }
        };
        let called = (&mut waiter.called).await;
        called.map_err(|_| full(self.at_once))?;
        Ok(WalkPermit(Arc::clone(self)))
    }

    /// The same for a walk that somebody waits for. `None`: nobody does any more, and a place that nobody
    /// waits in is left to others.
    pub(super) async fn turn(
        self: &Arc<Self>,
        asker: Asker,
        walk: &InFlightWalk,
    ) -> Option<Result<WalkPermit, UpstreamError>> {
        tokio::select! {
            biased;
            permit = self.acquire(asker) => Some(permit),
            () = walk.unawaited() => None,
        }
    }

    /// Lets the next one walk, after one has ended.
    fn release(&self) {
        let mut line = self.lock();
        while let Some(next) = line.call() {
            if next.called.send(()).is_ok() {
                return;
            }
        }
        line.running -= 1;
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn join(&mut self, asker: Asker, called: oneshot::Sender<()>) -> u64 {
        let id = self.next;
        self.next += 1;
        self.waiting += 1;
        let place = QueuedPlace { id, called };
        match self.turns.iter_mut().find(|turn| turn.asker == asker) {
            Some(turn) => turn.places.push_back(place),
            None => self.turns.push_back(Turn {
                asker,
                places: [place].into(),
            }),
        }
        id
    }

    /// The first place of whose turn it is, who then goes to the end of the line.
    fn call(&mut self) -> Option<QueuedPlace> {
        let mut turn = self.turns.pop_front()?;
        let place = turn.places.pop_front();
        if !turn.places.is_empty() {
            self.turns.push_back(turn);
        }
        self.waiting -= 1;
        place
    }

    /// Takes the last place of whoever has the most, unless that is `asker`.
    fn make_room_for(&mut self, asker: Asker) -> Option<QueuedPlace> {
        let own = self.turns.iter().find(|turn| turn.asker == asker);
        let own = own.map_or(0, |turn| turn.places.len());
        let longest = self.turns.iter_mut().max_by_key(|turn| turn.places.len())?;
        // Two places more, or they would take each other's in turns.
        if longest.places.len() < own + 2 {
            return None;
        }
        self.waiting -= 1;
        longest.places.pop_back()
    }

    /// Whether the place was still in the line.
    fn leave(&mut self, id: u64) -> bool {
        let before = self.waiting;
        for turn in &mut self.turns {
            let places = turn.places.len();
            turn.places.retain(|place| place.id != id);
            self.waiting -= places - turn.places.len();
        }
        self.turns.retain(|turn| !turn.places.is_empty());
        self.waiting < before
    }
}

fn full(at_once: usize) -> UpstreamError {
    UpstreamError::new(
        ErrorKind::Overloaded,
        format!(
            "too many walks for queries or callers are waiting for this upstream, which makes {at_once} \
             at once (`limits.concurrency`)"
        ),
    )
}

impl Drop for WalkPermit {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl Drop for QueueWaiter {
    fn drop(&mut self) {
        let has_left = self.queue.lock().leave(self.id);
        // It was called, and nobody has taken the permit.
        if !has_left && self.called.try_recv().is_ok() {
            self.queue.release();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures_util::future::join_all;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::caller::Caller;

    fn asker(number: u8) -> Asker {
        Caller {
            network: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, number))),
            ..Caller::default()
        }
        .asker()
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_walks_run_at_once_and_a_bounded_queue_waits() {
        let queue = Arc::new(QueryQueue::new(2));
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let walks = (0..500).map(|_| async {
            let permit = queue.acquire(asker(1)).await?;
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
        assert_eq!(refused.kind, ErrorKind::Overloaded);
        assert!(
            queue.acquire(asker(1)).await.is_ok(),
            "the queue has moved on"
        );
    }

    /// How many seconds it takes until somebody else has walked, while one asks for 400 walks of a
    /// second, of which one runs at once.
    async fn wait_of_another(queue: &Arc<QueryQueue>, leaves: bool) -> u64 {
        let walk = |asker| {
            let queue = Arc::clone(queue);
            async move {
                let permit = queue.acquire(asker).await;
                if permit.is_ok() {
                    sleep(Duration::from_secs(1)).await;
                }
                permit.is_ok()
            }
        };
        let greedy: Vec<_> = (0..400).map(|_| tokio::spawn(walk(asker(1)))).collect();
        sleep(Duration::from_millis(500)).await;
        if leaves {
            greedy.iter().for_each(tokio::task::JoinHandle::abort);
        }
        let begun = Instant::now();
        assert!(walk(asker(2)).await, "its place is taken from the other");
        begun.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_asks_for_hundreds_of_things_delays_others_by_one() {
        let queue = Arc::new(QueryQueue::new(1));
        assert!(wait_of_another(&queue, false).await <= 3);
    }

    #[tokio::test(start_paused = true)]
    async fn places_that_nobody_waits_in_are_given_up() {
        let queue = Arc::new(QueryQueue::new(1));
        assert_eq!(wait_of_another(&queue, true).await, 1);
        let line = queue.lock();
        assert_eq!((line.running, line.waiting, line.turns.len()), (0, 0, 0));
    }
}
