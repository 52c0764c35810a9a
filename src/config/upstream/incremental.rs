//! How the list of groups is kept up by walks that ask only for what has changed.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::plan::pushdown::PushedTime;
use crate::plan::{Location, OneOrMany, RecordFilter, Span};

/// Walks that ask only for what has changed since the one before began, with one for everything from time to time.
///
/// What such a walk brings is laid over the list by id: a group that is in both is replaced, and the others stay. A
/// record that is `deleted` takes its group out of the list. A walk that fails leaves the list as it is. A group that
/// is deleted without such a record stays until the next walk for everything, `full` at most, and so does one whose
/// change the upstream does not tell. The groups in which that walk differs from the list are counted (`differing`
/// in `/status`) and logged.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Incremental {
    /// How the upstream is asked for what has changed.
    pub since: Since,
    /// How the upstream takes the time in `since`.
    #[serde(default)]
    pub updated_after: PushedTime,
    /// How often everything is asked for. After a start, that counts from the list on disk, if there is one.
    #[serde(default = "default_full")]
    pub full: Span,
    /// How much earlier than the beginning of the walk before the time in `since` is: as much as the clocks may
    /// differ, and as a change may take until the upstream lists it.
    #[serde(default = "default_overlap")]
    pub overlap: Span,
    /// Which records say that a group has been deleted, such as `{ path = "@removed", present = true }`: their group is
    /// taken out of the list, in every walk, unless another record of a walk for everything says that it is there. Such
    /// a record needs an id and no name. A group whose `deleted_at` is set stays in the list, marked as deleted.
    pub deleted: Option<OneOrMany<RecordFilter>>,
}

/// How an upstream is asked for what has changed: a text with `{updated_after}`, which is the value of `{since}` in
/// `request`, as in `"lastUpdated gt \"{updated_after}\""`; or where the last page of a walk has the URL for it, as
/// in `{ link = "/@odata.deltaLink" }`.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum Since {
    /// The value of `{since}`. What it stands in is left out of the requests of a walk for everything.
    Text(String),
    /// The URL for the next walk, which the last page of each has. If the upstream refuses it (as with 410), that
    /// walk asks for everything.
    Link {
        /// Where the last page of a walk has it.
        link: Location,
    },
}

impl<'de> Deserialize<'de> for Since {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct LinkTable {
            link: Location,
        }

        struct SinceVisitor;

        impl<'de> Visitor<'de> for SinceVisitor {
            type Value = Since;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(
                    "a text with `{updated_after}`, or where a page has the link, as in `{ link = \
                     \"/@odata.deltaLink\" }`",
                )
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Since, E> {
                Ok(Since::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Since, A::Error> {
                let LinkTable { link } = LinkTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Since::Link { link })
            }
        }

        deserializer.deserialize_any(SinceVisitor)
    }
}

const fn default_full() -> Span {
    Span::seconds(24 * 60 * 60)
}

const fn default_overlap() -> Span {
    Span::seconds(5 * 60)
}
