//! One table of an upstream's block while it is resolved: where it stands, and what is wrong with it.

use std::path::Path;

use http::header::{HeaderName, HeaderValue};

use crate::config::upstream::Text;
use crate::config::{Secret, SecretReader};
use crate::error::chain;
use crate::plan::SecretValue;
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

    /// Notes a problem at another key.
    pub(crate) fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Notes what is wrong at a key, and what would be right.
    pub(crate) fn wrong(&mut self, key: &str, message: impl Into<String>, help: impl Into<String>) {
        self.problems
            .push(Problem::new(self.at.join(key), message).with_help(help));
    }

    /// The value of a secret, and where it was read.
    pub(crate) fn secret(&mut self, key: &str, secret: &Secret) -> Option<SecretValue> {
        let at = self.at.join(key);
        let read = self.secrets.read(secret);
        let read = read.map_err(|error| missing(at, secret, &error));
        let value = self.problems.keep(read)?;
        Some(SecretValue::new(value, secret))
    }

    /// What a file holds that stands beside secrets and is none, such as a certificate. It is not
    /// read where its key is wrong already.
    pub(crate) fn file(&mut self, key: &str, path: &Path) -> Option<Vec<u8>> {
        if self.problems.has_at(&self.at.join(key)) {
            return None;
        }
        let read = self.secrets.file(path);
        read.map_err(|error| {
            self.wrong(
                key,
                chain(&error),
                "a relative path starts at the working directory of groupgate; an absolute one \
                 begins with a slash",
            );
        })
        .ok()
    }

    /// A text as it is, placeholders and all: who we are does not depend on the page.
    pub(crate) fn text(&mut self, key: &str, text: &Text) -> Option<SecretValue> {
        match text {
            Text::Literal(text) => Some(SecretValue::from(text.as_str())),
            Text::Secret(secret) => self.secret(key, secret),
        }
    }

    pub(crate) fn header_name(&mut self, key: &str, name: &str) -> Option<HeaderName> {
        check_header_name(&self.at.join(key), name, self.problems);
        name.parse().ok()
    }

    /// A secret that may stand in a header.
    pub(crate) fn header_secret(&mut self, key: &str, secret: &Secret) -> Option<SecretValue> {
        let secret = self.secret(key, secret)?;
        self.header_text(key, secret.expose())?;
        Some(secret)
    }

    /// A text that may stand in a header.
    pub(crate) fn header_text<'t>(&mut self, key: &str, text: &'t str) -> Option<&'t str> {
        check_header_value(&self.at.join(key), text, self.problems);
        HeaderValue::from_str(text).is_ok().then_some(text)
    }
}
