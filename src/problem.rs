//! What is wrong with a configuration, and where.
//!
//! Whoever finds a problem names the key; [`crate::config::load()`] knows the file and shows the line.

use std::fmt;

use thiserror::Error;

/// The keys that lead to a place in `gateway.toml`, outermost first.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPath(Vec<String>);

impl KeyPath {
    /// The path of these keys.
    pub fn new<K: Into<String>>(keys: impl IntoIterator<Item = K>) -> Self {
        Self(keys.into_iter().map(Into::into).collect())
    }

    /// This path and one key more. An index into an array is its number.
    #[must_use]
    pub fn join(&self, key: impl Into<String>) -> Self {
        let mut keys = self.0.clone();
        keys.push(key.into());
        Self(keys)
    }

    /// This path and, after it, another.
    #[must_use]
    pub fn append(&self, rest: &Self) -> Self {
        Self([self.keys(), rest.keys()].concat())
    }

    /// The path of the table or list that this one leads into; `None` for the file itself.
    pub fn parent(&self) -> Option<Self> {
        let (_, parent) = self.0.split_last()?;
        Some(Self(parent.to_vec()))
    }

    /// Whether this path leads to `ancestor` or to something in it.
    pub fn is_within(&self, ancestor: &Self) -> bool {
        self.0.starts_with(&ancestor.0)
    }

    /// The keys, outermost first.
    pub fn keys(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("."))
    }
}

/// One thing that is wrong: at which key, what, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Problem {
    /// The key that is wrong, or the table that lacks one.
    pub at: KeyPath,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
    /// The environment variable that the value came from, where it did not come from the file.
    pub variable: Option<String>,
}

impl Problem {
    /// A problem at a key.
    pub fn new(at: KeyPath, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
            help: None,
            variable: None,
        }
    }

    /// The same problem, with what would be right.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same problem, of a value that came from an environment variable.
    #[must_use]
    pub fn from_variable(mut self, name: impl Into<String>) -> Self {
        self.variable = Some(name.into());
        self
    }
}

/// All problems found so far: one reading of a file reports every one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds a problem, once.
    pub fn push(&mut self, problem: Problem) {
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    /// Adds all of another's.
    pub fn extend(&mut self, others: impl IntoIterator<Item = Problem>) {
        for problem in others {
            self.push(problem);
        }
    }

    /// Keeps the value of a good result, and the problem of a bad one.
    pub fn keep<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.push(problem)).ok()
    }

    /// Whether something is wrong at exactly this key.
    pub fn has_at(&self, at: &KeyPath) -> bool {
        self.0.iter().any(|problem| problem.at == *at)
    }

    /// Drops those that are not to be reported.
    pub fn retain(&mut self, keep: impl FnMut(&Problem) -> bool) {
        self.0.retain(keep);
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
