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

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{sleep, timeout};

use super::config_files::{ConfigFiles, FilesReading};
use super::file_watch::FileWatch;
use super::next_look::NextLook;
use super::reload_report::{defect, located, log, start_problems};
use super::{App, Compiled, written};
use crate::clock::WallClock;
use crate::config::Loaded;
use crate::downstream::Live;
use crate::observe::Event;
use crate::plan::{Plan, Server};
use crate::reload::{
    ConfigurationStanding, LocatedProblem, PlanChanges, ReloadOutcome, ReloadReport, ReloadRequest,
    ReloadTrigger, Reloads, UpstreamFate,
};

/// How often files are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How long files must have stayed the same before what they hold counts.
    pub settle: Duration,
    /// How long to wait for word of a change, before looking without it.
    pub recheck: Duration,
    /// How long the files may take to be read.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            settle: Duration::from_millis(250),
            recheck: Duration::from_mins(1),
            patience: Duration::from_secs(30),
        }
    }
}

/// What loads the configuration again.
#[derive(Debug)]
pub(super) struct Reloader {
    files: ConfigFiles,
    wall: WallClock,
    live: Live,
    reloads: Reloads,
    pace: Pace,
    /// What the listeners were started with.
    started: Server,
    watch: FileWatch,
    /// What has the folders watched, or hangs.
    following: Option<JoinHandle<FileWatch>>,
    is_watching: bool,
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
            files: ConfigFiles::of(loaded, pace.patience)?,
            wall: wall.clone(),
            live: live.clone(),
            reloads: reloads.clone(),
            pace,
            started: loaded.plan.server.clone(),
            watch: FileWatch::default(),
            following: None,
            is_watching: false,
        })
    }

    /// Makes reloads for as long as somebody can ask for them.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<ReloadRequest>) {
        self.follow().await;
        // What changed between the first reading and the first watch is found at once.
        let mut next = NextLook::Now;
        loop {
            tokio::select! {
                request = requests.recv() => {
                    let Some(request) = request else { return };
                    let mut asked = vec![request];
                    // Whoever asks from now on may have changed a file that is being read.
                    while let Ok(request) = requests.try_recv() {
                        asked.push(request);
                    }
                    let trigger = asked[0].trigger;
                    let reading = match self.files.read(false).await {
                        Ok(Some(reading)) => reading,
                        Ok(None) => continue,
                        Err(problem) => FilesReading::none(problem),
                    };
                    let found_out = reading.found_out();
                    let report = self.reload(trigger, reading).await;
                    for request in asked {
                        // Who has stopped waiting need not know.
                        let _ = request.answer.send(Arc::clone(&report));
                    }
                    // What could not be read just now is not read again at once.
                    next = if found_out { NextLook::Now } else { NextLook::AtAChange };
                }
                () = self.wait(&next) => next = self.look(next).await,
            }
        }
    }

    /// Waits until the files are to be looked at. Nobody who asks for a reload waits for that.
    async fn wait(&self, next: &NextLook) {
        match next {
            _ if !self.is_watching => std::future::pending().await,
            NextLook::Now => {}
            NextLook::UntilAtRest { .. } => sleep(self.pace.settle).await,
            NextLook::AtAChange => {
                self.watch
                    .happened(self.pace.settle, self.pace.recheck)
                    .await;
            }
        }
    }

    /// Looks at the files, and puts in force what they hold once it has stayed the same for a while and is
    /// not what was read last.
    async fn look(&mut self, next: NextLook) -> NextLook {
        let reading = match self.files.read(true).await {
            Ok(Some(reading)) => reading,
            Ok(None) => {
                // Folders may have been put in the place of others.
                self.follow().await;
                return NextLook::AtAChange;
            }
            Err(problem) => {
                let reading = FilesReading::none(problem);
                self.reload(ReloadTrigger::Files, reading).await;
                return NextLook::AtAChange;
            }
        };
        if let Some(next) = next.after(&reading.fingerprint) {
            return next;
        }
        self.reload(ReloadTrigger::Files, reading).await;
        // Something may have changed before the watch knew of it.
        NextLook::Now
    }

    /// Puts what was read in force, or says why not.
    async fn reload(&mut self, trigger: ReloadTrigger, reading: FilesReading) -> Arc<ReloadReport> {
        let found_out = reading.found_out();
        self.files.note(reading.fingerprint);
        let standing = self.reloads.standing();
        let (outcome, changes, errors) = match reading.loaded {
            Ok(loaded) => match self.put_in_force(&loaded, &standing).await {
                Ok((outcome, changes)) => (outcome, Some(changes), Vec::new()),
                Err(errors) => (ReloadOutcome::Failed, None, errors),
            },
            Err(errors) => (ReloadOutcome::Failed, None, errors),
        };
        // Otherwise there is no word of other folders, and a change in the last ones ends it.
        if found_out {
            self.follow().await;
        }
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
        if let Some(problem) = self.left_open(&loaded.plan.server) {
            return Err(vec![problem]);
        }
        let before = Arc::clone(self.live.load().plan());
        let keys = (standing.keys).beside(&written(loaded));
        let mut changes = PlanChanges::between(&standing.keys, &keys);
        changes.settle(|name| fate(&before, &loaded.plan, name));
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

    /// What is wrong where the admin listener, which only a restart moves, would ask others for no token any more.
    fn left_open(&self, next: &Server) -> Option<LocatedProblem> {
        let listens = self.started.admin;
        let is_open = !listens.ip().is_loopback() && next.admin_token.is_none();
        is_open.then(|| LocatedProblem {
            message: format!(
                "the admin listener is at `{listens}` until a restart, and needs `server.admin_token`"
            ),
            help: Some("keep `server.admin_token`, or restart the process".to_owned()),
            file: None,
            line: None,
            column: None,
        })
    }

    /// Watches the folders of what was read, if the plan in force says so. Where that hangs, as on a lost network
    /// file system, it is not begun again beside it.
    async fn follow(&mut self) {
        self.is_watching = self.live.load().plan().server.watch;
        if !self.is_watching {
            self.watch = FileWatch::default();
            return;
        }
        let seen = self.files.seen().clone();
        let (following, watch) = (&mut self.following, &mut self.watch);
        let followed = async move {
            if let Some(before) = following.as_mut() {
                *watch = before.await.unwrap_or_default();
                *following = None;
            }
            let mut next = std::mem::take(watch);
            // Links are followed on the disk, and the watch waits for the system.
            let follow = spawn_blocking(move || {
                next.follow(seen.places());
                next
            });
            *watch = following.insert(follow).await.unwrap_or_default();
            *following = None;
        };
        // What hangs is waited for by the next one.
        let _ = timeout(self.pace.patience, followed).await;
    }
}

/// What becomes of an upstream that both plans have.
fn fate(before: &Plan, next: &Plan, name: &str) -> UpstreamFate {
    match (before.upstream(name), next.upstream(name)) {
        (Some(before), Some(next)) if before == next => UpstreamFate::Kept,
        (Some(before), Some(next)) if before.runs_like(next) => UpstreamFate::Adjusted,
        (Some(before), Some(next)) if !next.may_serve_list_of(before) => UpstreamFate::Dropped,
        _ => UpstreamFate::Changed,
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
