//! The walk: the exchanges that together fetch an upstream's whole list.
//!
//! Pages follow each other as the pager says; if the first one states how many there are, the rest
//! is fetched concurrently. A walk returns the whole list or an error, never a short list that looks
//! complete: totals are checked, repeats are detected, and each limit has its own error. A list that
//! changes while it is read is read once more.
//!
//! ```text
//! walk (deadline, one restart) ▸ attempt (page after page) ▸ room (memory for groups)
//!      ▸ tally (what was read, limits, totals)
//! ```

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::adapter::Adapter;
use crate::error::{ErrorKind, UpstreamError};
use crate::observe::{Event, Observers};

mod account;

mod attempt;
use attempt::Attempt;

mod distinct;

mod outcome;
pub use outcome::Walked;
pub(super) use outcome::is_client_error;
use outcome::{Interrupted, is_fault, is_refusal};

mod room;

mod seen;

mod tally;

/// Walks the whole list of `adapter`'s upstream, and tells `observers` how it goes.
pub async fn walk(adapter: &Arc<Adapter>, observers: &Observers) -> Result<Walked, UpstreamError> {
    let limit = adapter.limits().walk;
    let deadline = Instant::now() + limit.get();
    timeout_at(deadline, with_one_restart(adapter, observers, deadline))
        .await
        .unwrap_or_else(|_| {
            Err(UpstreamError::new(
                ErrorKind::Timeout,
                format!("the walk took longer than {limit} (`limits.walk`)"),
            ))
        })
}

async fn with_one_restart(
    adapter: &Arc<Adapter>,
    observers: &Observers,
    deadline: Instant,
) -> Result<Walked, UpstreamError> {
    let first = Attempt::new(adapter, observers, deadline, false)
        .run()
        .await
        .map_err(|interrupted| interrupted.masked(&adapter.masks));
    let reason = match first {
        Ok(walked) => return Ok(walked),
        Err(Interrupted::Failed(error)) => return Err(error),
        Err(Interrupted::ListChanged(reason)) => reason,
    };
    // Walking again because a page failed is a retry like any other.
    if is_fault(&reason) && !adapter.exchange.withdraw_retry() {
        return Err(reason);
    }
    tracing::info!(source = %adapter.name(), %reason, "list changed during its walk, walking again");
    observers.notify(&Event::WalkRestarted(&reason));
    let second = Attempt::new(adapter, observers, deadline, true).run().await;
    match second.map_err(|interrupted| interrupted.masked(&adapter.masks)) {
        Ok(walked) => Ok(walked),
        // What ended the first attempt opened the breaker, so that is the error to report.
        Err(Interrupted::Failed(error))
            if error.kind == ErrorKind::CircuitOpen && is_refusal(reason.kind) =>
        {
            let wait = reason.retry_after.max(error.retry_after);
            Err(reason.with_retry_after(wait))
        }
        Err(Interrupted::Failed(error) | Interrupted::ListChanged(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests;
