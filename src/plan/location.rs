//! Where a response contains a value.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::{OneOrMany, Path, RecordFilter};

/// Where a response contains a value that pagination or a login needs.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum Location {
    /// A path from the root of the body.
    Body(Path),
    /// A response header. If it says of pages different things in several lines, that is an error.
    Header {
        /// The name of the header.
        header: String,
    },
    /// A part of one item of a list, such as the link to the next page in a list of links.
    Chosen(Box<ChosenPlace>),
}

/// A part of one item of a list in the body. If no item is the one that is meant, there is no value. It is an
/// error if no item has what `only` compares, or if the one that is meant lacks its `value`.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
pub struct ChosenPlace {
    /// Where the list is.
    pub each: Path,
    /// Which item of it is meant, such as `{ path = "rel", equals = "next" }`: the first that meets all
    /// conditions.
    pub only: OneOrMany<RecordFilter>,
    /// Where in the item the value is, such as `href`.
    pub value: Path,
}

impl Location {
    /// What the keys of a table say, if they say one place.
    pub(crate) fn of_keys(
        header: Option<String>,
        each: Option<Path>,
        only: Option<OneOrMany<RecordFilter>>,
        value: Option<Path>,
    ) -> Option<Self> {
        match (header, each, only, value) {
            (Some(header), None, None, None) => Some(Self::Header { header }),
            (None, Some(each), Some(only), Some(value)) => {
                Some(Self::Chosen(Box::new(ChosenPlace { each, only, value })))
            }
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct LocationTable {
            header: Option<String>,
            each: Option<Path>,
            only: Option<OneOrMany<RecordFilter>>,
            value: Option<Path>,
        }

        struct LocationVisitor;

        impl<'de> Visitor<'de> for LocationVisitor {
            type Value = Location;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a path such as `/meta/next`, or `{ header = \"X-Next\" }`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Location, E> {
                text.parse().map(Location::Body).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Location, A::Error> {
                let table = LocationTable::deserialize(MapAccessDeserializer::new(map))?;
                let LocationTable {
                    header,
                    each,
                    only,
                    value,
                } = table;
                Location::of_keys(header, each, only, value).ok_or_else(|| {
                    A::Error::custom(
                        "a value stands in a `header`, or is the `value` of `only` one item of `each` of \
                         a list",
                    )
                })
            }
        }

        deserializer.deserialize_any(LocationVisitor)
    }
}
