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
use super::outer_values::OuterValues;
use crate::error::{ErrorKind, UpstreamError};
use crate::observe::{Event, ListChanges, Observers};
use crate::snapshot::Counts;

mod account;

mod attempt;

mod brought;

mod budget;
use budget::WalkBudget;

mod changes;
use changes::{differing, lay_over, listed_ids, may_be_elsewhere};

mod completion;
use completion::complete;

mod context;
use context::WalkContext;

mod distinct;
mod distinct_rows;

mod gone_groups;

mod known;
pub use known::{KnownGroups, PastTimes, PastWalks};

mod left_out;

mod list;
use list::{read_list, read_twice};

mod listed_group;

mod marks;
pub use marks::GroupMarks;

mod outcome;
use outcome::Interrupted;
pub use outcome::Walked;
pub(super) use outcome::is_client_error;

mod partition_set;
pub use partition_set::PartitionSet;

mod partitions;
use partitions::read_partitions;

mod records_read;

mod related_observer;

mod remembered;

mod room;

mod saved_marks;

mod seen;

mod tally;

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
        if is_bare(adapter) && adapter.incremental().is_none() {
            let budget = WalkBudget::default();
            return Box::pin(read_list(adapter, observers, deadline, &budget)).await;
        }
        let attempt = |_| Box::pin(of_changes(adapter, observers, deadline, past));
        read_twice(adapter, observers, attempt).await
    };
    timeout_at(deadline, whole).await.unwrap_or_else(|_| {
        Err(UpstreamError::of_no_answer(
            ErrorKind::Timeout,
            format!("the walk took longer than {limit} (`limits.walk`)"),
        ))
    })
}

/// Whether the list of groups is all that is asked for. Recorded pages are those of that list.
fn is_bare(adapter: &Adapter) -> bool {
    adapter.related().is_empty() || adapter.exchange.has_only_pages()
}

fn budget_of(adapter: &Adapter) -> WalkBudget {
    if is_bare(adapter) {
        WalkBudget::default()
    } else {
        WalkBudget::shared(adapter.memory.lists().walk())
    }
}

/// Asks for what has changed and lays it over the list that is there, or asks for everything.
async fn of_changes(
    adapter: &Arc<Adapter>,
    observers: &Observers,
    deadline: Instant,
    past: &PastWalks,
) -> Result<Walked, Interrupted> {
    let context = WalkContext {
        adapter,
        observers,
        deadline,
        budget: &budget_of(adapter),
    };
    if let Some(since) = past.since(adapter) {
        let changes = WalkContext {
            adapter: &adapter.asking_since(since),
            // What it reads for nothing is none of a walk for everything.
            budget: &budget_of(adapter),
            ..context
        };
        if let Some(listed) = list_changes(changes, past).await? {
            let walked = with_related(changes, listed, past).await?;
            told(observers, &walked);
            return Ok(walked);
        }
    }
    let listed = read_partitions(context).await?;
    let mut walked = with_related(context, listed, past).await?;
    // Some of them may have been found while they were completed.
    let differing = differing(adapter, past, &walked.groups);
    walked.counts.differing = walked.counts.differing.max(differing);
    if adapter.incremental().is_some() {
        told(observers, &walked);
    }
    if walked.remembered.since_link.is_none() && adapter.is_linked() {
        tracing::warn!(
            source = %adapter.name(),
            "no page has the link for what changes, so each walk asks for everything"
        );
    }
    Ok(walked)
}

/// What has changed, and what stands around each page of it. `None`: it does not say what becomes of the list.
async fn list_changes(
    context: WalkContext<'_>,
    past: &PastWalks,
) -> Result<Option<(Walked, Vec<OuterValues>)>, Interrupted> {
    let adapter = context.adapter;
    match read_partitions(context).await {
        Err(Interrupted::Failed(error)) if adapter.is_linked() && is_client_error(&error) => {
            tracing::info!(
                source = %adapter.name(),
                error.detail = error.detail,
                "the link for what has changed was refused, so everything is asked for"
            );
        }
        // Their groups may be in the list.
        Ok((walked, _)) if walked.counts.skipped > 0 => tracing::warn!(
            source = %adapter.name(),
            skipped = walked.counts.skipped,
            "records of what has changed have no id or no name, so everything is asked for"
        ),
        // All groups of one that has come are new, whenever they changed, and none of one that has gone is deleted.
        Ok((walked, _)) if !past.is_of_partitions(&walked) => tracing::info!(
            source = %adapter.name(),
            "the partitions are others than those of the list, so everything is asked for"
        ),
        Ok((walked, _)) if may_be_elsewhere(adapter, &walked, past) => tracing::info!(
            source = %adapter.name(),
            "a group was deleted in a partition and may be in another one, so everything is asked for"
        ),
        listed => return listed.map(Some),
    }
    Ok(None)
}

/// Tells observers what a walk brought of a list that is kept up.
fn told(observers: &Observers, walked: &Walked) {
    let Counts {
        changed,
        removed,
        differing,
        ..
    } = walked.counts;
    observers.notify(&Event::ListKeptUp(ListChanges {
        changed,
        removed,
        differing,
    }));
}

/// Walks a list of groups with the lists that belong to it. What only has changed is laid over the list that is there.
async fn with_related(
    context: WalkContext<'_>,
    (mut walked, mut origins): (Walked, Vec<OuterValues>),
    past: &PastWalks,
) -> Result<Walked, UpstreamError> {
    let adapter = context.adapter;
    let list = past.snapshot.as_ref().filter(|_| adapter.is_of_changes());
    let listed = list.map(|list| (list, listed_ids(&walked.groups)));
    walked.groups.drop_removed();
    if adapter.related().is_per_group() && !adapter.exchange.has_only_pages() {
        let again = match &listed {
            Some((_, listed)) => {
                past.list_gone(adapter, listed, &mut walked.groups, &mut origins)?
            }
            None => 0,
        };
        let completed = complete(context, (walked, again), &origins, past).await;
        walked = completed.map_err(UpstreamError::beside_accepted)?;
    }
    match listed {
        Some((list, listed)) => {
            let memory = adapter.memory.lists();
            let laid = |marks: GroupMarks| marks.laid_over(past.marks.as_deref(), &listed, &memory);
            walked.marks = walked.marks.map(laid);
            lay_over(context, walked, &listed, list).await
        }
        None => Ok(walked),
    }
}

#[cfg(test)]
mod tests;
