//! What is read of a record besides a group.

use super::Field;

/// What is read of a record, besides a group.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordColumn {
    /// A value.
    Value(Field),
    /// The whole record, as JSON.
    Record,
}
