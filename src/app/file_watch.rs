//! Tells when something happens in the folders that the configuration was read from.
//!
//! Not what happens: Kubernetes swaps a link beside the files, editors write in several steps and some
//! file systems report nothing. Whoever waits here compares contents.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::time::sleep;

/// The folders that are watched.
#[derive(Debug, Default)]
pub(super) struct FileWatch {
    /// Whether anybody wants to know.
    is_on: bool,
    /// `None` where the system watches nothing for us.
    watcher: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
    happened: Arc<Notify>,
}

impl FileWatch {
    /// Watches these folders and no others. A folder that another has taken the place of under its name
    /// is watched anew.
    pub(super) fn follow(&mut self, folders: BTreeSet<PathBuf>) {
        if !std::mem::replace(&mut self.is_on, true) {
            self.watcher = self.begin();
        }
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        for gone in self.folders.difference(&folders) {
            // What is gone is watched no longer, whatever is said of it.
            let _ = watcher.unwatch(gone);
        }
        for folder in &folders {
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive)
                && !self.folders.contains(folder)
            {
                let folder = folder.display();
                tracing::debug!(%folder, %error, "a folder cannot be watched");
            }
        }
        self.folders = folders;
    }

    /// Watches nothing any more.
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }

    /// Waits until something happened and a moment more, for little happens alone; or for so long,
    /// because some file systems never tell.
    pub(super) async fn happened(&self, moment: Duration, at_most: Duration) {
        if !self.is_on {
            return std::future::pending().await;
        }
        tokio::select! {
            () = self.happened.notified() => sleep(moment).await,
            () = sleep(at_most) => {}
        }
    }

    fn begin(&self) -> Option<RecommendedWatcher> {
        let happened = Arc::clone(&self.happened);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !is_reading(event.kind)) {
                happened.notify_one();
            }
        });
        watcher
            .inspect_err(|error| {
                tracing::warn!(%error, "files are looked at now and then: the system cannot watch them");
            })
            .ok()
    }
}

/// Whether an event changes nothing. We read the files ourselves.
fn is_reading(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access != AccessKind::Close(AccessMode::Write),
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => false,
    }
}
