//! The walk: the exchanges that together fetch an upstream's whole list.
//!
//! Pages follow each other as the pager says; if the first one states how many there are, the rest
//! is fetched concurrently. A walk returns the whole list or an error, never a short list that looks
//! complete: totals are checked, repeats are detected, and each limit has its own error. A list that
//! changes while it is read is read once more.
//!
//! ```text
//! walk (deadline) ▸ partitions ▸ list (one restart) ▸ attempt (page after page) ▸ room (memory for groups)
//!      │                              ▲                     ▸ tally (what was read, limits, totals)
//!      └▸ completion (details and people of each group) ┘
//! ```
//!
//! Partitions, details and people are lists like that of groups, read by an adapter for each, and the walk is
//! whole only if all of them are.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::adapter::Adapter;
use crate::error::{ErrorKind, UpstreamError};
use crate::observe::Observers;

mod account;

mod attempt;

mod budget;
use budget::WalkBudget;

mod completion;
use completion::complete;

mod distinct;
mod distinct_rows;

mod known;
pub use known::{KnownGroups, PastWalks};

mod list;
use list::read_list;

mod outcome;
pub use outcome::Walked;
pub(super) use outcome::is_client_error;

mod partitions;
use partitions::read_partitions;

mod related_observer;

mod remembered;

mod room;

mod seen;

mod tally;

/// What all lists of one walk have in common.
#[derive(Clone, Copy)]
struct WalkContext<'a> {
    adapter: &'a Arc<Adapter>,
    observers: &'a Observers,
    deadline: Instant,
    budget: &'a WalkBudget,
}

/// Walks the whole list of `adapter`'s upstream, and tells `observers` how it goes.
pub async fn walk(adapter: &Arc<Adapter>, observers: &Observers) -> Result<Walked, UpstreamError> {
    walk_again(adapter, observers, &PastWalks::default()).await
}

/// The same for a list that was walked before, of whose groups some are known.
pub async fn walk_again(
    adapter: &Arc<Adapter>,
    observers: &Observers,
    past: &PastWalks,
) -> Result<Walked, UpstreamError> {
    let adapter = &past.ask_if_changed(adapter);
    let limit = adapter.limits().walk;
    let deadline = Instant::now() + limit.get();
    let whole = async {
        // Recorded pages are those of the list of groups.
        if adapter.related().is_empty() || adapter.exchange.has_only_pages() {
            return read_list(adapter, observers, deadline, &WalkBudget::default()).await;
        }
        let budget = &WalkBudget::shared(adapter.memory.lists().walk());
        let context = WalkContext {
            adapter,
            observers,
            deadline,
            budget,
        };
        Box::pin(with_related(context, past)).await
    };
    timeout_at(deadline, whole).await.unwrap_or_else(|_| {
        Err(UpstreamError::new(
            ErrorKind::Timeout,
            format!("the walk took longer than {limit} (`limits.walk`)"),
        ))
    })
}

/// Walks a list of groups with the lists that belong to it.
async fn with_related(context: WalkContext<'_>, past: &PastWalks) -> Result<Walked, UpstreamError> {
    let (walked, origins) = read_partitions(context).await?;
    if context.adapter.related().is_per_group() {
        complete(context, walked, &origins, past).await
    } else {
        Ok(walked)
    }
}

#[cfg(test)]
use crate::observe::Event;

#[cfg(test)]
mod tests;
