//! When what was read of a group is used again.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::{Path, Span};

/// When what was read of a group is used again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReuseRule {
    /// While this is what it was.
    pub while_same: ReuseMarker,
    /// All of it is read anew this often.
    pub full: Span,
}

/// What says that a group has not changed.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum ReuseMarker {
    /// The field `updated_at` of the group: it is not asked for again while that is what it was. A group without one is
    /// asked for in each walk, and one that had just changed when it was read once more: a change within the same
    /// second, or on the same day where it is a date, would not show.
    UpdatedAt,
    /// The `ETag` of the response: it is asked for in each walk, with `If-None-Match`, and not sent or read
    /// again if the answer is 304.
    Etag,
    /// What stands at a path in the listed record of the group, such as the time when its members last changed:
    /// it is not asked for again while that is what it was. A group that has nothing there is asked for in each walk.
    Path(
        /// Where it stands in the record: a path without a slash at its beginning.
        Path,
    ),
}

impl ReuseMarker {
    /// The path in the record of a group that it goes by.
    pub const fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::UpdatedAt | Self::Etag => None,
        }
    }
}

impl<'de> Deserialize<'de> for ReuseMarker {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct PathTable {
            path: Path,
        }

        struct MarkerVisitor;

        impl<'de> Visitor<'de> for MarkerVisitor {
            type Value = ReuseMarker;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(
                    "`updated_at`, `etag`, or a path in the record of a group, as in `{ path = \"changed\" }`",
                )
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<ReuseMarker, E> {
                match text {
                    "updated_at" => Ok(ReuseMarker::UpdatedAt),
                    "etag" => Ok(ReuseMarker::Etag),
                    _ => Err(E::custom(format!(
                        "`{text}` is neither `updated_at` nor `etag`: write `{{ path = \"{text}\" }}` for what stands \
                         there in the record of a group"
                    ))),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ReuseMarker, A::Error> {
                let PathTable { path } = PathTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ReuseMarker::Path(path))
            }
        }

        deserializer.deserialize_any(MarkerVisitor)
    }
}
