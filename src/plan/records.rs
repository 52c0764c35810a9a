//! Where a page holds the list of groups, and what kind of list it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PathOr;
use crate::plan::Path;

/// Where the list of groups is, or a table that describes it further.
pub type Records = PathOr<Path, RecordList>;

/// Where a page holds the list of groups, and what kind of list it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordList {
    /// Where the list is; `/` is the page itself.
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
    /// The page contains no groups.
    Empty,
}

impl Records {
    /// Where a record holds those below it, if it does.
    pub const fn children(&self) -> Option<&Path> {
        match self {
            Self::Path(_) => None,
            Self::Table(list) => list.children.as_ref(),
        }
    }

    /// Where the list stands.
    pub const fn at(&self) -> &Path {
        match self {
            Self::Path(at) => at,
            Self::Table(list) => &list.at,
        }
    }

    /// Whether `$key` stands for something.
    pub const fn keyed(&self) -> bool {
        match self {
            Self::Path(_) => false,
            Self::Table(list) => list.keyed,
        }
    }
}

impl From<Records> for RecordList {
    fn from(records: Records) -> Self {
        match records {
            PathOr::Path(at) => Self {
                at,
                absent: AbsentRecords::default(),
                keyed: false,
                children: None,
            },
            PathOr::Table(list) => list,
        }
    }
}
