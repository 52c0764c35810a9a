//! One walk as the catalog sees it: it brings a snapshot or an error.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::error::UpstreamError;
use crate::observe::{Observers, Progress};
use crate::snapshot::{Counts, Snapshot};
use crate::upstream::Adapter;
use crate::upstream::walk::{Walked, walk};

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
pub(super) async fn bring(
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
