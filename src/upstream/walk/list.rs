//! What is read once more if it changes while it is read: one list of a walk, or the lists of all partitions.

use std::sync::Arc;

use tokio::time::Instant;

use crate::error::{ErrorKind, UpstreamError};
use crate::observe::{Event, Observers};
use crate::upstream::adapter::Adapter;

use super::attempt::Attempt;
use super::budget::WalkBudget;
use super::outcome::{Interrupted, Walked, is_fault, is_refusal};

/// Reads the list of an adapter.
pub(super) async fn read_list(
    adapter: &Arc<Adapter>,
    observers: &Observers,
    deadline: Instant,
    budget: &WalkBudget,
) -> Result<Walked, UpstreamError> {
    let attempt = |is_second| Attempt::new(adapter, observers, deadline, budget, is_second).run();
    read_twice(adapter, observers, attempt).await
}

/// What an attempt brings, or a second one, if the list changed during the first.
pub(super) async fn read_twice<A>(
    adapter: &Adapter,
    observers: &Observers,
    attempt: impl Fn(bool) -> A,
) -> Result<Walked, UpstreamError>
where
    A: Future<Output = Result<Walked, Interrupted>>,
{
    let first = (attempt(false).await).map_err(|interrupted| interrupted.masked(&adapter.masks));
    let reason = match first {
        Ok(walked) => return Ok(walked),
        Err(Interrupted::Failed(error)) => return Err(error),
        Err(Interrupted::ListChanged(reason)) => reason,
    };
    // Walking again because a page failed is a retry like any other.
    if is_fault(&reason) && !adapter.exchange.withdraw_retry() {
        return Err(reason);
    }
    if is_refusal(reason.kind) {
        tracing::info!(source = %adapter.name(), %reason, "a page was refused during a walk, walking again");
    } else {
        tracing::info!(source = %adapter.name(), %reason, "list changed during its walk, walking again");
    }
    observers.notify(&Event::WalkRestarted(&reason));
    let second = attempt(true).await;
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
