//! Reads a tree of TOML values into types, and says in facts what did not fit.
//!
//! The stock deserializers turn a fault into an English sentence at once. Ours keeps it apart
//! ([`Fault`]), so that a misspelt key can be answered with the nearest one, and so that a value
//! that may be a secret can be left out of what is said.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, Expected, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use thiserror::Error;
use toml::Value;

use crate::problem::KeyPath;

/// What did not fit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum TreeError {
    /// A key that its table does not have.
    #[error("unknown key `{key}`")]
    UnknownKey {
        key: String,
        known: &'static [&'static str],
    },
    /// A table without a key that it needs.
    #[error("the key `{0}` is missing")]
    MissingKey(String),
    /// A word where one of a few others belongs.
    #[error("unknown value `{word}`")]
    UnknownWord {
        word: String,
        known: &'static [&'static str],
    },
    /// A value of another type than the key's.
    #[error("expected {expected}, found {found}")]
    WrongType { expected: String, found: FoundValue },
    /// What the key's own reader says of the value.
    #[error("{0}")]
    Unreadable(String),
}

/// The value that was found in another's place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum FoundValue {
    /// A string.
    #[error("the string {0:?}")]
    Text(String),
    /// A number, a truth value.
    #[error("{0}")]
    Plain(String),
    /// A table, a list.
    #[error("{0}")]
    Container(&'static str),
}

impl FoundValue {
    /// What was found, without the value.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Plain(_) => "a plain value",
            Self::Container(kind) => kind,
        }
    }

    fn of(unexpected: Unexpected<'_>) -> Self {
        match unexpected {
            Unexpected::Bool(value) => Self::Plain(value.to_string()),
            Unexpected::Unsigned(number) => Self::Plain(number.to_string()),
            Unexpected::Signed(number) => Self::Plain(number.to_string()),
            Unexpected::Float(number) => Self::Plain(number.to_string()),
            Unexpected::Char(letter) => Self::Text(letter.into()),
            Unexpected::Str(text) => Self::Text(text.to_owned()),
            Unexpected::Map | Unexpected::StructVariant => Self::Container("a table"),
            Unexpected::Seq | Unexpected::TupleVariant => Self::Container("a list"),
            // TOML has none of these.
            Unexpected::Bytes(_)
            | Unexpected::Unit
            | Unexpected::Option
            | Unexpected::NewtypeStruct
            | Unexpected::Enum
            | Unexpected::UnitVariant
            | Unexpected::NewtypeVariant
            | Unexpected::Other(_) => Self::Container("something else"),
        }
    }
}

/// A fault, and the keys that lead to the value that it was found in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misfit {
    pub(super) at: KeyPath,
    pub(super) fault: TreeError,
}

/// Reads a value as a `T`; of several faults, the first.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Misfit> {
    serde_path_to_error::deserialize(TreeNode(value)).map_err(|error| Misfit {
        at: key_path(error.path()),
        fault: error.into_inner(),
    })
}

fn key_path(path: &serde_path_to_error::Path) -> KeyPath {
    use serde_path_to_error::Segment;
    KeyPath::new(path.iter().filter_map(|segment| match segment {
        Segment::Map { key } => Some(key.clone()),
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Enum { .. } | Segment::Unknown => None,
    }))
}

/// A value as serde reads it.
struct TreeNode(Value);

impl IntoDeserializer<'_, TreeError> for TreeNode {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> de::Deserializer<'de> for TreeNode {
    type Error = TreeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match self.0 {
            Value::String(text) => visitor.visit_string(text),
            Value::Integer(number) => visitor.visit_i64(number),
            Value::Float(number) => visitor.visit_f64(number),
            Value::Boolean(bool) => visitor.visit_bool(bool),
            Value::Datetime(time) => visitor.visit_string(time.to_string()),
            Value::Array(items) => {
                SeqDeserializer::new(items.into_iter().map(TreeNode)).deserialize_any(visitor)
            }
            Value::Table(table) => {
                MapDeserializer::new(table.into_iter().map(|(key, value)| (key, TreeNode(value))))
                    .deserialize_any(visitor)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        let Value::String(word) = self.0 else {
            return self.deserialize_any(visitor);
        };
        de::value::StringDeserializer::new(word).deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl de::Error for TreeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Unreadable(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::WrongType {
            expected: in_our_words(&expected.to_string()),
            found: FoundValue::of(found),
        }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::UnknownWord {
            word: word.to_owned(),
            known,
        }
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::UnknownKey {
            key: key.to_owned(),
            known,
        }
    }

    fn missing_field(key: &'static str) -> Self {
        Self::MissingKey(key.to_owned())
    }
}

/// What serde calls a type, in the words of the manual.
fn in_our_words(expected: &str) -> String {
    match expected {
        "u8" | "u16" | "u32" => format!("a whole number from 0 to {}", u32::MAX),
        "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a map" => "a table".to_owned(),
        "a sequence" => "a list".to_owned(),
        "string" | "variant identifier" => "a string".to_owned(),
        _ if expected.starts_with("struct ") || expected.starts_with("internally tagged enum ") => {
            "a table".to_owned()
        }
        _ if expected.starts_with("enum ") => "a string".to_owned(),
        _ => expected.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn misfit(text: &str) -> Misfit {
        read::<Settings>(Value::Table(text.parse().unwrap())).unwrap_err()
    }

    #[test]
    fn a_fault_names_the_keys_that_lead_to_it() {
        let misfit = misfit("[cursor]\nkeys = [{ env = \"A\" }, { evn = \"B\" }]");
        assert_eq!(misfit.at.to_string(), "cursor.keys.1");
        assert_eq!(
            misfit.fault,
            TreeError::UnknownKey {
                key: "evn".to_owned(),
                known: &["env", "file"],
            }
        );
    }

    #[test]
    fn a_number_where_a_duration_belongs_is_answered_with_a_duration() {
        let misfit = misfit("[server]\ndeadline = 10");
        assert_eq!(misfit.at.to_string(), "server.deadline");
        assert_eq!(
            misfit.fault.to_string(),
            "expected a duration such as `10s`, found 10"
        );
    }
}
