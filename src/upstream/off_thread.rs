//! Runs work that would block an I/O thread on another thread.

use crate::error::UpstreamError;

/// Bodies of this size are decoded and mapped, and made lists, off the I/O threads: for smaller ones the
/// hand-over costs more than the work.
pub(crate) const LARGE_BODY: u64 = 256 * 1024;

/// Runs `work` on a blocking thread if the body has that many bytes or more.
pub(super) async fn off_thread_if_large<T, F>(bytes: u64, work: F) -> Result<T, UpstreamError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, UpstreamError> + Send + 'static,
{
    if bytes < LARGE_BODY {
        return work();
    }
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| {
            Err(UpstreamError::ours(format!(
                "reading a page was interrupted: {error}"
            )))
        })
}
