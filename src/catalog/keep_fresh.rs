//! The task that starts the background walks of an entry.

use std::future::pending;
use std::sync::Arc;

use tokio::time::sleep_until;

use super::entry::Entry;

/// Starts a walk whenever one is due, though nobody asks for it.
pub(super) async fn keep_fresh(entry: Arc<Entry>) {
    loop {
        let due = entry.due(rand::random());
        let due_comes = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => pending().await,
            }
        };
        tokio::select! {
            // Each walk changes when the next one is due.
            () = entry.walked() => {}
            () = due_comes => entry.renew(),
        }
    }
}
