//! The kinds of values in an upstream's block: text, JSON, one or many, locations.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::config::Secret;
use crate::config::as_written::NUMBER;
pub use crate::plan::{OneOrMany, PathOr};

/// Text with placeholders, or a secret.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum Text {
    /// The text itself. Numbers and booleans are taken as they are written.
    Literal(String),
    /// Where the text comes from.
    Secret(Secret),
}

impl TryFrom<Json> for Text {
    type Error = &'static str;

    fn try_from(value: Json) -> Result<Self, Self::Error> {
        match value {
            Json::Text(text) => Ok(Self::Literal(text)),
            Json::Integer(number) => Ok(Self::Literal(number.to_string())),
            Json::Float(number) => Ok(Self::Literal(number.to_string())),
            Json::Number(digits) => Ok(Self::Literal(digits)),
            Json::Bool(bool) => Ok(Self::Literal(bool.to_string())),
            Json::Secret(secret) => Ok(Self::Secret(secret)),
            Json::List(_) | Json::Object(_) => Err(
                "expected a string, or a secret as `{ env = \"NAME\" }` or `{ file = \"path\" }`",
            ),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(Json::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A JSON value whose strings can contain placeholders. A table whose only key is `env` or `file`
/// is a secret.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// A string; exactly one placeholder takes the placeholder's type.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// A number with its digits as the file writes them.
    Number(String),
    /// A truth value.
    Bool(bool),
    /// Where a string is.
    Secret(Secret),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(BTreeMap<String, Json>),
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_toml(toml::Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Json {
    fn from_toml(value: toml::Value) -> Result<Self, String> {
        Ok(match value {
            toml::Value::String(text) => Self::Text(text),
            toml::Value::Integer(number) => Self::Integer(number),
            toml::Value::Float(number) => Self::Float(number),
            toml::Value::Boolean(bool) => Self::Bool(bool),
            toml::Value::Datetime(time) => Self::Text(time.to_string()),
            toml::Value::Array(items) => Self::List(
                items
                    .into_iter()
                    .map(Self::from_toml)
                    .collect::<Result<_, _>>()?,
            ),
            toml::Value::Table(table) => match (Self::secret(&table), number(&table)) {
                (Some(secret), _) => Self::Secret(secret),
                (None, Some(digits)) => Self::Number(digits.to_owned()),
                (None, None) => Self::Object(
                    table
                        .into_iter()
                        .map(|(name, value)| Ok((name, Self::from_toml(value)?)))
                        .collect::<Result<_, String>>()?,
                ),
            },
        })
    }

    fn secret(table: &toml::Table) -> Option<Secret> {
        let mut entries = table.iter();
        match (entries.next()?, entries.next()) {
            ((key, toml::Value::String(place)), None) if key == "env" => {
                Some(Secret::Env(place.clone()))
            }
            ((key, toml::Value::String(place)), None) if key == "file" => {
                Some(Secret::File(place.into()))
            }
            _ => None,
        }
    }
}

/// The digits of a table that stands for a number.
fn number(table: &toml::Table) -> Option<&str> {
    let digits = table.get(NUMBER)?.as_str()?;
    (table.len() == 1).then_some(digits)
}

impl JsonSchema for Json {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Json".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A JSON value whose strings can contain placeholders. A table whose only key \
                            is `env` or `file` is a secret.",
        })
    }
}

/// A table without keys: what may stand beside the tag of a variant that has none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Reads what stands beside the tag of a variant without keys, where nothing may: serde's
/// `deny_unknown_fields` does not reach the unit variants of tagged enums.
pub(super) fn nothing_else<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    Nothing::deserialize(deserializer).map(|Nothing {}| ())
}
