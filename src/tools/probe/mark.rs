//! What of a group `reuse` goes by.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use crate::group::Group;
use crate::plan::{Path, ReuseMarker, ReuseRule};

/// What of a group `reuse` goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    /// Its field `updated_at`.
    UpdatedAt,
    /// What its record has at a path that no field takes.
    Path(Path),
}

impl Mark {
    /// What this rule goes by, if that is in the record of a group.
    pub(super) fn of(rule: &ReuseRule) -> Option<Self> {
        match &rule.while_same {
            ReuseMarker::UpdatedAt => Some(Self::UpdatedAt),
            ReuseMarker::Path(path) => Some(Self::Path(path.clone())),
            ReuseMarker::Etag => None,
        }
    }

    /// What a group has there.
    pub(super) fn value(&self, group: &Group) -> Option<String> {
        match self {
            Self::UpdatedAt => group.updated_at.map(|at| at.to_string()),
            Self::Path(path) => {
                let mut found = Value::Object(group.attributes.members());
                for segment in path.segments() {
                    found = found.as_object_mut()?.remove(segment)?;
                }
                match found {
                    Value::Null => None,
                    Value::String(text) => Some(text),
                    value @ (Value::Bool(_)
                    | Value::Number(_)
                    | Value::Array(_)
                    | Value::Object(_)) => Some(value.to_string()),
                }
            }
        }
    }

    /// The same, if it is a time.
    pub(super) fn time(&self, group: &Group) -> Option<Timestamp> {
        self.value(group)?.parse().ok()
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UpdatedAt => formatter.write_str("updated_at"),
            Self::Path(path) => path.fmt(formatter),
        }
    }
}
