//! Secrets: named in `gateway.toml`, held elsewhere, never shown.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::SecretString;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use thiserror::Error;

use super::Environment;

/// Where a secret is: `{ env = "NAME" }` or `{ file = "path" }`. Never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Secret {
    /// In the environment variable of this name.
    Env(String),
    /// In the file at this path; white space at its end does not count.
    File(PathBuf),
}

/// Why a secret could not be read. Names where it should be, never what it is.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The environment variable is not set.
    #[error("the environment variable `{0}` is not set")]
    Unset(String),
    /// The environment variable or file is there, with nothing in it.
    #[error("{0} is empty")]
    Empty(String),
    /// The file cannot be read.
    #[error("the file `{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Reads secrets from an environment and from files. Each file is read once, so that whatever one
/// reader was asked for fits together, though a file changes meanwhile.
pub struct SecretReader<'a> {
    environment: &'a Environment,
    /// What another reader has read before.
    before: Option<&'a ReadFiles>,
    files: RefCell<ReadFiles>,
}

/// What files held when they were read; `None` for one that could not be.
#[derive(Clone, Default)]
pub(super) struct ReadFiles(pub(super) HashMap<PathBuf, Option<Vec<u8>>>);

impl ReadFiles {
    fn get(&self, path: &Path) -> Option<Vec<u8>> {
        self.0.get(path)?.clone()
    }
}

impl fmt::Debug for ReadFiles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names only: contents may be secrets.
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

impl<'a> SecretReader<'a> {
    /// A reader that looks variables up in `environment`.
    pub fn new(environment: &'a Environment) -> Self {
        Self {
            environment,
            before: None,
            files: RefCell::default(),
        }
    }

    /// A reader that goes on from what another has read.
    pub(super) fn after(environment: &'a Environment, files: &'a ReadFiles) -> Self {
        Self {
            before: Some(files),
            ..Self::new(environment)
        }
    }

    /// What it has read.
    pub(super) fn into_files(self) -> ReadFiles {
        self.files.into_inner()
    }

    /// Reads one secret.
    pub fn read(&self, secret: &Secret) -> Result<SecretString, SecretError> {
        let text = match secret {
            Secret::Env(name) => self
                .environment
                .get(name)
                .map(str::to_owned)
                .ok_or_else(|| SecretError::Unset(name.clone()))?,
            Secret::File(path) => {
                let text = String::from_utf8(self.file(path)?).map_err(|error| {
                    let source = io::Error::new(io::ErrorKind::InvalidData, error.utf8_error());
                    SecretError::Unreadable {
                        path: path.clone(),
                        source,
                    }
                })?;
                text.trim_end().to_owned()
            }
        };
        if text.is_empty() {
            return Err(SecretError::Empty(secret.to_string()));
        }
        Ok(SecretString::from(text))
    }

    /// Reads a file that stands beside secrets and is none, such as a certificate.
    pub fn file(&self, path: &Path) -> Result<Vec<u8>, SecretError> {
        let known = self.before.and_then(|before| before.get(path));
        if let Some(content) = known.or_else(|| self.files.borrow().get(path)) {
            return Ok(content);
        }
        let read = std::fs::read(path);
        let content = read.as_ref().ok().cloned();
        self.files.borrow_mut().0.insert(path.to_owned(), content);
        read.map_err(|source| SecretError::Unreadable {
            path: path.to_owned(),
            source,
        })
    }
}

impl fmt::Debug for SecretReader<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretReader")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(formatter, "the environment variable `{name}`"),
            Self::File(path) => write!(formatter, "the file `{}`", path.display()),
        }
    }
}

const EXPECTED: &str = "`{ env = \"NAME\" }` or `{ file = \"path\" }`";

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SecretVisitor;

        impl<'de> Visitor<'de> for SecretVisitor {
            type Value = Secret;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(EXPECTED)
            }

            // The literal must not reach the message: serde's own would print it.
            fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Secret, E> {
                Err(E::custom(SECRET_LITERAL))
            }

            fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Secret, E> {
                Err(E::custom(SECRET_LITERAL))
            }

            fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Secret, E> {
                Err(E::custom(SECRET_LITERAL))
            }

            fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Secret, E> {
                Err(E::custom(SECRET_LITERAL))
            }

            fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Secret, E> {
                Err(E::custom(SECRET_LITERAL))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
                let wrong = || A::Error::custom(format!("a secret is written {EXPECTED}"));
                let (key, place) = map.next_entry::<String, String>()?.ok_or_else(wrong)?;
                let secret = match key.as_str() {
                    "env" => Secret::Env(place),
                    "file" => Secret::File(place.into()),
                    _ => return Err(A::Error::unknown_field(&key, &["env", "file"])),
                };
                match map.next_key::<String>()? {
                    None => Ok(secret),
                    Some(_) => Err(wrong()),
                }
            }
        }

        deserializer.deserialize_any(SecretVisitor)
    }
}

/// What is said of a literal where a secret belongs.
pub const SECRET_LITERAL: &str = "a secret is never written out here";

/// What would be right instead.
pub const SECRET_HELP: &str =
    "say where it is: `{ env = \"NAME\" }` for a variable, `{ file = \"path\" }` for a file";

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Where a secret is stored; never the secret itself. Set exactly one of `env` and `file`.",
            "oneOf": [
                {
                    "type": "object",
                    "properties": { "env": { "type": "string", "description": "The environment variable that contains it." } },
                    "required": ["env"],
                    "additionalProperties": false,
                },
                {
                    "type": "object",
                    "properties": { "file": { "type": "string", "description": "The file that contains it. White space at the end is ignored." } },
                    "required": ["file"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}
