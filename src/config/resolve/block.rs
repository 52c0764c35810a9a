//! One table of an upstream's block while it is compiled: where it stands, and what is wrong with it.

use std::error::Error as _;

use http::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::upstream::Text;
use crate::config::{Secret, SecretReader};
use crate::problem::{KeyPath, Problem, Problems};

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
        let read = self.secrets.read(secret).map_err(|error| {
            let message = match error.source() {
                Some(source) => format!("{error}: {source}"),
                None => error.to_string(),
            };
            Problem::new(self.at.join(key), message)
        });
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
        let parsed = name.parse().ok();
        if parsed.is_none() {
            self.wrong(
                key,
                format!("`{}` is no header name", name.escape_default()),
                "letters, digits and dashes, as in `X-Api-Key`",
            );
        }
        parsed
    }

    /// A secret that may stand in a header.
    pub(crate) fn header_secret(&mut self, key: &str, secret: &Secret) -> Option<SecretString> {
        let secret = self.secret(key, secret)?;
        self.header_text(key, secret.expose_secret())?;
        Some(secret)
    }

    /// A text that may stand in a header.
    pub(crate) fn header_text<'t>(&mut self, key: &str, text: &'t str) -> Option<&'t str> {
        if HeaderValue::try_from(text).is_ok() {
            return Some(text);
        }
        // The text may be a secret, so it is not shown.
        self.wrong(
            key,
            "it holds a character that no header can carry",
            "a text without line breaks and other control characters",
        );
        None
    }
}
