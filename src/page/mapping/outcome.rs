//! The outcome of a record: a group, or why it is skipped.

use thiserror::Error;

use crate::group::Group;
use crate::snapshot::SOURCE_ID_BYTES;

/// Why a record is not a group. The rest of its page is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Skip {
    /// The id is missing, empty, a list or an object.
    #[error("it has no id")]
    NoId,
    /// The name is missing, empty, a list or an object.
    #[error("it has no name")]
    NoName,
    /// The id does not fit a cursor.
    #[error("its id is longer than {SOURCE_ID_BYTES} bytes")]
    LongId,
}

/// A group, and how many of its timestamps could not be parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// The group.
    pub group: Group,
    /// Timestamps that are null because they could not be parsed; they are kept in `attributes`.
    pub unparsed_timestamps: u64,
    /// Items of lists of people that gave neither an id nor an email address.
    pub unread_people: u64,
    /// Whether its record stands below another one, and is not listed itself.
    pub is_nested: bool,
}
