//! Reads the files of the configuration, and remembers what was in them.

use std::path::PathBuf;
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use super::reload_report::{defect, located};
use crate::config::{Environment, Fingerprint, Loaded, load_with_fingerprint};
use crate::plan::Span;
use crate::reload::LocatedProblem;

/// The files of a configuration, and what was found in them last.
#[derive(Debug)]
pub(super) struct ConfigFiles {
    file: PathBuf,
    environment: Environment,
    /// How long they may take to be read.
    patience: Duration,
    /// The reading that is under way, or hangs.
    underway: Option<JoinHandle<Option<FilesReading>>>,
    /// What the last reading found that was acted upon, to whatever end.
    seen: Fingerprint,
}

/// What one reading found.
#[derive(Debug)]
pub(super) struct FilesReading {
    pub(super) fingerprint: Fingerprint,
    pub(super) loaded: Result<Loaded, Vec<LocatedProblem>>,
}

impl ConfigFiles {
    /// The files of this configuration, unless it came from none.
    pub(super) fn of(loaded: &Loaded, patience: Duration) -> Option<Self> {
        Some(Self {
            file: loaded.file.clone()?,
            environment: loaded.environment.clone(),
            patience,
            underway: None,
            seen: loaded.fingerprint.clone(),
        })
    }

    /// What they hold; with `only_changed`, unless that is what was read last. A reading that hangs, as on a
    /// lost network file system, is given up, and none begins beside it.
    pub(super) async fn read(
        &mut self,
        only_changed: bool,
    ) -> Result<Option<FilesReading>, LocatedProblem> {
        let seen = only_changed.then(|| self.seen.clone());
        let (file, environment) = (self.file.clone(), self.environment.clone());
        let reading = move || {
            if seen.is_some_and(|seen| seen.is_current(&file, &environment)) {
                return None;
            }
            let (fingerprint, loaded) = load_with_fingerprint(&file, environment);
            let loaded = loaded.map_err(|report| located(&report));
            Some(FilesReading {
                fingerprint,
                loaded,
            })
        };
        let patience = self.patience;
        let underway = &mut self.underway;
        let read = async move {
            if let Some(before) = underway {
                // What it found may be old.
                let _ = before.await;
            }
            let read = underway.insert(spawn_blocking(reading)).await;
            *underway = None;
            read
        };
        match timeout(patience, read).await {
            Ok(read) => read.map_err(|error| defect(&error)),
            Err(error) => Err(LocatedProblem {
                message: format!(
                    "the files could not be read within {}",
                    Span::from(patience)
                ),
                help: Some("one of them may be on a disk that does not answer".to_owned()),
                ..defect(&error)
            }),
        }
    }

    /// Remembers what was found, so that only a change of it is news.
    pub(super) fn note(&mut self, found: Fingerprint) {
        self.seen = found;
    }

    /// What was found last.
    pub(super) const fn seen(&self) -> &Fingerprint {
        &self.seen
    }
}

impl FilesReading {
    /// Whether anything was found out: a reading that hangs says nothing of the files.
    pub(super) fn found_out(&self) -> bool {
        self.fingerprint != Fingerprint::default()
    }

    /// One that found nothing out. Another finds something else.
    pub(super) fn none(problem: LocatedProblem) -> Self {
        Self {
            fingerprint: Fingerprint::default(),
            loaded: Err(vec![problem]),
        }
    }
}
