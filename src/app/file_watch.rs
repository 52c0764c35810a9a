//! Tells when something happens in the folders that the configuration was read from.
//!
//! Not what happens: Kubernetes swaps a link beside the files, editors write in several steps and some
//! file systems report nothing. Whoever waits here compares contents.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::config::WatchedPlaces;

/// The folders that are watched.
#[derive(Debug, Default)]
pub(super) struct FileWatch {
    /// `None` before the first, and where the system watches nothing for us.
    watcher: Option<RecommendedWatcher>,
    places: Arc<Mutex<WatchedPlaces>>,
    happened: Arc<Notify>,
    /// Whether it was said that something cannot be watched.
    has_warned: bool,
}

impl FileWatch {
    /// Watches these folders and no others. A folder that another has taken the place of under its name
    /// is watched anew. Waits for the system.
    pub(super) fn follow(&mut self, places: WatchedPlaces) {
        if self.watcher.is_none() {
            self.watcher = self.begin();
        }
        let before = {
            // Not held any longer: the system's thread takes it for each event, and we wait for that thread.
            let mut held = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *held, places.clone())
        };
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        for gone in before.folders.difference(&places.folders) {
            // What is gone is watched no longer, whatever is said of it.
            let _ = watcher.unwatch(gone);
        }
        for folder in &places.folders {
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive)
                && !std::mem::replace(&mut self.has_warned, true)
            {
                let folder = folder.display();
                tracing::warn!(
                    %folder,
                    %error,
                    "a folder cannot be watched: changes in it are found once a minute"
                );
            }
        }
    }

    /// Waits until something happened and a moment more, for little happens alone; or for so long,
    /// because some file systems never tell.
    pub(super) async fn happened(&self, moment: Duration, at_most: Duration) {
        tokio::select! {
            () = self.happened.notified() => sleep(moment).await,
            () = sleep(at_most) => {}
        }
    }

    fn begin(&mut self) -> Option<RecommendedWatcher> {
        let (happened, places) = (Arc::clone(&self.happened), Arc::clone(&self.places));
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let places = places.lock().unwrap_or_else(PoisonError::into_inner);
            if event.is_ok_and(|event| matters(&event, &places)) {
                happened.notify_one();
            }
        });
        watcher
            .inspect_err(|error| {
                if !std::mem::replace(&mut self.has_warned, true) {
                    tracing::warn!(%error, "files are looked at now and then: the system cannot watch them");
                }
            })
            .ok()
    }
}

/// Whether the configuration may be another after an event. We read the files ourselves, and a log may be
/// written beside them.
fn matters(event: &notify::Event, places: &WatchedPlaces) -> bool {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Modify(ModifyKind::Data(_)) => {
            let mut names = event.paths.iter().filter_map(|path| path.file_name());
            names.any(|name| places.names.contains(name))
        }
        EventKind::Access(_) => false,
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    }
}

#[cfg(test)]
mod tests {
    use notify::Event;
    use notify::event::{CreateKind, DataChange, RemoveKind, RenameMode};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::written(EventKind::Modify(ModifyKind::Data(DataChange::Any)), true, false)]
    #[case::closed(EventKind::Access(AccessKind::Close(AccessMode::Write)), true, false)]
    #[case::read(EventKind::Access(AccessKind::Open(AccessMode::Any)), false, false)]
    #[case::made(EventKind::Create(CreateKind::File), true, true)]
    #[case::renamed(EventKind::Modify(ModifyKind::Name(RenameMode::To)), true, true)]
    #[case::removed(EventKind::Remove(RemoveKind::File), true, true)]
    fn what_is_written_beside_the_files_changes_nothing(
        #[case] kind: EventKind,
        #[case] of_a_file: bool,
        #[case] of_a_log: bool,
    ) {
        let places = WatchedPlaces {
            names: ["gateway.toml".into()].into(),
            ..WatchedPlaces::default()
        };
        let happens = |path: &str| matters(&Event::new(kind).add_path(path.into()), &places);
        assert_eq!(happens("/etc/groupgate/gateway.toml"), of_a_file);
        assert_eq!(happens("/etc/groupgate/gateway.log"), of_a_log);
    }
}
