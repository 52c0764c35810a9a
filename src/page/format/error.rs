//! Why a body is not a page.

use std::fmt;

use bytesize::ByteSize;
use thiserror::Error;

use crate::error::{ErrorKind, UpstreamError};

use super::excerpt::looks;
use super::limits::GROWTH;

/// What a body looks like of which only a part came.
pub(super) const ENDS_EARLY: &str = "ends early";

/// Why a body is not a page, or a page has no records.
///
/// A message names keys and quotes at most a few characters of the body: the data of an upstream
/// does not belong into logs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FormatError {
    /// The body is not in the format that the adapter names.
    #[error("expected {expected}, but the body {looks}: {problem}")]
    Unreadable {
        /// The format's name.
        expected: &'static str,
        /// What the body looks like, by its first characters or its end.
        looks: String,
        /// What the decoder rejected, and where.
        problem: String,
    },
    /// There is no body.
    #[error("expected {expected}, but the body is empty{advice}")]
    Empty {
        /// The format's name.
        expected: &'static str,
        /// What helps where that is no fault.
        advice: String,
    },
    /// The body is nested deeper than the adapter allows.
    #[error("{what} more than {depth} deep (`limits.depth`) at line {line} column {column}")]
    Nested {
        /// What is nested.
        what: &'static str,
        /// How deep it may be nested.
        depth: u32,
        /// The line, from 1.
        line: usize,
        /// The byte in that line, from 1.
        column: usize,
    },
    /// The body takes more memory than a page may.
    #[error(
        "the decoded body takes more than {room} of memory, {GROWTH} times `limits.page_bytes`, \
         at line {line} column {column}"
    )]
    Swollen {
        /// How much it may take.
        room: ByteSize,
        /// The line, from 1.
        line: usize,
        /// The byte in that line, from 1.
        column: usize,
    },
    /// The container that `records` names is missing in its parent.
    #[error("`{path}` is missing: `{reached}` {holds}")]
    Absent {
        /// The path that was followed.
        path: String,
        /// How far it led.
        reached: String,
        /// What is there instead.
        holds: String,
    },
    /// A parent of the container that `records` names is missing too.
    #[error("`{path}` is missing: `{reached}` {holds}")]
    Missing {
        /// The path that was followed.
        path: String,
        /// How far it led.
        reached: String,
        /// What is there instead.
        holds: String,
    },
    /// A `*` stands for the members of something that has none.
    #[error("`{path}` leads through all members of `{reached}`, which {holds}")]
    NoMembers {
        /// The path that was followed.
        path: String,
        /// How far it led.
        reached: String,
        /// What is there.
        holds: String,
    },
    /// `records` names something that is not keyed.
    #[error("expected an object keyed by data at `{path}`, which {holds}")]
    NotKeyed {
        /// The path that was followed.
        path: String,
        /// What is there.
        holds: String,
    },
    /// `records` names one object that is no record.
    #[error(
        "expected a list at `{path}`, found one object, which is no {what} ({skip}): it {holds}; let \
         `records` name the list, with `keyed = true` if that is an object whose names are data"
    )]
    LoneObject {
        /// The path that was followed.
        path: String,
        /// What records are.
        what: &'static str,
        /// Why it is none.
        skip: String,
        /// What is there.
        holds: String,
    },
    /// A record is a list or a scalar, from which nothing is read.
    #[error(
        "expected an object as record {number} at `{path}`, which {holds}; `fields.id = \".\"` reads \
         records that are texts or numbers"
    )]
    NoObject {
        /// The path that was followed.
        path: String,
        /// Which record of the page it is, from 1.
        number: usize,
        /// What it is.
        holds: String,
    },
    /// What is to be laid over a record has no members that could take the place of others.
    #[error("expected an object at `{path}`, which {holds}")]
    NoDetails {
        /// The path that was followed.
        path: String,
        /// What is there.
        holds: String,
    },
    /// Records are nested deeper than any tree of groups.
    #[error("records are nested more than {depth} deep at `{path}`")]
    TooDeep {
        /// The path from a record to its children.
        path: String,
        /// How deep they may be nested.
        depth: usize,
    },
    /// A table lacks a column that every group needs.
    #[error("the first row names no column `{column}`: {columns}")]
    NoColumn {
        /// The column.
        column: String,
        /// What it names.
        columns: String,
    },
    /// `records` names something that is not a list.
    #[error("expected a list at `{path}`, which {holds}")]
    NoList {
        /// The path that was followed.
        path: String,
        /// What is there.
        holds: String,
    },
}

impl From<FormatError> for UpstreamError {
    fn from(error: FormatError) -> Self {
        let kind = match error {
            FormatError::Unreadable { .. } | FormatError::Empty { .. } => ErrorKind::Decode,
            FormatError::Absent { .. }
            | FormatError::Missing { .. }
            | FormatError::NoMembers { .. }
            | FormatError::NoColumn { .. }
            | FormatError::NotKeyed { .. }
            | FormatError::LoneObject { .. }
            | FormatError::NoObject { .. }
            | FormatError::NoDetails { .. }
            | FormatError::NoList { .. } => ErrorKind::Mapping,
            FormatError::Nested { .. }
            | FormatError::Swollen { .. }
            | FormatError::TooDeep { .. } => ErrorKind::LimitExceeded,
        };
        Self::new(kind, error.to_string())
    }
}

impl FormatError {
    pub(super) fn unreadable(
        expected: &'static str,
        body: &[u8],
        problem: impl fmt::Display,
    ) -> Self {
        match looks(body) {
            Some(looks) => Self::Unreadable {
                expected,
                looks,
                problem: problem.to_string(),
            },
            None => Self::Empty {
                expected,
                advice: String::new(),
            },
        }
    }
}
