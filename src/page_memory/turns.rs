//! Whose turn it is to read pages: the cores are shared like the memory, by all walks together.
//!
//! What decides how long a walk takes must not wait for what does not. A page that names the next one is read at
//! once. Pages that were announced are read in turn, each after what has arrived meanwhile was looked at:
//! otherwise dozens of them are read in a row, while the page that others wait for lies in the socket. Large
//! pages and whole lists are read and laid out on threads of their own, never more than there are cores: each
//! one more is a further time slice that a page waits in the socket.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::yield_now;

use super::PageMemory;

/// The turns of all walks. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct ReadingTurns {
    short: Arc<Semaphore>,
    long: Arc<Semaphore>,
}

/// A turn, for as long as it is held.
#[derive(Debug)]
pub(crate) struct ReadingTurn {
    _permit: Option<OwnedSemaphorePermit>,
}

impl PageMemory {
    /// The turn to read a small page on an I/O thread, where other pages are read meanwhile.
    pub(crate) async fn short_turn(&self) -> Option<ReadingTurn> {
        match &self.0 {
            Some(shared) => Some(shared.turns.short().await),
            None => None,
        }
    }

    /// The turn to read a large page or to lay out a list on a thread of its own.
    pub(crate) async fn long_turn(&self) -> Option<ReadingTurn> {
        match &self.0 {
            Some(shared) => Some(shared.turns.long().await),
            None => None,
        }
    }
}

impl ReadingTurns {
    /// Turns on so many cores.
    fn on(cores: usize) -> Self {
        Self {
            // One I/O thread is left to what is read at once.
            short: Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))),
            long: Arc::new(Semaphore::new(cores)),
        }
    }

    /// The turn to read a small page on an I/O thread.
    async fn short(&self) -> ReadingTurn {
        let turn = take(&self.short).await;
        yield_now().await;
        turn
    }

    /// The turn to work for long on a thread of its own.
    async fn long(&self) -> ReadingTurn {
        take(&self.long).await
    }
}

impl Default for ReadingTurns {
    fn default() -> Self {
        Self::on(available_parallelism().map_or(1, usize::from))
    }
}

async fn take(turns: &Arc<Semaphore>) -> ReadingTurn {
    ReadingTurn {
        // It is never closed.
        _permit: Arc::clone(turns).acquire_owned().await.ok(),
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn small_pages_are_read_one_after_the_other_and_what_has_arrived_goes_first() {
        let turns = ReadingTurns::on(1);
        let mut first = pin!(turns.short());
        let mut second = pin!(turns.short());
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        let first = first.await;
        yield_now().await;
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        second.await;
    }

    #[tokio::test]
    async fn one_core_is_never_taken_by_small_pages_alone_and_large_ones_are_no_more_than_cores() {
        let turns = ReadingTurns::on(3);
        let _small = (turns.short().await, turns.short().await);
        assert!(pin!(turns.short()).now_or_never().is_none());
        let large = (turns.long().await, turns.long().await, turns.long().await);
        let mut next = pin!(turns.long());
        assert!(next.as_mut().now_or_never().is_none());
        drop(large);
        next.await;
    }
}
