//! One walk as the catalog sees it: it brings a snapshot or an error.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::error::{ErrorKind, UpstreamError};
use crate::observe::{Observers, Progress};
use crate::snapshot::{Counts, Snapshot};
use crate::upstream::Adapter;
use crate::upstream::walk::{Walked, walk};

use super::resources::CatalogResources;

/// What one walk brings.
#[derive(Debug)]
pub(super) struct WalkResult {
    pub(super) snapshot: Snapshot,
    pub(super) counts: Counts,
    pub(super) pages: u64,
}

/// Makes one walk. The entry decides when; what a walk is, it does not know.
pub(super) type Fetch = Box<
    dyn Fn(Arc<Progress>) -> BoxFuture<'static, Result<WalkResult, UpstreamError>> + Send + Sync,
>;

/// Walks the upstream and lays its groups out, off the I/O threads.
pub(super) async fn walk_to_snapshot(
    adapter: Arc<Adapter>,
    progress: Arc<Progress>,
) -> Result<WalkResult, UpstreamError> {
    let Walked {
        groups,
        counts,
        pages,
    } = walk(&adapter, &Observers::from(progress)).await?;
    let source = Arc::clone(adapter.name());
    let snapshot = tokio::task::spawn_blocking(move || Snapshot::new(source, groups))
        .await
        .map_err(|cut| UpstreamError::ours(format!("the list was not laid out: {cut}")))?;
    Ok(WalkResult {
        snapshot,
        counts,
        pages,
    })
}

/// Walks a whole list. Where its account is refused, what queries brought with it goes too.
pub(super) async fn walk_whole(
    adapter: Arc<Adapter>,
    for_queries: Option<Arc<CatalogResources>>,
    progress: Arc<Progress>,
) -> Result<WalkResult, UpstreamError> {
    let result = walk_to_snapshot(adapter, progress).await;
    if let (Some(resources), true) = (for_queries, is_refused(&result)) {
        resources.store.clear();
        resources.epoch.advance();
    }
    result
}

/// Whether the account that asked may ask no more.
pub(super) fn is_refused(result: &Result<WalkResult, UpstreamError>) -> bool {
    matches!(result, Err(error) if error.kind == ErrorKind::Unauthorized)
}
