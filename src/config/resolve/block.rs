//! One table of an upstream's block while it is resolved: where it stands, and what is wrong with it.

use http::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::upstream::Text;
use crate::config::{Secret, SecretReader};
use crate::problem::{KeyPath, Problem, Problems};

use super::request::{check_header_name, check_header_value};
use super::secrets::missing;

/// Reads the keys of one table. What cannot be read is `None` and has become a problem.
pub(crate) struct Block<'a> {
    at: KeyPath,
    secrets: &'a SecretReader<'a>,
    problems: &'a mut Problems,
}

impl<'a> Block<'a> {
    pub(crate) const fn new(
        at: KeyPath,
        secrets: &'a SecretReader<'a>,
        problems: &'a mut Problems,
    ) -> Self {
        Self {
            at,
            secrets,
            problems,
        }
    }

    /// The table under a key of this one.
    pub(crate) fn table(&mut self, key: &str) -> Block<'_> {
        Block::new(self.at.join(key), self.secrets, self.problems)
    }

    /// Where the table stands.
    pub(crate) fn own_path(&self) -> KeyPath {
        self.at.clone()
    }

    /// Where a key of the table stands.
    pub(crate) fn path(&self, key: &str) -> KeyPath {
        self.at.join(key)
    }

    /// What is wrong so far, for checks that take it.
    pub(crate) const fn problems(&mut self) -> &mut Problems {
        self.problems
    }

    /// Notes what is wrong at a key, and what would be right.
    pub(crate) fn wrong(&mut self, key: &str, message: impl Into<String>, help: impl Into<String>) {
        self.problems
            .push(Problem::new(self.at.join(key), message).with_help(help));
    }

    /// Notes a problem at another key.
    pub(crate) fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    pub(crate) fn secret(&mut self, key: &str, secret: &Secret) -> Option<SecretString> {
        let read = self.secrets.read(secret);
        let read = read.map_err(|error| missing(self.at.join(key), secret, &error));
        self.problems.keep(read)
    }

    /// A text as it is, placeholders and all: who we are does not depend on the page.
    pub(crate) fn text(&mut self, key: &str, text: &Text) -> Option<SecretString> {
        match text {
            Text::Literal(text) => Some(SecretString::from(text.as_str())),
            Text::Secret(secret) => self.secret(key, secret),
        }
    }

    pub(crate) fn header_name(&mut self, key: &str, name: &str) -> Option<HeaderName> {
        check_header_name(&self.at.join(key), name, self.problems);
        name.parse().ok()
    }

    /// A secret that may stand in a header.
    pub(crate) fn header_secret(&mut self, key: &str, secret: &Secret) -> Option<SecretString> {
        let secret = self.secret(key, secret)?;
        self.header_text(key, secret.expose_secret())?;
        Some(secret)
    }

    /// A text that may stand in a header.
    pub(crate) fn header_text<'t>(&mut self, key: &str, text: &'t str) -> Option<&'t str> {
        check_header_value(&self.at.join(key), text, self.problems);
        HeaderValue::from_str(text).is_ok().then_some(text)
    }
}
