//! What the source sends and no field takes.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::json;

/// What the source sends and no field takes: a JSON object, kept as its text. Most are only ever
/// written again.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Attributes(Box<str>);

impl Attributes {
    /// The object of this text, which groupgate itself has written.
    pub(crate) fn written(text: &str) -> Self {
        Self(if text == EMPTY { "" } else { text }.into())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The object, as JSON.
    pub fn as_json(&self) -> &str {
        if self.is_empty() { EMPTY } else { &self.0 }
    }

    /// The object's members, read from its text.
    pub fn members(&self) -> Map<String, Value> {
        match json::read_own(self.as_json()) {
            Ok(Value::Object(members)) => members,
            Ok(_) | Err(_) => Map::new(),
        }
    }
}

const EMPTY: &str = "{}";

impl From<Map<String, Value>> for Attributes {
    fn from(members: Map<String, Value>) -> Self {
        Self::written(&Value::Object(members).to_string())
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_json())
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.members().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        if text.get().starts_with('{') {
            Ok(Self::written(text.get()))
        } else {
            Err(D::Error::custom("expected an object"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_back_is_what_was_written() {
        let text = r#"{"$serde_json::private::RawValue":"[1]","n":[1.50,1E3]}"#;
        let attributes: Attributes = serde_json::from_str(text).unwrap();
        assert_eq!(attributes.as_json(), text);
        assert_eq!(serde_json::to_string(&attributes).unwrap(), text);
        assert!(serde_json::from_str::<Attributes>("{}").unwrap().is_empty());
        assert!(serde_json::from_str::<Attributes>("1.5").is_err());
    }
}
