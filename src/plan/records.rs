//! Where a page holds the list of groups, and what kind of list it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OneOrMany, Path, RecordFilter};

/// The name that stands for every member of an object, on the way to records in JSON.
pub const ANY_MEMBER: &str = "*";

/// Where a page holds the list of groups, and what kind of list it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RecordList")]
pub struct Records {
    /// Where the list is; `/` is the page itself. Every item of a JSON list on the way, and every
    /// repeated XML element there, is followed: `/orgs/groups` finds the groups of all `orgs`, and
    /// `/orgs/0/groups` those of the first. In JSON, a name of `*` is every member of an object:
    /// `/orgs/*/groups`.
    pub at: Path,
    /// What it means if the list is missing, although the object around it exists.
    #[serde(default)]
    pub absent: AbsentRecords,
    /// Set this if the list is an object whose members are the records and whose member names are
    /// part of the data. In `fields`, `$key` is that name. JSON only.
    #[serde(default)]
    pub keyed: bool,
    /// Where a record holds its child records, relative to the record. Children become groups too,
    /// in order from the top down and at most 64 levels deep. Pages, offsets and totals count only
    /// the top level.
    pub children: Option<Path>,
    /// Which records are groups, where the list holds others too, such as `{ path = "type", equals =
    /// "group" }`. Of a list of conditions, all must hold. Records that are left out are counted, and
    /// pages, offsets and totals count them as well. A list of which no record is a group, and none has a
    /// value that is compared, is an error: the path may be another.
    pub only: Option<OneOrMany<RecordFilter>>,
}

/// What a missing list of groups means.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AbsentRecords {
    /// The walk fails, because the response is not what was described.
    #[default]
    Error,
    /// The page contains no records. What is around the list must be there: at `/data/groups`, `data`.
    Empty,
    /// The same, also if what is around the list is missing: HAL leaves `_embedded` out of a page without items. A path
    /// that is wrong finds nothing then, and nobody is told.
    EmptyWithParent,
}
