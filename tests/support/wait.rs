//! Waiting for what must happen, without sleeping for a guess.

use std::time::Duration;

use tokio::time::{Instant, interval};

/// The longest time that anything awaited may take. Far more than it takes, for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Tries until there is something, and fails the test after a while.
pub(crate) async fn eventually<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + PATIENCE;
    let mut tick = interval(Duration::from_millis(20));
    while Instant::now() < give_up {
        tick.tick().await;
        if let Some(found) = attempt().await {
            return found;
        }
    }
    panic!("not within {PATIENCE:?}: {what}");
}
