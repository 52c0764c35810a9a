//! One walk as the catalog sees it: a snapshot or an error comes of it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::caller::Asker;
use crate::error::{ErrorKind, UpstreamError};
use crate::observe::Observers;
use crate::page::ended_by::EndedBy;
use crate::snapshot::{Counts, GroupPage, Snapshot};
use crate::upstream::Adapter;
use crate::upstream::known_pages::KnownPages;
use crate::upstream::off_thread::{LARGE_BODY, compute};
use crate::upstream::walk::{GroupMarks, KnownGroups, PastTimes, PastWalks, Walked, walk_again};

use super::cached::Upkeep;
use super::in_flight::InFlightWalk;
use super::key::CatalogKey;
use super::resources::CatalogResources;

/// The result of one walk.
#[derive(Debug)]
pub(super) struct WalkResult {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) counts: Counts,
    pub(super) pages: u64,
    pub(super) known_pages: Option<Arc<KnownPages>>,
    pub(super) marks: Option<Arc<GroupMarks>>,
    pub(super) upkeep: Upkeep,
    pub(super) ended_by: EndedBy,
    /// When the oldest of what it brings was read, if a walk before may have read it.
    pub(super) oldest: Option<Instant>,
}

/// Performs one walk on behalf of whoever asks. The entry decides when, and does not know how. `None`:
/// nobody waited for it any more when its turn came.
pub(super) type Fetch =
    Box<dyn Fn(InFlightWalk, Asker) -> BoxFuture<'static, WalkFetched> + Send + Sync>;

/// What comes of a walk, if it began.
pub(super) type WalkFetched = Option<Result<WalkResult, UpstreamError>>;

/// Walks the upstream, and builds the snapshot: of a large list, off the I/O threads.
pub(super) async fn walk_to_snapshot(
    adapter: Arc<Adapter>,
    observers: &Observers,
    past: &PastWalks,
) -> Result<WalkResult, UpstreamError> {
    let Walked {
        groups,
        counts,
        pages,
        ended_by,
        hold,
        remembered,
        is_of_changes,
        keeps_list,
        partitions,
        marks,
        oldest,
        ..
    } = walk_again(&adapter, observers, past).await?;
    let times = past.times.as_ref().filter(|_| is_of_changes);
    let upkeep = Upkeep {
        full_at: times.map(|times| times.full_at),
        link: remembered
            .since_link
            .clone()
            .or_else(|| times.and_then(|times| times.link.clone())),
        partitions,
    };
    let marks = marks.map(Arc::new);
    if let Some(list) = &past.snapshot {
        // All groups are those of the list that is there, and there are as many.
        let is_unchanged = remembered.unchanged() == pages && list.len() == groups.len();
        if keeps_list || is_unchanged {
            return Ok(WalkResult {
                snapshot: Arc::clone(list),
                counts,
                pages,
                known_pages: past.pages.clone(),
                marks,
                upkeep,
                ended_by,
                oldest,
            });
        }
    }
    let memory = adapter.memory.lists();
    let source = Arc::clone(adapter.name());
    let is_large = groups.bytes() >= LARGE_BODY;
    let before = past.snapshot.clone();
    let build = move || {
        let lengths: Vec<_> = groups.pages().iter().map(GroupPage::len).collect();
        let (mut snapshot, places) = Snapshot::of_walk(source, groups, before.as_deref());
        snapshot.count_with(hold.into_list(snapshot.bytes() as u64));
        let known_pages = remembered.into_pages().map(|pages| {
            let pages = pages.into_iter().zip(lengths);
            Arc::new(KnownPages::new(pages, places, &memory))
        });
        (Arc::new(snapshot), known_pages)
    };
    let (snapshot, known_pages) = if is_large {
        compute(&adapter.memory, build).await.map_err(|error| {
            UpstreamError::ours(format!("building the snapshot failed: {error}"))
        })?
    } else {
        build()
    };
    Ok(WalkResult {
        snapshot,
        counts,
        pages,
        known_pages,
        marks,
        upkeep,
        ended_by,
        oldest,
    })
}

/// What a walk may use of those before it, by what is `known` of them and by the list that is kept.
pub(super) fn past_walks(
    known: &KnownGroups,
    key: &CatalogKey,
    adapter: &Adapter,
    resources: &CatalogResources,
) -> PastWalks {
    let cached = resources.store.get(key);
    let cached = cached.filter(|cached| !cached.is_of_another_shape);
    let times = cached.as_ref().map(|cached| PastTimes {
        as_of: cached.as_of,
        full_at: cached.upkeep.full_at.unwrap_or(cached.as_of),
        link: cached.upkeep.link.clone(),
        partitions: cached.upkeep.partitions.clone(),
    });
    PastWalks {
        known: known.clone(),
        snapshot: cached.as_ref().map(|cached| Arc::clone(&cached.snapshot)),
        gone: cached.as_ref().map_or(0, |cached| cached.counts.gone),
        marks: cached.as_ref().and_then(|cached| cached.marks.clone()),
        pages: cached.and_then(|cached| cached.known_pages.clone()),
        times,
        ttl: adapter.terms().freshness.ttl,
        now: resources.wall.now(),
    }
}

/// Walks a whole list. If its account is refused, the results of queries go too.
pub(super) async fn walk_whole(
    adapter: Arc<Adapter>,
    for_queries: Option<Arc<CatalogResources>>,
    observers: Observers,
    past: PastWalks,
) -> WalkFetched {
    let result = walk_to_snapshot(adapter, &observers, &past).await;
    if let (Some(resources), true) = (for_queries, is_refused(&result)) {
        resources.store.clear();
        resources.epoch.advance();
    }
    Some(result)
}

/// Whether the upstream refused the account.
pub(super) fn is_refused(result: &Result<WalkResult, UpstreamError>) -> bool {
    matches!(result, Err(error) if error.kind == ErrorKind::Unauthorized)
}

#[cfg(test)]
mod tests;
