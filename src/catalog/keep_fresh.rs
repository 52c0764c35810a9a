//! The task that starts the background walks of an entry, and lets go of its list once that is too old to
//! be served.

use std::future::pending;
use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use super::entry::Entry;

/// Starts a walk whenever one is due, though nobody asks for it, and makes room when a list expires.
pub(super) async fn keep_fresh(entry: Arc<Entry>) {
    loop {
        let due = entry.due(rand::random());
        let comes = async |moment: Option<Instant>| match moment {
            Some(moment) => sleep_until(moment).await,
            None => pending().await,
        };
        tokio::select! {
            // Each walk changes when the next one is due, and so do other terms.
            () = entry.changed() => {}
            () = comes(due) => entry.renew(),
            () = comes(entry.expires()) => entry.expire(),
        }
    }
}
