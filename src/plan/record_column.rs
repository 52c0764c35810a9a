//! What is read of a record besides a group.

use super::Field;

/// What is read of a record, besides a group.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordColumn {
    /// A value.
    Value(Field),
    /// The id of the group that the record is of: one that names none gives nothing.
    Group(Field),
    /// The whole record, as JSON.
    Record,
}
