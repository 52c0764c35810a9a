//! Errors of paging.

use thiserror::Error;

use crate::error::{ErrorKind, UpstreamError};

/// Why a walk cannot continue.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PagerError {
    /// The total is missing.
    #[error("the page has no `{0}`")]
    TotalAbsent(String),
    /// What should be a number is not one.
    #[error("`{name}` is `{value}`, which is not a number")]
    NotANumber {
        /// Where it is.
        name: String,
        /// Its value.
        value: String,
    },
    /// What should be a boolean is not one.
    #[error("`{name}` is `{value}`, which is neither true nor false")]
    NotAFlag {
        /// Where it is.
        name: String,
        /// Its value.
        value: String,
    },
    /// A flag says that there is more, but the page names no next position.
    #[error("the page says that there is more, but names no next position")]
    NoNext,
    /// The last record lacks the key of the next page.
    #[error("the last record has no value at `{0}` to continue from")]
    NoLastRecordKey(String),
    /// The first page is empty although records are announced.
    #[error("the first page is empty, but announces {0} records")]
    EmptyFirstPage(u64),
    /// The first page announces more pages than a walk may have.
    #[error("{0} pages are announced, more than `limits.pages` allows")]
    TooMany(u64),
    /// The next page's URL is invalid.
    #[error("the URL of the next page is invalid")]
    BadUrl,
    /// A `Link` header cannot be parsed. It may have named the next page.
    #[error("a `Link` header cannot be parsed")]
    BadLink,
    /// The next page's URL has another origin, to which our credentials must not be sent.
    #[error(
        "the URL of the next page has another origin, `{0}`, which `pagination.origins` does not list"
    )]
    ForeignUrl(String),
    /// The next page's URL holds what only `auth` may say.
    #[error(
        "the URL of the next page holds a user name or password, which is never sent on: credentials \
         belong into `auth`"
    )]
    UserinfoUrl,
    /// The position was read before.
    #[error("a position was repeated: the walk would never end")]
    Loop,
    /// The page was read before, at another position.
    #[error("a page was repeated at another position")]
    SamePage,
    /// Fewer records than announced.
    #[error("{announced} records were announced, but {received} received")]
    Short {
        /// How many were announced.
        announced: u64,
        /// How many were received.
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
            | PagerError::NoLastRecordKey(_)
            | PagerError::EmptyFirstPage(_)
            | PagerError::BadUrl
            | PagerError::BadLink
            | PagerError::ForeignUrl(_)
            | PagerError::UserinfoUrl
            | PagerError::Loop
            | PagerError::SamePage
            | PagerError::Short { .. } => ErrorKind::Pagination,
        };
        Self::new(kind, error.to_string())
    }
}
