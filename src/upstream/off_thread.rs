//! Where and when a page is decoded and mapped: a large one on a thread of its own.

use tokio::task::spawn_blocking;

use crate::error::UpstreamError;
use crate::page_memory::PageMemory;

/// Bodies of this size are decoded and mapped, and made lists, off the I/O threads: for smaller ones the
/// hand-over costs more than the work.
pub(crate) const LARGE_BODY: u64 = 256 * 1024;

/// How soon a page is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// The walk goes on when it has been read.
    #[default]
    Now,
    /// Other pages of the walk are fetched meanwhile.
    InTurn,
}

/// Runs `work` on a body of so many bytes, when its turn comes.
pub(super) async fn run<T, F>(
    bytes: u64,
    urgency: Urgency,
    memory: &PageMemory,
    work: F,
) -> Result<T, UpstreamError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, UpstreamError> + Send + 'static,
{
    if bytes >= LARGE_BODY {
        return compute(memory, work).await.unwrap_or_else(|error| {
            Err(UpstreamError::ours(format!(
                "reading a page was interrupted: {error}"
            )))
        });
    }
    let _turn = match urgency {
        Urgency::Now => None,
        Urgency::InTurn => memory.short_turn().await,
    };
    work()
}

/// Runs `work` that takes long on a thread of its own, when its turn comes.
pub(crate) async fn compute<T: Send + 'static>(
    memory: &PageMemory,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, tokio::task::JoinError> {
    let turn = memory.long_turn().await;
    spawn_blocking(move || {
        let _turn = turn;
        work()
    })
    .await
}
