//! Where the cursor of the next page comes from.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::{Location, Part};

/// Where a page contains the next cursor.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum CursorSource {
    /// In the body or in a header.
    Page(Location),
    /// In the last record of the page. A page without records is then the last one.
    Record {
        /// A path from the record, or `$key` for the name of a keyed one.
        last_record: Part,
    },
}

impl CursorSource {
    /// The place in the page, if it is not in the last record.
    pub const fn in_page(&self) -> Option<&Location> {
        match self {
            Self::Page(at) => Some(at),
            Self::Record { .. } => None,
        }
    }
}

impl<'de> Deserialize<'de> for CursorSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct CursorTable {
            header: Option<String>,
            last_record: Option<Part>,
        }

        struct SourceVisitor;

        impl<'de> Visitor<'de> for SourceVisitor {
            type Value = CursorSource;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(
                    "a path such as `/meta/next`, `{ header = \"X-Next\" }` or \
                     `{ last_record = \"id\" }`",
                )
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<CursorSource, E> {
                let path = text.parse().map_err(E::custom)?;
                Ok(CursorSource::Page(Location::Body(path)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CursorSource, A::Error> {
                match CursorTable::deserialize(MapAccessDeserializer::new(map))? {
                    CursorTable {
                        header: Some(header),
                        last_record: None,
                    } => Ok(CursorSource::Page(Location::Header { header })),
                    CursorTable {
                        header: None,
                        last_record: Some(last_record),
                    } => Ok(CursorSource::Record { last_record }),
                    CursorTable { .. } => Err(A::Error::custom(
                        "the next page stands in one place: name exactly one of `header` and \
                         `last_record`",
                    )),
                }
            }
        }

        deserializer.deserialize_any(SourceVisitor)
    }
}
