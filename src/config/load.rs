//! Reads `gateway.toml`, lays the environment over it, and checks what came of it.
//!
//! Text ▸ [`super::document`] ▸ [`super::layers`] ▸ [`super::preset`] ▸ [`super::read`] ▸
//! [`crate::config::resolve`]. Each stage goes on as far as it can, so that one reading reports every
//! problem; settings come out only if there was none.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::document::Document;
use super::layers::{self, Variables};
use super::preset::{self, Laid, PresetOrigin};
use super::read;
use super::report::{Finding, Report};
use super::resolve::{named, resolve};
use super::{Environment, Secret, SecretReader, Settings};
use crate::did_you_mean::list;
use crate::plan::Plan;
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
    source: LoadedFrom,
    tree: toml::Value,
}

impl Loaded {
    /// Reads the secrets that the settings name.
    pub fn secrets(&self) -> SecretReader<'_> {
        SecretReader::new(&self.environment)
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

    /// Shows problems that were found later, when the settings were put to use, where they stand
    /// in the same file.
    pub fn report(&self, problems: Problems) -> Report {
        self.source.report(problems)
    }
}

/// Loads a configuration from a file.
pub fn load(file: &Path, environment: Environment) -> Result<Loaded, Report> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| {
        let finding = Finding {
            message: format!("`{name}` cannot be read: {error}"),
            help: Some(
                "name another: `groupgate check FILE`, elsewhere `--config FILE`".to_owned(),
            ),
            span: None,
        };
        Report::new(&name, String::new(), vec![finding])
    })?;
    load_text(&name, &text, environment)
}

/// Loads a configuration from the text of a file of this name.
pub fn load_text(name: &str, text: &str, environment: Environment) -> Result<Loaded, Report> {
    let document = Document::read(name, text)?;
    let mut layers = layers::lay(&document, &environment).map_err(|error| {
        let finding = Finding {
            message: error.to_string(),
            help: None,
            span: None,
        };
        Report::new(name, document.shown.text.clone(), vec![finding])
    })?;
    let presets = preset::lay(&mut layers.tree);
    let reading = read::read(layers.tree, &layers.variables, &presets);

    let mut unread = reading.unread;
    unread.extend(presets.unread.iter().cloned());
    unread.extend(document.problems.iter().map(|problem| problem.at.clone()));
    let mut problems = Problems::default();
    problems.extend(document.problems.clone());
    problems.extend(layers.problems);
    problems.extend(presets.problems.clone());
    problems.extend(reading.problems);
    let plan = reading.settings.as_ref().and_then(|settings| {
        let (plan, wrong) = resolve(settings, &unread, &SecretReader::new(&environment));
        problems.extend(wrong);
        plan
    });
    let source = LoadedFrom {
        name: name.to_owned(),
        document,
        variables: layers.variables,
        presets,
    };
    match reading.settings.zip(plan) {
        Some((settings, plan)) if problems.is_empty() => Ok(Loaded {
            settings,
            plan: Arc::new(plan),
            environment,
            source,
            tree: reading.tree,
        }),
        Some(_) | None => Err(source.report(problems)),
    }
}

/// The file, the variables and the presets that settings came from.
#[derive(Clone)]
struct LoadedFrom {
    name: String,
    document: Document,
    variables: Variables,
    presets: Laid,
}

impl fmt::Debug for LoadedFrom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Source")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl LoadedFrom {
    fn report(&self, problems: Problems) -> Report {
        let findings = problems.into_iter().map(|problem| self.locate(problem));
        Report::new(
            &self.name,
            self.document.shown.text.clone(),
            findings.collect(),
        )
    }

    fn locate(&self, problem: Problem) -> Finding {
        if let Some(problem) = self.of_variables(&problem) {
            return problem;
        }
        match self.presets.origin(&problem.at) {
            Some(origin) => self.in_preset(problem, &origin),
            None => Finding {
                span: self.document.span(&problem.at),
                message: problem.message,
                help: problem.help,
            },
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
        Some(Finding {
            message: format!(
                "environment variable{plural} {variables}: {}",
                problem.message
            ),
            help: problem.help.clone(),
            span: None,
        })
    }

    /// A problem of what a preset says: the file has a line that names the preset.
    fn in_preset(&self, problem: Problem, origin: &PresetOrigin) -> Finding {
        let PresetOrigin { preset, key, .. } = origin;
        let instead = format!("set `{key}` in this block instead");
        Finding {
            span: self.document.span(&origin.named_at),
            message: format!(
                "in the preset `{}`, `{key}`: {}",
                preset.name, problem.message
            ),
            help: Some(match problem.help {
                Some(help) => format!("{help}; or {instead}"),
                None => instead,
            }),
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
