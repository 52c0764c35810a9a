//! `groupgate probe`: one upstream, step by step.
//!
//! ```text
//! walk ▸ capture (exchanges) ▸ recorder ▸ report ▸ text | JSON
//!           └▸ case_writer ▸ a case ▸ replay (answers for the upstream) ▸ walk
//! ```
//!
//! It observes the walk itself, not one like it. Whatever is printed or written is redacted first;
//! only `--raw` prints a page as it was received.

mod capture;
mod case_writer;
mod columns;
mod expected;
mod headers;
mod lines;
mod mark;
mod mark_findings;
mod marks;
mod other_lists;
mod outcome;
mod pieces;
mod portable;
mod recorded_pages;
mod recorder;
mod report;
mod sanitize;
mod summarize;
mod text;
mod unused;
mod written_keys;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::ExposeSecret as _;
use tokio::time::Instant;

use crate::app::{App, Compiled};
use crate::clock::WallClock;
use crate::config::upstream::Upstream;
use crate::config::{self, Environment, Loaded};
use crate::observe::{Observer, Observers};
use crate::redact::Redactor;
use crate::terminal::{CommandError, print, print_bytes};
use crate::tools::case::{CaseFile, ExchangeOrder, Playback, WrittenCaller, on_behalf_of};
use crate::upstream::Adapter;
use crate::upstream::transport::Replay;
use crate::upstream::walk::walk;

use capture::Capture;
use case_writer::Recording;
use marks::{MarkComparison, Marks};
use outcome::WalkOutcome;
use recorded_pages::RecordedPages;
pub(crate) use recorder::Output;
use recorder::Recorder;
use written_keys::written_keys;

/// Where a recorded upstream is said to be. Nothing is ever sent there.
const RECORDED_ORIGIN: &str = "http://recorded.invalid";

/// What to walk, and what to print of it.
#[derive(Debug)]
pub(crate) struct ProbeRun {
    /// The upstream, as `[upstreams.NAME]` calls it.
    pub(crate) name: String,
    /// The configuration that describes it.
    pub(crate) config: PathBuf,
    /// The page to show in full, counted from 1.
    pub(crate) page: u64,
    pub(crate) output: Output,
    /// The folder to write the walk to, as a test case.
    pub(crate) record: Option<PathBuf>,
    /// Recorded pages, or one case, to walk instead of the upstream.
    pub(crate) sample: Vec<PathBuf>,
    /// The file of the caller on whose behalf the upstream is asked.
    pub(crate) caller: Option<PathBuf>,
    /// The file with what an earlier walk saw, to compare with and to write anew.
    pub(crate) compare: Option<PathBuf>,
}

/// One upstream, compiled, with what answers for it.
struct Target {
    adapter: Arc<Adapter>,
    block: Upstream,
    loaded: Loaded,
    redactor: Arc<Redactor>,
    replay: Option<Arc<dyn Replay>>,
}

impl ProbeRun {
    pub(crate) async fn run(self, environment: Environment) -> Result<(), CommandError> {
        match self.sample.as_slice() {
            [] => Box::pin(self.walk_upstream(environment)).await,
            [file] if file.extension().is_some_and(|kind| kind == "toml") => {
                Box::pin(self.walk_case(file)).await
            }
            files => Box::pin(self.walk_pages(files, environment)).await,
        }
    }

    fn load(&self, environment: Environment) -> Result<(Loaded, Compiled), CommandError> {
        let loaded = config::load(&self.config, environment);
        let loaded = loaded.map_err(|report| CommandError::report(&report))?;
        let compiled = App::compile(&loaded, &WallClock::system());
        let compiled = compiled.map_err(|report| CommandError::report(&report))?;
        let compiled = match self.caller()? {
            Some(caller) => {
                on_behalf_of(&caller, self.only(compiled)).map_err(CommandError::new)?
            }
            None => compiled,
        };
        Ok((loaded, compiled))
    }

    /// The caller on whose behalf the upstream is asked, if one is named.
    fn caller(&self) -> Result<Option<WrittenCaller>, CommandError> {
        let read = |file: &PathBuf| {
            let wrong = |problem| CommandError::new(format!("`{}`: {problem}", file.display()));
            WrittenCaller::read(file).map_err(wrong)
        };
        self.caller.as_ref().map(read).transpose()
    }

    /// The same without the other upstreams: the caller need have nothing for them.
    fn only(&self, mut compiled: Compiled) -> Compiled {
        let is_meant = |adapter: &Arc<Adapter>| **adapter.name() == *self.name;
        if compiled.adapters.iter().any(is_meant) {
            compiled.adapters.retain(is_meant);
        }
        compiled
    }

    async fn walk_upstream(&self, environment: Environment) -> Result<(), CommandError> {
        let target = self.target(self.load(environment)?, None)?;
        let marks = Marks::of(target.adapter.related(), &target.block);
        if self.compare.is_some() && marks.is_none() {
            return Err(CommandError::new(format!(
                "`{}` asks for nothing of each group that `fields.updated_at` could tell to be unchanged, so there \
                 is nothing to compare",
                self.name
            )));
        }
        let comparison = self.compare.as_deref();
        let comparison = comparison
            .map(|file| MarkComparison::read(file, &self.name))
            .transpose()?;
        let recording = self.record.as_deref();
        let recording = recording
            .map(|folder| Recording::new(folder, &self.name, WallClock::system().now()))
            .transpose()?;
        let (recorder, mut outcome) =
            (self.walk(&target, recording.is_some(), marks.as_ref())).await;
        if let (Some(marks), Some(Ok(walked))) = (marks, &outcome.walked) {
            let comparison = comparison.map(|file| (file, WallClock::system().now()));
            let groups = walked.groups.to_groups();
            outcome.marks = marks.findings(&self.name, &groups, comparison)?;
        }
        let written = recording.map(|recording| {
            let (loaded, redactor) = (&target.loaded, &target.redactor);
            recording.write(loaded, redactor, &recorder.capture, &outcome)
        });
        let concluded = self.conclude(&target.loaded, &recorder, &outcome);
        // Beside JSON there is no room on standard output.
        if let Some(written) = written.transpose()?
            && self.output != Output::Json
        {
            print(&written)?;
        }
        concluded
    }

    async fn walk_pages(
        &self,
        files: &[PathBuf],
        environment: Environment,
    ) -> Result<(), CommandError> {
        let pages = Arc::new(RecordedPages::read(files)?);
        let replay = Arc::clone(&pages) as Arc<dyn Replay>;
        let target = self.target(self.load(environment)?, Some(replay))?;
        let (recorder, mut outcome) = self.walk(&target, false, None).await;
        let is_error = matches!(outcome.walked, Some(Err(_)));
        if is_error && pages.is_exhausted() && recorder.pages() > 0 {
            outcome.walked = None;
            return self.conclude(&target.loaded, &recorder, &outcome);
        }
        self.conclude(&target.loaded, &recorder, &outcome)?;
        match pages.unused() {
            0 => Ok(()),
            unused => Err(CommandError::new(format!(
                "the walk ended without requesting the last {unused} of the recorded pages"
            ))),
        }
    }

    /// Walks a case, and compares the outcome with what it expects.
    async fn walk_case(&self, file: &Path) -> Result<(), CommandError> {
        let name = file.display();
        let wrong = |problem: String| CommandError::new(format!("`{name}`: {problem}"));
        let mut case = CaseFile::read(file).map_err(wrong)?;
        if case.ask.is_some() {
            return Err(wrong(
                "`ask` is a query to the gateway, and a walk answers none".to_owned(),
            ));
        }
        let matched = || match self.output {
            Output::Text => print(&format!("\nmatches `{name}`")),
            Output::Json | Output::Raw => Ok(()),
        };
        let compiled = case.compile(&self.name, RECORDED_ORIGIN).map_err(wrong)?;
        let Some(compiled) = compiled else {
            return matched();
        };
        let exchanges = std::mem::take(&mut case.exchanges);
        let playback = Playback::new(exchanges, RECORDED_ORIGIN, ExchangeOrder::Any);
        let playback = Arc::new(playback);
        let target = self.target(compiled, Some(Arc::clone(&playback) as _))?;
        let (recorder, outcome) = self.walk(&target, false, None).await;
        if case.expect.error.is_none() {
            self.conclude(&target.loaded, &recorder, &outcome)?;
        }
        // Without an outcome the walk was left as soon as one page was read.
        if let Some(walked) = &outcome.walked {
            let mut differences = playback.differences();
            differences.extend(case.differences(&self.name, walked));
            if !differences.is_empty() {
                return Err(CommandError::new(format!(
                    "the walk does not match `{name}`:\n  {}",
                    differences.join("\n  ")
                )));
            }
        }
        matched()
    }

    fn target(
        &self,
        (loaded, compiled): (Loaded, Compiled),
        replay: Option<Arc<dyn Replay>>,
    ) -> Result<Target, CommandError> {
        let mut adapters = compiled.adapters.iter();
        let adapter = adapters.find(|adapter| **adapter.name() == *self.name);
        let block = loaded.settings.upstreams.get(&self.name);
        let (Some(adapter), Some(block)) = (adapter, block) else {
            return Err(unknown(&self.name, &compiled.adapters));
        };
        if adapter.lacks_caller() {
            return Err(CommandError::new(format!(
                "`{}` is asked on behalf of each caller: name a file that describes one with `--caller`",
                self.name
            )));
        }
        let redactor = redactor(&loaded, &self.name);
        if let Some(caller) = self.caller()? {
            caller.hide_in(&redactor);
        }
        Ok(Target {
            adapter: Arc::clone(adapter),
            block: block.clone(),
            redactor: Arc::new(redactor),
            loaded,
            replay,
        })
    }

    /// Walks the whole list, or as far as it is to be shown.
    async fn walk(
        &self,
        target: &Target,
        keeps_all: bool,
        marks: Option<&Marks>,
    ) -> (Arc<Recorder>, WalkOutcome) {
        let adapter = &target.adapter;
        let capture = Arc::new(Capture::new(Arc::clone(&target.redactor), keeps_all));
        if let Some(replay) = &target.replay {
            adapter.set_replay(Arc::clone(replay));
        }
        let recorder = Arc::new(Recorder {
            adapter: Arc::clone(adapter),
            block: target.block.clone(),
            redactor: Arc::clone(&target.redactor),
            capture: Arc::clone(&capture),
            page: self.page,
            output: self.output,
            is_sent: target.replay.is_none(),
            recorded: Arc::default(),
            done: Arc::default(),
            partition: None,
        });
        // The capture first: a page is reported with its requests.
        let observers: [Arc<dyn Observer>; 2] = [capture, Arc::clone(&recorder) as _];
        let marks = marks.map(|marks| Arc::new(marks.clone()) as Arc<dyn Observer>);
        let observers: Observers = observers.into_iter().chain(marks).collect();
        let start = Instant::now();
        let walked = tokio::select! {
            walked = walk(adapter, &observers) => Some(walked),
            () = recorder.done.notified() => None,
        };
        let milliseconds = (start.elapsed().as_secs_f64() * 1000.0).round();
        let outcome = WalkOutcome {
            walked,
            milliseconds,
            marks: None,
        };
        (recorder, outcome)
    }

    /// Prints the end of the report.
    fn conclude(
        &self,
        loaded: &Loaded,
        recorder: &Recorder,
        outcome: &WalkOutcome,
    ) -> Result<(), CommandError> {
        if self.output == Output::Raw
            && let Some(body) = recorder.raw()
        {
            print_bytes(&body)?;
        }
        let mut report = recorder.finish(outcome);
        if let Some(failure) = &mut report.error {
            failure.keys = written_keys(loaded, &self.name, &failure.detail);
        }
        match (self.output, &report.summary) {
            (Output::Json, _) => print(&serde_json::to_string_pretty(&report)?)?,
            (Output::Text, Some(summary)) => print(&text::summary(summary))?,
            (Output::Text | Output::Raw, _) => {}
        }
        if let Some(failure) = &report.error {
            return Err(CommandError(text::failure(failure)));
        }
        let pages = recorder.pages();
        if pages < self.page {
            let page = self.page;
            return Err(CommandError::new(format!(
                "there is no page {page}: the walk had {pages}"
            )));
        }
        Ok(())
    }
}

fn unknown(name: &str, adapters: &[Arc<Adapter>]) -> CommandError {
    let names: Vec<_> = adapters.iter().map(|adapter| &**adapter.name()).collect();
    CommandError::new(format!(
        "there is no upstream `{name}`: the file has {}",
        names.join(", ")
    ))
}

/// Removes the secrets that an upstream's block names.
fn redactor(loaded: &Loaded, name: &str) -> Redactor {
    let redactor = Redactor::default();
    let secrets = loaded.secrets();
    for secret in loaded.secrets_of(name) {
        // One that cannot be read was refused when the block was compiled.
        if let Ok(value) = secrets.read(secret) {
            redactor.add(value.expose_secret(), &portable::name_of(secret));
        }
    }
    // An upstream that echoes the request shows credentials as they were sent.
    if let Some(upstream) = loaded.plan.upstream(name) {
        for value in upstream.credential_headers() {
            redactor.add_header(value, "CREDENTIALS");
        }
    }
    redactor
}
