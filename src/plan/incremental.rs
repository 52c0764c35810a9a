//! Walks that ask only for what has changed.

use super::placeholder::Piece;
use super::pushdown::PushedTime;
use super::{Location, Span};

/// How a list of groups is kept up by walks that ask only for what has changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Incremental {
    /// How the upstream is asked for that.
    pub since: SinceRule,
    /// How often everything is asked for.
    pub full: Span,
    /// How much earlier than the beginning of the walk before changes are asked for.
    pub overlap: Span,
}

/// How an upstream is asked for what has changed.
#[derive(Debug, Clone, PartialEq)]
pub enum SinceRule {
    /// By a time in a text, which stands for `{since}`.
    Time {
        /// The text; its placeholders stand for the time.
        text: Vec<Piece>,
        /// How the upstream takes the time.
        time: PushedTime,
    },
    /// By a URL that the last page of the walk before had here.
    Link(Location),
}

/// The placeholder in the text of `since`.
pub const UPDATED_AFTER: &str = "updated_after";
