//! Where the cursor of the next page comes from.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::{Location, OneOrMany, Part, Path, RecordFilter};

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
    /// The place at a path in the page.
    pub(super) fn at_path(path: &str) -> Result<Self, String> {
        path.parse().map(|path| Self::Page(Location::Body(path)))
    }

    /// The place in the page, if it is not in the last record.
    pub const fn in_page(&self) -> Option<&Location> {
        match self {
            Self::Page(at) => Some(at),
            Self::Record { .. } => None,
        }
    }
}

/// What is wrong with a table that names several places, or none.
const ONE_PLACE: &str = "the next page stands in one place: name exactly one of `header` and `last_record`, \
                         or which `value` of `only` one item of `each` of a list it is";

/// The keys of a table that says where a cursor is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CursorTable {
    pub(super) header: Option<String>,
    pub(super) each: Option<Path>,
    pub(super) only: Option<OneOrMany<RecordFilter>>,
    pub(super) value: Option<Path>,
    pub(super) last_record: Option<Part>,
}

impl CursorTable {
    /// Whether it has none of its keys.
    pub(super) const fn is_empty(&self) -> bool {
        self.header.is_none()
            && self.each.is_none()
            && self.only.is_none()
            && self.value.is_none()
            && self.last_record.is_none()
    }

    /// What they say, if that is one place.
    pub(super) fn source(self) -> Option<CursorSource> {
        let Self {
            header,
            each,
            only,
            value,
            last_record,
        } = self;
        match last_record {
            None => Location::of_keys(header, each, only, value).map(CursorSource::Page),
            Some(last_record) => {
                (header.is_none() && each.is_none()).then_some(CursorSource::Record { last_record })
            }
        }
    }
}

impl<'de> Deserialize<'de> for CursorSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
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
                CursorSource::at_path(text).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CursorSource, A::Error> {
                CursorTable::deserialize(MapAccessDeserializer::new(map))?
                    .source()
                    .ok_or_else(|| A::Error::custom(ONE_PLACE))
            }
        }

        deserializer.deserialize_any(SourceVisitor)
    }
}
