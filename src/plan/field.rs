//! Where one field of a group comes from: parts of a record, and their conversions.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use super::TimeFormat;
use crate::plan::placeholder::{Piece, PlaceholderError, scan_for};
use crate::plan::{Path, text};

/// Where a field comes from: the first source that has a value applies.
#[derive(Debug, Clone, PartialEq)]
pub struct Field(pub Vec<Source>);

/// One source of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Where its text is.
    pub start: Start,
    /// The conversions of the text. A plain path, like most sources, has none.
    pub conversions: Option<Box<Conversions>>,
    /// The format of a time.
    pub format: TimeFormat,
}

/// Where the text of a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// In one part of a record.
    Part(Part),
    /// In several parts.
    Template(FieldTemplate),
    /// Nowhere: it is the same for every record.
    Constant(String),
    /// In the record of the partition, under this name: it is the same for every record of one list.
    Partition(String),
}

/// The conversions of a text, applied in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conversions {
    /// Texts that mean null.
    pub null: Vec<String>,
    /// How the text is escaped.
    pub decode: Option<Decode>,
    /// The separator at which it is split, and the piece to use.
    pub piece: Option<(String, Take)>,
    /// The values for some texts.
    pub values: BTreeMap<String, String>,
    /// The value for all other texts.
    pub otherwise: Option<String>,
}

/// A part of a record: what stands at a path, or the name that it is keyed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The name of a keyed record, or of a keyed person.
    Key,
    /// What stands at a path.
    At(Path),
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "$key" => Ok(Self::Key),
            _ => text.parse().map(Self::At),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => formatter.write_str("$key"),
            Self::At(path) => path.fmt(formatter),
        }
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::parse(deserializer, "a path such as `name`, or `$key`", str::parse)
    }
}

impl JsonSchema for Part {
    fn schema_name() -> Cow<'static, str> {
        "Part".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "description": "A path from the record, or, with a leading slash, from the root of the \
                            page. `.` is a scalar record itself, and `$key` the name of a keyed \
                            record. For XML, segments name elements, and `@name` an attribute.",
        })
    }
}

/// A text made of several values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldTemplate(Vec<FieldTemplatePiece>);

/// A piece of a [`FieldTemplate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldTemplatePiece {
    /// Text that stands for itself.
    Literal(String),
    /// The path between two braces.
    Part(Part),
}

impl FieldTemplate {
    /// The pieces in order.
    pub fn pieces(&self) -> &[FieldTemplatePiece] {
        &self.0
    }

    /// The parts of a record that the text is made of.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.0.iter().filter_map(|piece| match piece {
            FieldTemplatePiece::Part(part) => Some(part),
            FieldTemplatePiece::Literal(_) => None,
        })
    }
}

impl FromStr for FieldTemplate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_path = |path: &str| !path.contains('{') && path.parse::<Part>().is_ok();
        let pieces = scan_for(text, is_path).map_err(|error| {
            let what = match error {
                PlaceholderError::Name(path) => format!("`{{{path}}}` holds no path"),
                PlaceholderError::Unclosed | PlaceholderError::Unopened => error.to_string(),
            };
            format!("{what}: write `{{name}}` for what stands at `name`, and `{{{{` for a brace")
        })?;
        let pieces: Result<_, String> = (pieces.into_iter())
            .map(|piece| match piece {
                Piece::Literal(text) => Ok(FieldTemplatePiece::Literal(text)),
                Piece::Placeholder(path) => path.parse().map(FieldTemplatePiece::Part),
            })
            .collect();
        let template = Self(pieces?);
        if template.parts().next().is_none() {
            return Err(format!(
                "`{text}` holds no path in braces: write `constant` for what is always the same"
            ));
        }
        Ok(template)
    }
}

impl<'de> Deserialize<'de> for FieldTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::parse(
            deserializer,
            "a template such as `{given} {family}`",
            str::parse,
        )
    }
}

impl JsonSchema for FieldTemplate {
    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Text that combines several values, such as `{given} {family}`. Braces \
                            enclose paths; `{{` and `}}` are literal braces.",
        })
    }
}

/// How a text is escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Decode {
    /// As in URLs: `%C3%A9` is `é`.
    Percent,
}

/// Which piece of a text that was cut counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum Take {
    /// The first.
    First,
    /// The last.
    Last,
    /// The one with this number, from 0.
    #[strum(to_string = "{0}")]
    Index(usize),
}

impl<'de> Deserialize<'de> for Take {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TakeVisitor;

        impl Visitor<'_> for TakeVisitor {
            type Value = Take;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("`first`, `last`, or the number of a piece from 0")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Take, E> {
                match word {
                    "first" => Ok(Take::First),
                    "last" => Ok(Take::Last),
                    _ => Err(E::unknown_variant(word, &["first", "last"])),
                }
            }

            fn visit_i64<E: Error>(self, index: i64) -> Result<Take, E> {
                let index = usize::try_from(index).map_err(|_| {
                    E::custom(format!("there is no piece {index}: pieces count from 0"))
                })?;
                Ok(Take::Index(index))
            }
        }

        deserializer.deserialize_any(TakeVisitor)
    }
}

impl JsonSchema for Take {
    fn schema_name() -> Cow<'static, str> {
        "Take".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Which piece of a text to use.",
            "anyOf": [
                { "const": "first", "description": "The first piece." },
                { "const": "last", "description": "The last piece." },
                { "type": "integer", "minimum": 0, "description": "The piece with this index, from 0." },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn part(text: &str) -> FieldTemplatePiece {
        FieldTemplatePiece::Part(text.parse().unwrap())
    }

    #[test]
    fn braces_hold_any_path_and_two_are_one() {
        let template: FieldTemplate = "{{{$key}}} {name/givenName}/{@id}{/tenant}"
            .parse()
            .unwrap();
        let literal = |text: &str| FieldTemplatePiece::Literal(text.to_owned());
        assert_eq!(
            template.pieces(),
            [
                literal("{"),
                part("$key"),
                literal("} "),
                part("name/givenName"),
                literal("/"),
                part("@id"),
                part("/tenant"),
            ]
        );
    }

    #[rstest]
    #[case::opened("{given {family}")]
    #[case::never_closed("{given")]
    #[case::never_opened("given}")]
    #[case::empty("{}")]
    #[case::no_pointer("{a~2}")]
    #[case::no_path_at_all("Team")]
    fn a_template_that_means_nothing_is_refused(#[case] text: &str) {
        assert!(text.parse::<FieldTemplate>().is_err());
    }

    #[test]
    fn a_key_is_a_part_of_its_own_and_prints_as_it_was_written() {
        assert_eq!("$key".parse(), Ok(Part::Key));
        for text in ["$key", "$ref", "name", "/meta/tenant", ".", "key"] {
            assert_eq!(text.parse::<Part>().unwrap().to_string(), text);
        }
    }
}
