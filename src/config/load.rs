//! Reads `gateway.toml`, lays the environment over it, and checks what came of it.
//!
//! [`super::parts`] ▸ [`super::document`] ▸ [`super::layers`] ▸ [`super::preset`] ▸ [`super::read`] ▸
//! [`crate::config::resolve`]. Each stage goes on as far as it can, so that one reading reports every
//! problem; settings come out only if there was none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::{Document, INCLUDE};
use super::layers::{self, Variables};
use super::parts::{self, Fingerprint};
use super::preset::{self, Laid, PresetOrigin};
use super::read;
use super::report::{Finding, Report};
use super::resolve::{digest, named, resolve};
use super::secret::ReadFiles;
use super::{Environment, Secret, SecretReader, Settings};
use crate::did_you_mean::list;
use crate::plan::{Account, Plan};
use crate::problem::{KeyPath, Problem, Problems};

/// A configuration that can be run.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the file and the environment say together.
    pub settings: Settings,
    /// What they come to.
    pub plan: Arc<Plan>,
    /// The variables that secrets are read from.
    pub environment: Environment,
    /// The file that it was loaded from, unless it was a text.
    pub file: Option<PathBuf>,
    /// What was read for it.
    pub fingerprint: Fingerprint,
    read: Arc<ReadFiles>,
    source: LoadedFrom,
    tree: toml::Value,
}

impl Loaded {
    /// Reads the secrets that the settings name, as they were when the plan was made.
    pub fn secrets(&self) -> SecretReader<'_> {
        SecretReader::after(&self.environment, &self.read)
    }

    /// What the files, the environment and presets write together.
    pub const fn tree(&self) -> &toml::Value {
        &self.tree
    }

    /// One upstream's block as the file, the environment and its preset write it together.
    pub fn block(&self, upstream: &str) -> Option<&toml::Table> {
        self.tree.get("upstreams")?.get(upstream)?.as_table()
    }

    /// The secrets that one upstream's block names.
    pub fn secrets_of(&self, upstream: &str) -> Vec<&Secret> {
        let at = KeyPath::new(["upstreams", upstream]);
        let named = named(&self.settings).into_iter();
        named
            .filter(|(key, _)| key.is_within(&at))
            .map(|(_, secret)| secret)
            .collect()
    }

    /// With which account each upstream is read, as it is written: of its secrets only counts where they are.
    pub fn written_accounts(&self) -> BTreeMap<String, Account> {
        let upstreams = self.settings.upstreams.iter();
        let accounts = upstreams.filter_map(|(name, upstream)| {
            let account = digest::written_account_of(upstream).ok()?;
            Some((name.clone(), account))
        });
        accounts.collect()
    }

    /// Shows problems that were found later, when the settings were put to use, where they stand
    /// in the same file.
    pub fn report(&self, problems: Problems) -> Report {
        self.source.report(problems)
    }
}

/// Loads a configuration from a file and those that it includes.
pub fn load(file: &Path, environment: Environment) -> Result<Loaded, Report> {
    load_with_fingerprint(file, environment).1
}

/// The same, and what was read for it, whatever came of it.
pub fn load_with_fingerprint(
    file: &Path,
    environment: Environment,
) -> (Fingerprint, Result<Loaded, Report>) {
    let reader = SecretReader::new(&environment);
    let mut folders = BTreeSet::new();
    let document = parts::read(file, &reader, &mut folders);
    let composed = document.and_then(|document| compose(document, &environment, &reader));
    let files = reader.into_files();
    let fingerprint = Fingerprint::new(&files, folders);
    let loaded = composed.map(|composed| Loaded {
        file: Some(file.to_owned()),
        fingerprint: fingerprint.clone(),
        ..composed.into_loaded(environment, files)
    });
    (fingerprint, loaded)
}

/// Loads a configuration from a text, which may be the one of a file of this name.
pub fn load_text(name: &str, text: &str, environment: Environment) -> Result<Loaded, Report> {
    let mut document = Document::read(name, text);
    if !document.includes().is_empty() {
        let at = KeyPath::new([INCLUDE]);
        let message = "only what is read from a file can include other files";
        document.problems.push(Problem::new(at, message));
    }
    let reader = SecretReader::new(&environment);
    let composed = compose(document, &environment, &reader)?;
    let files = reader.into_files();
    Ok(composed.into_loaded(environment, files))
}

/// What is loaded, but for where it was read.
struct Composed {
    settings: Settings,
    plan: Plan,
    source: LoadedFrom,
    tree: toml::Value,
}

impl Composed {
    fn into_loaded(self, environment: Environment, files: ReadFiles) -> Loaded {
        Loaded {
            settings: self.settings,
            plan: Arc::new(self.plan),
            environment,
            file: None,
            fingerprint: Fingerprint::default(),
            read: Arc::new(files),
            source: self.source,
            tree: self.tree,
        }
    }
}

/// Lays the environment and presets over and under what was read, and decides what it comes to.
fn compose(
    document: Document,
    environment: &Environment,
    secrets: &SecretReader<'_>,
) -> Result<Composed, Report> {
    if !document.is_toml() {
        let of_parts = document.problems_of_parts();
        return Err(document.report(of_parts));
    }
    let mut layers = layers::lay(&document, environment)
        .map_err(|error| document.report([Finding::outside(error.to_string())]))?;
    let presets = preset::lay(&mut layers.tree);
    let reading = read::read(layers.tree, &layers.variables, &presets);

    let mut unread = reading.unread;
    unread.extend(presets.unread.iter().cloned());
    unread.extend(document.problems.iter().map(|problem| problem.at.clone()));
    unread.extend(document.broken.iter().cloned());
    let mut problems = Problems::default();
    problems.extend(document.problems.clone());
    problems.extend(layers.problems);
    problems.extend(presets.problems.clone());
    problems.extend(reading.problems);
    let plan = reading.settings.as_ref().and_then(|settings| {
        let (plan, wrong) = resolve(settings, &unread, secrets);
        problems.extend(wrong);
        plan
    });
    let is_right = problems.is_empty() && document.findings.is_empty();
    let source = LoadedFrom {
        document,
        variables: layers.variables,
        presets,
    };
    match reading.settings.zip(plan) {
        Some((settings, plan)) if is_right => Ok(Composed {
            settings,
            plan,
            source,
            tree: reading.tree,
        }),
        Some(_) | None => Err(source.report(problems)),
    }
}

/// The file, the variables and the presets that settings came from.
#[derive(Clone)]
struct LoadedFrom {
    document: Document,
    variables: Variables,
    presets: Laid,
}

impl fmt::Debug for LoadedFrom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LoadedFrom").finish_non_exhaustive()
    }
}

impl LoadedFrom {
    fn report(&self, problems: Problems) -> Report {
        let findings = problems.into_iter().map(|problem| self.locate(problem));
        self.document.report(findings)
    }

    fn locate(&self, problem: Problem) -> Finding {
        if let Some(problem) = self.of_variables(&problem) {
            return problem;
        }
        match self.presets.origin(&problem.at) {
            Some(origin) => self.in_preset(problem, &origin),
            None => self.document.locate(problem),
        }
    }

    /// A problem of what variables say, for which the file has no line.
    fn of_variables(&self, problem: &Problem) -> Option<Finding> {
        let variables = match &problem.variable {
            Some(variable) => vec![variable.as_str()],
            None => self.variables_of(&problem.at),
        };
        let plural = if variables.len() == 1 { "" } else { "s" };
        let variables = list(variables)?;
        let message = format!(
            "environment variable{plural} {variables}: {}",
            problem.message
        );
        Some(Finding {
            help: problem.help.clone(),
            ..Finding::outside(message)
        })
    }

    /// A problem of what a preset says: the file has a line that names the preset.
    fn in_preset(&self, problem: Problem, origin: &PresetOrigin) -> Finding {
        let PresetOrigin { preset, key, .. } = origin;
        let instead = format!("set `{key}` in this block instead");
        let message = format!(
            "in the preset `{}`, `{key}`: {}",
            preset.name, problem.message
        );
        Finding {
            place: self.document.place_of(&origin.named_at),
            help: Some(match problem.help {
                Some(help) => format!("{help}; or {instead}"),
                None => instead,
            }),
            ..Finding::outside(message)
        }
    }

    /// The variables that set a key, or made the table at it.
    fn variables_of(&self, at: &KeyPath) -> Vec<&str> {
        let is_in_file = at.keys().is_empty() || self.document.places.contains_key(at);
        self.variables
            .iter()
            .filter(|(set, _)| *set == at || (!is_in_file && set.is_within(at)))
            .map(|(_, name)| name.as_str())
            .collect()
    }
}
