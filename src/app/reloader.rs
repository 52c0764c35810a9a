//! Loads the configuration again: one reload at a time, whoever asks for it.
//!
//! ```text
//! SIGHUP ─┐
//! POST /reload ─┼─▶ load ▸ compile ▸ swap ▸ say what came of it
//! a file changes ▸ settle ─┘
//! ```
//!
//! What a reload reads is checked as a whole before any of it counts. A file that is being written is left
//! alone until two readings in a row find the same.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::file_watch::FileWatch;
use super::reload_report::{defect, located, log, start_problems};
use super::{App, Compiled};
use crate::clock::WallClock;
use crate::config::{Environment, Fingerprint, Loaded, load_with_fingerprint};
use crate::downstream::Live;
use crate::observe::Event;
use crate::plan::Server;
use crate::reload::{
    ConfigurationStanding, LocatedProblem, PlanChanges, ReloadOutcome, ReloadReport, ReloadRequest,
    ReloadTrigger, Reloads,
};

/// How often files are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How long files must have stayed the same before what they hold counts.
    pub settle: Duration,
    /// How long to wait for word of a change, before looking without it.
    pub recheck: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            settle: Duration::from_millis(250),
            recheck: Duration::from_mins(1),
        }
    }
}

/// How often files may be found to have changed in a row. One that never comes to rest is read all the same.
const MOST_READINGS: usize = 40;

/// What loads the configuration again.
#[derive(Debug)]
pub(super) struct Reloader {
    file: PathBuf,
    environment: Environment,
    wall: WallClock,
    live: Live,
    reloads: Reloads,
    pace: Pace,
    /// What the listeners were started with.
    started: Server,
    watch: FileWatch,
    /// What the last reading found, to whatever end.
    seen: Fingerprint,
}

/// What one reading found.
#[derive(Debug)]
struct FilesReading {
    fingerprint: Fingerprint,
    loaded: Result<Loaded, Vec<LocatedProblem>>,
}

impl Reloader {
    /// What loads this configuration again, unless it came from no file.
    pub(super) fn new(
        loaded: &Loaded,
        wall: &WallClock,
        live: &Live,
        reloads: &Reloads,
        pace: Pace,
    ) -> Option<Self> {
        Some(Self {
            file: loaded.file.clone()?,
            environment: loaded.environment.clone(),
            wall: wall.clone(),
            live: live.clone(),
            reloads: reloads.clone(),
            pace,
            started: loaded.plan.server.clone(),
            watch: FileWatch::default(),
            seen: loaded.fingerprint.clone(),
        })
    }

    /// Makes reloads for as long as somebody can ask for them.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<ReloadRequest>) {
        let watches = self.started.watch;
        self.follow(watches).await;
        // What changed between the first reading and the first watch is found at once.
        let mut is_due = watches;
        loop {
            if std::mem::take(&mut is_due)
                && let Some(reading) = self.changed().await
            {
                self.reload(ReloadTrigger::Files, reading).await;
            }
            tokio::select! {
                request = requests.recv() => {
                    let Some(request) = request else { return };
                    let mut asked = vec![request];
                    // Whoever asks from now on may have changed a file that is being read.
                    while let Ok(request) = requests.try_recv() {
                        asked.push(request);
                    }
                    let trigger = asked[0].trigger;
                    let reading = self.read().await;
                    let report = self.reload(trigger, reading).await;
                    for request in asked {
                        // Who has stopped waiting need not know.
                        let _ = request.answer.send(Arc::clone(&report));
                    }
                }
                () = self.watch.happened(self.pace.settle, self.pace.recheck) => is_due = true,
            }
        }
    }

    /// What the files hold, once it has stayed the same for a while and is not what was read last.
    async fn changed(&mut self) -> Option<FilesReading> {
        let mut last = self.read().await;
        for _ in 0..MOST_READINGS {
            if last.fingerprint == self.seen {
                // Folders may have been put in the place of others.
                self.follow(true).await;
                return None;
            }
            sleep(self.pace.settle).await;
            let next = self.read().await;
            if next.fingerprint == last.fingerprint {
                return Some(next);
            }
            last = next;
        }
        Some(last)
    }

    async fn read(&self) -> FilesReading {
        let (file, environment) = (self.file.clone(), self.environment.clone());
        let reading = spawn_blocking(move || {
            let (fingerprint, loaded) = load_with_fingerprint(&file, environment);
            let loaded = loaded.map_err(|report| located(&report));
            FilesReading {
                fingerprint,
                loaded,
            }
        });
        reading.await.unwrap_or_else(|error| FilesReading {
            fingerprint: self.seen.clone(),
            loaded: Err(vec![defect(&error)]),
        })
    }

    /// Puts what was read in force, or says why not.
    async fn reload(&mut self, trigger: ReloadTrigger, reading: FilesReading) -> Arc<ReloadReport> {
        self.seen = reading.fingerprint;
        let standing = self.reloads.standing();
        let (outcome, changes, errors) = match reading.loaded {
            Ok(loaded) => match self.put_in_force(&loaded, &standing).await {
                Ok((outcome, changes)) => (outcome, Some(changes), Vec::new()),
                Err(errors) => (ReloadOutcome::Failed, None, errors),
            },
            Err(errors) => (ReloadOutcome::Failed, None, errors),
        };
        let watches = self.live.load().plan().server.watch;
        self.follow(watches).await;
        let standing = self.reloads.standing();
        let report = Arc::new(ReloadReport {
            at: self.wall.now(),
            trigger,
            outcome,
            generation: standing.generation,
            changes,
            errors,
        });
        self.reloads.publish(ConfigurationStanding {
            last_reload: Some(Arc::clone(&report)),
            ..ConfigurationStanding::clone(&standing)
        });
        log(&report);
        self.live.notify(&Event::Reloaded {
            trigger,
            outcome,
            generation: report.generation,
        });
        report
    }

    async fn put_in_force(
        &self,
        loaded: &Loaded,
        standing: &ConfigurationStanding,
    ) -> Result<(ReloadOutcome, PlanChanges), Vec<LocatedProblem>> {
        let before = Arc::clone(self.live.load().plan());
        let keys = standing.keys.beside(loaded.tree());
        let mut changes = PlanChanges::between(&standing.keys, &keys);
        let is_same = |name: &str| before.upstream(name) == loaded.plan.upstream(name);
        changes.settle(is_same);
        let needs_restart = self.started.fixed_at_start(&loaded.plan.server);
        changes.needs_restart = needs_restart.into_iter().map(str::to_owned).collect();
        let is_other = *before != *loaded.plan;
        if is_other {
            let compiled = compile(loaded.clone(), self.wall.clone()).await?;
            let swapped = App::swap(&self.live, loaded, compiled).await;
            swapped.map_err(|error| start_problems(&error))?;
        }
        self.reloads.publish(ConfigurationStanding {
            generation: standing.generation + u64::from(is_other),
            loaded_at: if is_other {
                self.wall.now()
            } else {
                standing.loaded_at
            },
            digest: keys.whole().to_owned(),
            needs_restart: changes.needs_restart.clone(),
            last_reload: standing.last_reload.clone(),
            keys: Arc::new(keys),
        });
        let outcome = if is_other {
            ReloadOutcome::Applied
        } else {
            ReloadOutcome::Unchanged
        };
        Ok((outcome, changes))
    }

    /// Watches the folders of what was read, or nothing.
    async fn follow(&mut self, watches: bool) {
        if !watches {
            self.watch.end();
            return;
        }
        let seen = self.seen.clone();
        // Links are followed on the disk.
        if let Ok(folders) = spawn_blocking(move || seen.folders()).await {
            self.watch.follow(folders);
        }
    }
}

/// Compiles off the threads that answer: certificates are parsed.
async fn compile(loaded: Loaded, wall: WallClock) -> Result<Compiled, Vec<LocatedProblem>> {
    let compiled =
        spawn_blocking(move || App::compile(&loaded, &wall).map_err(|report| located(&report)));
    compiled
        .await
        .unwrap_or_else(|error| Err(vec![defect(&error)]))
}
