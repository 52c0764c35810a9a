//! Where the list of groups stands in a page, and what kind of list it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PathOr;
use crate::config::Path;

/// Where the list of groups stands, or a table that also says what kind of list it is.
pub type Records = PathOr<Path, RecordList>;

/// Where the list of groups stands in a page, and what kind of list it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordList {
    /// Where the list stands. `/` is the page itself.
    pub at: Path,
    /// What it means when it is not there, although what should hold it is.
    #[serde(default)]
    pub absent: AbsentRecords,
    /// The list is an object whose members are the records, and each member's name, which `$key`
    /// stands for in `fields`, is part of the data. JSON only.
    #[serde(default)]
    pub keyed: bool,
    /// Where a record holds the records below it, from the record. They become groups too, each tree
    /// from the top down, at most 64 deep. Pages, offsets and totals count the records at the top.
    pub children: Option<Path>,
}

/// What a list of groups that is not there means.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AbsentRecords {
    /// The walk fails: the answer is not what was described.
    #[default]
    Error,
    /// There are no groups on the page.
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
