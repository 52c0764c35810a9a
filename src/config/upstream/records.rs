//! Where a page holds the list of groups.

use super::PathOr;
use crate::plan::{self, AbsentRecords, Path};

/// Where the list of groups is, or a table that describes it further.
pub type Records = PathOr<Path, plan::Records>;

impl Records {
    /// The page itself.
    pub const fn root() -> Self {
        Self::Path(Path::root())
    }

    /// Where a record holds those below it, if it does.
    pub const fn children(&self) -> Option<&Path> {
        match self {
            Self::Path(_) => None,
            Self::Table(records) => records.children.as_ref(),
        }
    }

    /// Where the list stands.
    pub const fn at(&self) -> &Path {
        match self {
            Self::Path(at) => at,
            Self::Table(records) => &records.at,
        }
    }

    /// Whether `$key` stands for something.
    pub const fn keyed(&self) -> bool {
        match self {
            Self::Path(_) => false,
            Self::Table(records) => records.keyed,
        }
    }
}

impl From<Records> for plan::Records {
    fn from(records: Records) -> Self {
        match records {
            PathOr::Path(at) => Self {
                at,
                absent: AbsentRecords::default(),
                keyed: false,
                children: None,
                only: None,
            },
            PathOr::Table(records) => records,
        }
    }
}
