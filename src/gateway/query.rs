//! What a caller asks for: filters, order, page. Parsed once, in one canonical form.

use thiserror::Error;

use super::cursor::{Caller, Cursor, Keys};

/// What a caller asks for.
#[derive(Debug, Clone)]
pub struct Query {
    /// How many groups a page holds.
    pub limit: Limit,
    /// Which fields to return, in the order of the record; `None` is all of them. Always holds
    /// `id` and `source`.
    pub fields: Option<Vec<&'static str>>,
    /// Where the page begins; `None` is the start.
    pub cursor: Option<Cursor>,
}

/// How many groups a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// So many at most.
    Page(usize),
    /// Every one that matches: a streamed answer.
    All,
}

/// One query parameter, as the parser takes it and OpenAPI shows it.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it means, for people.
    pub description: &'static str,
    /// Whether it may be given more than once.
    pub repeatable: bool,
    /// Its JSON Schema, as JSON text.
    pub schema: &'static str,
    /// An example value.
    pub example: &'static str,
}

/// Every parameter of `GET /groups`.
pub const PARAMETERS: &[Parameter] = &[];

/// Every field of a group, in the order of the record.
pub const FIELDS: &[&str] = &[];

/// What may be asked of the query being parsed.
#[derive(Debug, Clone, Copy)]
pub struct Vocabulary<'a> {
    /// The names of the sources that this caller may see, in order.
    pub sources: &'a [&'a str],
    /// Whether the answer is streamed, so that `limit=all` is allowed.
    pub streamed: bool,
    /// Who asks; a cursor made for another is refused.
    pub caller: &'a Caller,
    /// What cursors are verified with.
    pub keys: &'a Keys,
}

/// Why a query cannot be answered. Always the caller's fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QueryError {
    /// A parameter is unknown, malformed, or given too often.
    #[error("{message}")]
    Parameter {
        /// The parameter's name, as it was sent.
        name: String,
        /// What is wrong with it, and what is allowed.
        message: String,
    },
    /// The cursor is forged, outdated, or another's: start over without it.
    #[error("{0}")]
    Cursor(String),
}

impl Query {
    /// Parses the raw query string of a request.
    pub fn parse(_raw: &str, _vocabulary: Vocabulary<'_>) -> Result<Self, QueryError> {
        unreachable!()
    }
}
