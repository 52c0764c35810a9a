//! Reads `gateway.toml`, lays the environment over it, and checks what came of it.
//!
//! Text ▸ [document](super::document) ▸ [layers](super::layers) ▸ [presets](super::preset) ▸
//! [typed settings](super::read) ▸ [validation](super::validate). Each stage goes on as far as it can, so that one reading reports
//! every problem; settings come out only if there was none.

use std::path::Path;

use super::document::Document;
use super::layers::{self, Variables};
use super::preset::{self, Laid, Origin};
use super::read;
use super::report::{Finding, Report};
use super::validate::validate;
use super::{Environment, KeyPath, Problem, Problems, SecretReader, Settings};

/// A configuration that can be run.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the file and the environment say together.
    pub settings: Settings,
    /// The variables that secrets are read from.
    pub environment: Environment,
    source: Source,
}

impl Loaded {
    /// Reads the secrets that the settings name.
    pub fn secrets(&self) -> SecretReader<'_> {
        SecretReader::new(&self.environment)
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
            help: Some("`--config` names the file to use".to_owned()),
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
    if let Some(settings) = &reading.settings {
        problems.extend(validate(settings, &unread, SecretReader::new(&environment)));
    }
    let source = Source {
        name: name.to_owned(),
        document,
        variables: layers.variables,
        presets,
    };
    match reading.settings {
        Some(settings) if problems.is_empty() => Ok(Loaded {
            settings,
            environment,
            source,
        }),
        Some(_) | None => Err(source.report(problems)),
    }
}

/// The file, the variables and the presets that settings came from.
#[derive(Debug, Clone)]
struct Source {
    name: String,
    document: Document,
    variables: Variables,
    presets: Laid,
}

impl Source {
    fn report(&self, problems: Problems) -> Report {
        let findings = problems.into_iter().map(|problem| self.locate(problem));
        Report::new(
            &self.name,
            self.document.shown.text.clone(),
            findings.collect(),
        )
    }

    fn locate(&self, problem: Problem) -> Finding {
        let variable = (problem.variable.as_deref()).or_else(|| self.variable(&problem.at));
        if let Some(variable) = variable {
            return Finding {
                message: format!("environment variable `{variable}`: {}", problem.message),
                help: problem.help,
                span: None,
            };
        }
        match self.presets.origin(&problem.at) {
            Some(origin) => self.locate_in_preset(problem, &origin),
            None => Finding {
                span: self.document.span(&problem.at),
                message: problem.message,
                help: problem.help,
            },
        }
    }

    /// The file has no line for what a preset says, but one that names it.
    fn locate_in_preset(&self, problem: Problem, origin: &Origin) -> Finding {
        let Origin { preset, key, .. } = origin;
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

    /// The variable that set a key, or that made the table at it.
    fn variable(&self, at: &KeyPath) -> Option<&str> {
        let is_in_file = self.document.places.contains_key(at);
        self.variables
            .iter()
            .find(|(set, _)| *set == at || (!is_in_file && set.is_within(at)))
            .filter(|_| !at.keys().is_empty())
            .map(|(_, name)| name.as_str())
    }
}
