//! The streams of HTTP/2, each a task of its own that can be ended without its connection.

use std::sync::Arc;

use hyper::rt::Executor;
use tokio::sync::Notify;

tokio::task_local! {
    /// What ends the stream that the task answers.
    static END: Arc<Notify>;
}

/// Runs the streams of a connection.
#[derive(Debug, Clone, Copy)]
pub(in crate::downstream) struct StreamExecutor;

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let end = Arc::new(Notify::new());
        let ended = Arc::clone(&end);
        tokio::spawn(END.scope(end, async move {
            tokio::select! {
                biased;
                // What is dropped before its end is reset.
                () = ended.notified() => {}
                () = stream => {}
            }
        }));
    }
}

/// What ends the stream whose answer is made here. `None`: it is the only one of its connection.
pub(super) fn end_of_stream() -> Option<Arc<Notify>> {
    END.try_with(Arc::clone).ok()
}
