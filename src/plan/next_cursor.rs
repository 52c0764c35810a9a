//! Where a page contains the next cursor: one value, a structure, or several values.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::cursor_source::CursorTable;
use super::{CursorSource, OneOrMany, Part, Path, RecordFilter};

/// Where a page contains the next cursor.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum NextCursor {
    /// A text or a number in one place.
    One(CursorSource),
    /// A list or an object of JSON, such as `{ structure = "/LastEvaluatedKey" }`. In a JSON body, `{cursor}`
    /// is that value; elsewhere it is written as text.
    Structure {
        /// Where it is.
        structure: Path,
    },
    /// Several values, each for a placeholder of its own: `{ values = { part = "/nextPart", row = {
    /// header = "X-Next-Row" } } }` gives `{cursor.part}` and `{cursor.row}`. If all are missing, the page
    /// was the last one.
    Several {
        /// Where each is.
        values: BTreeMap<String, CursorSource>,
    },
}

impl NextCursor {
    /// The same as far as it is in the page itself: a last record says nothing of whether another follows.
    pub(super) fn in_page(&self) -> Option<Self> {
        match self {
            Self::One(source) => source.in_page().is_some().then(|| self.clone()),
            Self::Structure { .. } => Some(self.clone()),
            Self::Several { values } => {
                let values = values
                    .iter()
                    .filter(|(_, source)| source.in_page().is_some());
                let values: BTreeMap<_, _> = values
                    .map(|(name, source)| (name.clone(), source.clone()))
                    .collect();
                (!values.is_empty()).then_some(Self::Several { values })
            }
        }
    }

    /// The place of each value, and its name where there are several. A structure has none of these.
    pub fn sources(&self) -> impl Iterator<Item = (Option<&str>, &CursorSource)> {
        let (one, several) = match self {
            Self::One(source) => (Some(source), None),
            Self::Structure { .. } => (None, None),
            Self::Several { values } => (None, Some(values)),
        };
        let several = several.into_iter().flatten();
        let several = several.map(|(name, source)| (Some(name.as_str()), source));
        one.map(|source| (None, source)).into_iter().chain(several)
    }
}

impl<'de> Deserialize<'de> for NextCursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct NextTable {
            header: Option<String>,
            each: Option<Path>,
            only: Option<OneOrMany<RecordFilter>>,
            value: Option<Path>,
            last_record: Option<Part>,
            structure: Option<Path>,
            values: Option<BTreeMap<String, CursorSource>>,
        }

        struct NextVisitor;

        impl<'de> Visitor<'de> for NextVisitor {
            type Value = NextCursor;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(
                    "a path such as `/meta/next`, `{ header = \"X-Next\" }` or \
                     `{ last_record = \"id\" }`",
                )
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<NextCursor, E> {
                let source = CursorSource::at_path(text).map_err(E::custom)?;
                Ok(NextCursor::One(source))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<NextCursor, A::Error> {
                let NextTable {
                    header,
                    each,
                    only,
                    value,
                    last_record,
                    structure,
                    values,
                } = NextTable::deserialize(MapAccessDeserializer::new(map))?;
                let table = CursorTable {
                    header,
                    each,
                    only,
                    value,
                    last_record,
                };
                let is_bare = table.is_empty();
                match (table.source(), structure, values) {
                    (Some(source), None, None) => Ok(NextCursor::One(source)),
                    (None, Some(structure), None) if is_bare => {
                        Ok(NextCursor::Structure { structure })
                    }
                    (None, None, Some(values)) if is_bare && !values.is_empty() => {
                        Ok(NextCursor::Several { values })
                    }
                    _ => Err(A::Error::custom(
                        "the next page is named in one way: by a value in a `header`, in the \
                         `last_record` or in one item of a list, by a `structure`, or by several `values`",
                    )),
                }
            }
        }

        deserializer.deserialize_any(NextVisitor)
    }
}
