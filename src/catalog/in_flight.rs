//! A walk that is under way or about to be, as those see it who wait for it.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::observe::Progress;

/// How far a walk is that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RunningWalk {
    /// For how many seconds it has been under way.
    pub seconds: u64,
    /// How many pages it has read.
    pub pages: u64,
    /// How many records they hold.
    pub records: u64,
}

/// A walk that somebody can wait for.
#[derive(Debug, Clone)]
pub(super) struct InFlightWalk {
    finished: Arc<watch::Sender<bool>>,
    pub(super) progress: Arc<Progress>,
}

impl InFlightWalk {
    /// A walk that has not ended.
    pub(super) fn new() -> Self {
        Self {
            finished: Arc::new(watch::Sender::new(false)),
            progress: Arc::default(),
        }
    }

    /// Waits for the walk's end, at most until `deadline`; says whether it came.
    pub(super) async fn end(&self, deadline: Instant) -> bool {
        let mut finished = self.finished.subscribe();
        timeout_at(deadline, finished.wait_for(|&finished| finished))
            .await
            .is_ok()
    }

    /// Lets go whoever waits.
    pub(super) fn finish(&self) {
        self.finished.send_replace(true);
    }
}
