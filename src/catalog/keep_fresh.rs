//! The task that begins those walks of an entry that nobody asks for.

use std::future::pending;
use std::sync::Arc;

use tokio::time::sleep_until;

use super::entry::Entry;

/// Walks for an entry whenever a walk is due that nobody asks for.
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
            // What is due is another thing after each walk.
            () = entry.walked() => {}
            () = due_comes => entry.renew(),
        }
    }
}
