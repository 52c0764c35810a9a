//! A path into a page or a record, as `gateway.toml` writes it.
//!
//! With a leading slash it is an RFC 6901 pointer from the page's root; without one it starts at
//! the record; `.` is the record itself. For XML the same segments name elements, and `@name` an
//! attribute.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jsonptr::PointerBuf;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer};

use super::text;

/// Where something stands in a page, or in one record of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    anchor: Anchor,
    segments: Vec<String>,
}

/// What a [`Path`] is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// The page's root: the path was written with a leading slash.
    Page,
    /// The record at hand.
    Record,
}

impl Path {
    /// The page itself.
    pub const fn root() -> Self {
        Self {
            anchor: Anchor::Page,
            segments: Vec::new(),
        }
    }

    /// What the path is counted from.
    pub const fn anchor(&self) -> Anchor {
        self.anchor
    }

    /// Whether it is `.`, the record itself.
    pub fn is_record(&self) -> bool {
        self.anchor == Anchor::Record && self.segments.is_empty()
    }

    /// The steps from the anchor, unescaped. Empty is the anchor itself.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }
}

impl FromStr for Path {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (anchor, pointer) = match text {
            "." => (Anchor::Record, Cow::Borrowed("")),
            "" => {
                return Err(
                    "an empty path: write `/` and names from the page's root, a name of the \
                     record, or `.` for the record itself"
                        .to_owned(),
                );
            }
            // RFC 6901 has "" for the whole document, which a config key can hardly show.
            "/" => (Anchor::Page, Cow::Borrowed("")),
            _ if text.starts_with('/') => (Anchor::Page, Cow::Borrowed(text)),
            _ => (Anchor::Record, Cow::Owned(format!("/{text}"))),
        };
        let pointer = PointerBuf::parse(pointer.as_ref())
            .map_err(|_| format!("`{text}` is not a path: `~` must be followed by 0 or 1"))?;
        let segments = pointer
            .tokens()
            .map(|token| token.decoded().into_owned())
            .collect();
        Ok(Self { anchor, segments })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pointer = PointerBuf::from_tokens(self.segments.iter().map(String::as_str));
        match (self.anchor, pointer.as_str()) {
            (Anchor::Page, "") => formatter.write_str("/"),
            (Anchor::Page, pointer) => formatter.write_str(pointer),
            (Anchor::Record, "") => formatter.write_str("."),
            (Anchor::Record, pointer) => formatter.write_str(pointer.trim_start_matches('/')),
        }
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::parse(deserializer, "a path such as `/data` or `name`", str::parse)
    }
}

impl JsonSchema for Path {
    fn schema_name() -> Cow<'static, str> {
        "Path".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "description": "With a leading slash, an RFC 6901 pointer from the root of the page; \
                            without one, from the record. `.` is a scalar record itself. For XML, \
                            segments name elements, and `@name` an attribute, both without their \
                            prefixes: write `Group` for `ns:Group`. A field takes the first of \
                            repeated elements; lists of records and of people are read from all \
                            of them.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_prints_as_it_was_written() {
        for text in ["/", ".", "/data", "name", "users/user", "/a~1b/c~0d", "@id"] {
            assert_eq!(text.parse::<Path>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn escapes_are_undone_in_segments() {
        let path: Path = "/a~1b".parse().unwrap();
        assert_eq!(path.segments(), ["a/b"]);
        assert_eq!(path.anchor(), Anchor::Page);
        assert!("/a~2".parse::<Path>().is_err());
        assert!("".parse::<Path>().is_err());
    }
}
