//! Why a walk cannot go on.

use thiserror::Error;

use crate::error::{ErrorKind, UpstreamError};

/// Why the walk cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PagerError {
    /// The upstream always says how much there is, and now does not.
    #[error("the page does not say `{0}`")]
    TotalAbsent(String),
    /// What should be a number is none.
    #[error("`{name}` is `{value}`, which is no number")]
    NotANumber {
        /// Where it stands.
        name: String,
        /// What it says.
        value: String,
    },
    /// What should be a truth value is none.
    #[error("`{name}` is `{value}`, which is neither true nor false")]
    NotAFlag {
        /// Where it stands.
        name: String,
        /// What it says.
        value: String,
    },
    /// A flag says that there is more, and nothing says where.
    #[error("the page says that there is more, but not where")]
    NoNext,
    /// The last record lacks what the next page is asked with.
    #[error("the last record holds nothing at `{0}` to read on from")]
    NoMark(String),
    /// The page holds nothing although there is something.
    #[error("the first page holds no record of the {0} that it announces")]
    EmptyOf(u64),
    /// The first page announces more pages than a walk may have.
    #[error("{0} pages are announced, more than `limits.pages` allows")]
    TooMany(u64),
    /// The next page's URL cannot be read.
    #[error("the next page's URL cannot be read")]
    BadUrl,
    /// A `Link` field is not written as one, and may have named the next page.
    #[error("a `Link` header cannot be read")]
    BadLink,
    /// The next page's URL leads to another origin, where our credentials must not go.
    #[error(
        "the next page's URL leads to another origin, `{0}`, which `pagination.origins` does not name"
    )]
    ForeignUrl(String),
    /// The position was read before.
    #[error("a position comes a second time: the walk would never end")]
    Loop,
    /// The page was read before, at another position.
    #[error("a page comes a second time, at another position")]
    SamePage,
    /// Fewer records came than were announced.
    #[error("{announced} records were announced and {received} came")]
    Short {
        /// How many there should be.
        announced: u64,
        /// How many there were.
        received: u64,
    },
}

impl From<PagerError> for UpstreamError {
    fn from(error: PagerError) -> Self {
        let kind = match error {
            PagerError::TooMany(_) => ErrorKind::LimitExceeded,
            PagerError::TotalAbsent(_)
            | PagerError::NotANumber { .. }
            | PagerError::NotAFlag { .. }
            | PagerError::NoNext
            | PagerError::NoMark(_)
            | PagerError::EmptyOf(_)
            | PagerError::BadUrl
            | PagerError::BadLink
            | PagerError::ForeignUrl(_)
            | PagerError::Loop
            | PagerError::SamePage
            | PagerError::Short { .. } => ErrorKind::Pagination,
        };
        Self::new(kind, error.to_string())
    }
}
