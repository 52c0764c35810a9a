//! The line in which queries wait for their walk: a few run at once, a bounded number waits.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{ErrorKind, UpstreamError};

/// How many queries may stand in line for each that is being walked.
const LINE: usize = 64;

/// The line in which queries wait for their walk.
#[derive(Debug)]
pub(super) struct Line {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

/// A walk's turn. Dropping it lets the next one begin.
#[derive(Debug)]
pub(super) struct Turn {
    _place: OwnedSemaphorePermit,
    _turn: OwnedSemaphorePermit,
}

impl Line {
    /// A line in which `at_once` walks run.
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(at_once.saturating_mul(LINE + 1))),
            turns: Arc::new(Semaphore::new(at_once)),
        }
    }

    /// Waits for a turn. Where too many wait already, it is refused at once.
    pub(super) async fn turn(&self) -> Result<Turn, UpstreamError> {
        let full = || {
            UpstreamError::new(
                ErrorKind::RateLimited,
                "too many different queries are waiting for this upstream (`limits.concurrency` of \
                 them are answered at once)",
            )
        };
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| full())?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        Ok(Turn {
            _place: place,
            // It is never closed.
            _turn: turn.map_err(|_| full())?,
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
    async fn a_few_walks_run_at_once_and_a_bounded_line_waits() {
        let line = Line::new(2);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let walks = (0..500).map(|_| async {
            let turn = line.turn().await?;
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep(Duration::from_secs(1)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            drop(turn);
            Ok::<_, UpstreamError>(())
        });
        let ends = join_all(walks).await;
        assert_eq!(most.into_inner(), 2);
        let walked = ends.iter().filter(|end| end.is_ok()).count();
        assert_eq!(walked, 2 * (LINE + 1));
        let refused = ends.into_iter().find_map(Result::err).unwrap();
        assert_eq!(refused.kind, ErrorKind::RateLimited);
        assert!(line.turn().await.is_ok(), "the line has moved on");
    }
}
