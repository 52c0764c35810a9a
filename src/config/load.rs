//! Reads `gateway.toml`, lays the environment over it, and checks what came of it.
//!
//! Text ▸ [`super::document`] ▸ [`super::layers`] ▸ [`super::read`] ▸ [`super::validate`]. Each stage
//! goes on as far as it can, so that one reading reports every problem; settings come out only if
//! there was none.

use std::fmt;
use std::path::Path;

use super::document::Document;
use super::layers::{self, Variables};
use super::nearest::list;
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
            help: Some(
                "name the configuration: `check FILE`, or `--config FILE` for `serve` and `probe`"
                    .to_owned(),
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
    let layers = layers::lay(&document, &environment).map_err(|error| {
        let finding = Finding {
            message: error.to_string(),
            help: None,
            span: None,
        };
        Report::new(name, document.shown.text.clone(), vec![finding])
    })?;
    let reading = read::read(layers.tree, &layers.variables);

    let mut unread = reading.unread;
    unread.extend(document.problems.iter().map(|problem| problem.at.clone()));
    let mut problems = Problems::default();
    problems.extend(document.problems.clone());
    problems.extend(layers.problems);
    problems.extend(reading.problems);
    if let Some(settings) = &reading.settings {
        problems.extend(validate(settings, &unread, SecretReader::new(&environment)));
    }
    let source = Source {
        name: name.to_owned(),
        document,
        variables: layers.variables,
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

/// The file and the variables that settings came from.
#[derive(Clone)]
struct Source {
    name: String,
    document: Document,
    variables: Variables,
}

impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Source")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
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
        let variables = match &problem.variable {
            Some(variable) => vec![variable.as_str()],
            None => self.variables_of(&problem.at),
        };
        let message = match (variables.len(), list(variables)) {
            (_, None) => {
                return Finding {
                    span: self.document.span(&problem.at),
                    message: problem.message,
                    help: problem.help,
                };
            }
            (1, Some(variable)) => format!("environment variable {variable}: {}", problem.message),
            (_, Some(all)) => format!("environment variables {all}: {}", problem.message),
        };
        Finding {
            message,
            help: problem.help,
            span: None,
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
