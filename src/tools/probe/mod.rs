//! `groupgate probe`: one upstream, asked step by step.
//!
//! ```text
//! walk ▸ witness (events) ┬▸ story ▸ text | JSON
//! wire ▸ tape (bytes) ────┴▸ record ▸ a case ▸ stage (stands in for the upstream) ▸ walk
//! ```
//!
//! It is the walk itself that is watched, not one like it. Whatever is shown or written goes
//! through the [`veil`], which hides secrets; only `--raw` shows a page as it came.

mod columns;
mod glance;
mod portable;
mod record;
mod sample;
mod sanitize;
mod story;
mod tape;
mod text;
mod veil;
mod witness;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use secrecy::ExposeSecret as _;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::app::{App, Compiled};
use crate::clock::WallClock;
use crate::config::{self, Environment, Loaded, Secret};
use crate::error::UpstreamError;
use crate::observe::{Observer, Observers};
use crate::terminal::{Failure, print, print_bytes};
use crate::tools::case::{CaseFile, ExchangeOrder, Playback};
use crate::upstream::Adapter;
use crate::upstream::transport::Replay;
use crate::upstream::walk::{Walked, walk};

use record::Recording;
use sample::Samples;
use tape::Tape;
use veil::Veil;
pub(crate) use witness::Voice;
use witness::{Seen, Witness};

/// What to ask, and what to tell of it.
#[derive(Debug)]
pub(crate) struct Probe {
    /// The upstream, as `[upstreams.NAME]` calls it.
    pub(crate) name: String,
    /// The configuration that describes it.
    pub(crate) config: PathBuf,
    /// The page to show in full, counted from 1.
    pub(crate) page: u64,
    pub(crate) voice: Voice,
    /// The folder to write the walk to, as a test case.
    pub(crate) record: Option<PathBuf>,
    /// Recorded pages, or one case, to walk instead of asking.
    pub(crate) sample: Vec<PathBuf>,
}

/// Where a recorded upstream is said to be. Nothing is ever sent there.
const RECORDED_ORIGIN: &str = "http://recorded.invalid";

/// One upstream, compiled, with what stands in for it.
struct Subject {
    adapter: Arc<Adapter>,
    loaded: Loaded,
    veil: Arc<Veil>,
    stage: Option<Arc<dyn Replay>>,
}

impl Probe {
    pub(crate) async fn run(self, environment: Environment) -> Result<(), Failure> {
        match self.sample.as_slice() {
            [] => self.ask(environment).await,
            [file] if file.extension().is_some_and(|kind| kind == "toml") => {
                self.replay(file).await
            }
            files => self.look_at(files, environment).await,
        }
    }

    fn load(&self, environment: Environment) -> Result<(Loaded, Compiled), Failure> {
        let loaded = config::load(&self.config, environment);
        let loaded = loaded.map_err(|report| Failure::report(&report))?;
        let compiled = App::compile(&loaded, &WallClock::system());
        let compiled = compiled.map_err(|report| Failure::report(&report))?;
        Ok((loaded, compiled))
    }

    /// Asks the upstream.
    async fn ask(&self, environment: Environment) -> Result<(), Failure> {
        let (loaded, compiled) = self.load(environment)?;
        let subject = self.subject(loaded, &compiled, None)?;
        let recording = self.record.as_deref();
        let recording = recording
            .map(|folder| Recording::new(folder, &self.name, WallClock::system().now()))
            .transpose()?;
        let (witness, outcome) = self.walk(&subject, recording.is_some()).await?;
        let written = recording.map(|recording| {
            recording.write(&subject.loaded, &subject.veil, &witness.tape, &outcome)
        });
        let concluded = self.conclude(&witness, &outcome);
        // Beside JSON there is no room on standard output.
        if let Some(written) = written.transpose()?
            && self.voice != Voice::Json
        {
            print(&written)?;
        }
        concluded
    }

    /// Walks recorded pages.
    async fn look_at(&self, files: &[PathBuf], environment: Environment) -> Result<(), Failure> {
        let samples = Arc::new(Samples::read(files)?);
        let stage = Arc::clone(&samples) as Arc<dyn Replay>;
        let (loaded, compiled) = self.load(environment)?;
        let subject = self.subject(loaded, &compiled, Some(stage))?;
        let (witness, outcome) = self.walk(&subject, false).await?;
        if outcome.is_err() && samples.ran_out() && witness.pages() > 0 {
            return self.conclude_part(&witness, outcome.milliseconds);
        }
        self.conclude(&witness, &outcome)?;
        match samples.left() {
            0 => Ok(()),
            left => Err(Failure::new(format!(
                "the walk ended before the last {left} of the recorded pages"
            ))),
        }
    }

    /// Walks a recorded case, and holds what comes of it against what it expects.
    async fn replay(&self, file: &Path) -> Result<(), Failure> {
        let wrong = |what: &dyn Display| Failure::new(format!("`{}`: {what}", file.display()));
        let mut case = CaseFile::read(file).map_err(|error| wrong(&error))?;
        if case.ask.is_some() {
            return Err(wrong(
                &"it is about what a caller asks the gateway for, which a walk does not show",
            ));
        }
        let compiled = case.compile(&self.name, RECORDED_ORIGIN);
        let Some((loaded, compiled)) = compiled.map_err(|error| wrong(&error))? else {
            return self.confirm(file);
        };
        let exchanges = std::mem::take(&mut case.exchanges);
        let playback = Playback::new(exchanges, RECORDED_ORIGIN, ExchangeOrder::Any);
        let playback = Arc::new(playback);
        let stage = Arc::clone(&playback) as Arc<dyn Replay>;
        let subject = self.subject(loaded, &compiled, Some(stage))?;
        let (witness, outcome) = self.walk(&subject, false).await?;
        if case.expect.error.is_none() {
            self.conclude(&witness, &outcome)?;
        }
        // Without an outcome it was left as soon as one page was seen.
        if let Some(walked) = &outcome.walked {
            let mut complaints = playback.complaints();
            complaints.extend(case.complaints(&self.name, walked));
            if !complaints.is_empty() {
                return Err(Failure::new(format!(
                    "it is not as `{}` expects:\n  {}",
                    file.display(),
                    complaints.join("\n  ")
                )));
            }
        }
        self.confirm(file)
    }

    /// Says that a case came out as it should.
    fn confirm(&self, file: &Path) -> Result<(), Failure> {
        if self.voice != Voice::Text {
            return Ok(());
        }
        print(&format!("\nas `{}` expects", file.display()))
    }

    fn subject(
        &self,
        loaded: Loaded,
        compiled: &Compiled,
        stage: Option<Arc<dyn Replay>>,
    ) -> Result<Subject, Failure> {
        let adapter = compiled
            .adapters
            .iter()
            .find(|adapter| **adapter.name() == *self.name)
            .ok_or_else(|| unknown(&self.name, &compiled.adapters))?;
        Ok(Subject {
            adapter: Arc::clone(adapter),
            veil: Arc::new(veil(&loaded, &self.name)),
            loaded,
            stage,
        })
    }

    /// Walks the whole list, or as far as anybody wants to know.
    async fn walk(
        &self,
        subject: &Subject,
        is_recorded: bool,
    ) -> Result<(Arc<Witness>, Outcome), Failure> {
        let Subject {
            adapter,
            loaded,
            veil,
            stage,
        } = subject;
        let block = loaded.settings.upstreams.get(&self.name);
        let block = block.ok_or_else(|| unknown(&self.name, std::slice::from_ref(adapter)))?;
        let tape = Arc::new(Tape::new(Arc::clone(veil), is_recorded));
        if let Some(stage) = stage {
            adapter.set_replay(Arc::clone(stage));
        }
        let witness = Arc::new(Witness {
            adapter: Arc::clone(adapter),
            block: block.clone(),
            veil: Arc::clone(veil),
            tape: Arc::clone(&tape),
            page: self.page,
            voice: self.voice,
            is_sent: stage.is_none(),
            seen: Mutex::new(Seen::default()),
            satisfied: Notify::new(),
        });
        // The tape first: a page is told with its requests.
        let observers: [Arc<dyn Observer>; 2] = [tape, Arc::clone(&witness) as _];
        let observers = Observers::from_iter(observers);
        let start = Instant::now();
        let walked = tokio::select! {
            walked = walk(adapter, &observers) => Some(walked),
            () = witness.satisfied.notified() => None,
        };
        let milliseconds = (start.elapsed().as_secs_f64() * 1000.0).round();
        Ok((
            witness,
            Outcome {
                walked,
                milliseconds,
            },
        ))
    }

    /// Tells the end of the story.
    fn conclude(&self, witness: &Witness, outcome: &Outcome) -> Result<(), Failure> {
        if self.voice == Voice::Raw {
            return self.print_raw(witness, outcome);
        }
        let failed = match &outcome.walked {
            Some(Err(error)) => Some(error),
            Some(Ok(_)) | None => None,
        };
        if let Some(error) = failed {
            let story = witness.failed(error);
            let told = story.error.as_ref().map(text::trouble).unwrap_or_default();
            if self.voice == Voice::Json {
                print(&serde_json::to_string_pretty(&story)?)?;
            }
            return Err(Failure(told));
        }
        self.tell(witness, outcome.list(), outcome.milliseconds)
    }

    /// Tells the end of a story whose pages ended before the list did.
    fn conclude_part(&self, witness: &Witness, milliseconds: f64) -> Result<(), Failure> {
        if self.voice == Voice::Raw {
            return self.print_raw(witness, &Outcome::default());
        }
        self.tell(witness, None, milliseconds)
    }

    fn tell(
        &self,
        witness: &Witness,
        walked: Option<&Walked>,
        milliseconds: f64,
    ) -> Result<(), Failure> {
        let story = witness.ended(walked, milliseconds);
        if self.voice == Voice::Json {
            print(&serde_json::to_string_pretty(&story)?)?;
        } else if let Some(summary) = &story.summary {
            print(&text::summary(summary))?;
        }
        if witness.pages() < self.page {
            return Err(Failure::new(format!(
                "there is no page {}: the walk had {}",
                self.page,
                witness.pages()
            )));
        }
        Ok(())
    }

    fn print_raw(&self, witness: &Witness, outcome: &Outcome) -> Result<(), Failure> {
        let raw = witness.raw();
        if let Some(body) = &raw {
            print_bytes(body)?;
        }
        match (&outcome.walked, raw) {
            (Some(Err(error)), _) => {
                let story = witness.failed(error);
                Err(Failure(
                    story.error.as_ref().map(text::trouble).unwrap_or_default(),
                ))
            }
            (_, None) => Err(Failure::new(format!(
                "there is no page {}: the walk had {}",
                self.page,
                witness.pages()
            ))),
            (_, Some(_)) => Ok(()),
        }
    }
}

/// What came of a walk.
#[derive(Debug, Default)]
struct Outcome {
    /// `None` where it was left as soon as enough was seen.
    walked: Option<Result<Walked, UpstreamError>>,
    milliseconds: f64,
}

impl Outcome {
    fn is_err(&self) -> bool {
        matches!(self.walked, Some(Err(_)))
    }

    fn list(&self) -> Option<&Walked> {
        self.walked.as_ref()?.as_ref().ok()
    }
}

fn unknown(name: &str, adapters: &[Arc<Adapter>]) -> Failure {
    let names: Vec<_> = adapters.iter().map(|adapter| &**adapter.name()).collect();
    Failure::new(format!(
        "there is no upstream `{name}`: the file has {}",
        names.join(", ")
    ))
}

/// Hides the secrets that an upstream's block names.
fn veil(loaded: &Loaded, name: &str) -> Veil {
    let veil = Veil::default();
    let secrets = loaded.secrets();
    for secret in loaded.secrets_of(name) {
        // One that cannot be read was refused when the block was compiled.
        if let Ok(value) = secrets.read(secret) {
            veil.hide(value.expose_secret(), &called(secret));
        }
    }
    veil
}

/// What a secret is called: its variable, or its file.
fn called(secret: &Secret) -> String {
    match secret {
        Secret::Env(name) => name.clone(),
        Secret::File(path) => path
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().to_uppercase()),
    }
}
