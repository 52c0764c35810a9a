//! Errors of paging.

use std::fmt;

use http::HeaderValue;
use thiserror::Error;

use super::found::VALUE_CHARS;
use crate::error::{ErrorKind, UpstreamError};
use crate::page::format::excerpt;
use crate::upstream::links::LinkError;

/// Why a walk cannot continue.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PagerError {
    /// The total is missing.
    #[error(
        "the page has no `{0}`: correct the path, or say what its absence means (`pagination.absent`)"
    )]
    TotalAbsent(String),
    /// The response to the request for the total lacks it.
    #[error(
        "the response to the request for the total has no `{0}`: correct `pagination.total.at`"
    )]
    CountAbsent(String),
    /// What should be a number of records or pages is not one.
    #[error("`{name}` {value}, which is {why}{likely}")]
    NotANumber {
        /// Where it is.
        name: String,
        /// What it holds.
        value: String,
        /// What that is.
        why: &'static str,
        /// Where a number may be.
        likely: Likely,
    },
    /// What should be a boolean is not one.
    #[error("`{name}` {value}, which is neither true nor false{likely}")]
    NotAFlag {
        /// Where it is.
        name: String,
        /// What it holds.
        value: String,
        /// Where a flag may be.
        likely: Likely,
    },
    /// What should be a cursor or a URL can be none.
    #[error("`{name}` {holds}, which cannot be a position: that is a string or a number{likely}")]
    NotAPosition {
        /// Where it is.
        name: String,
        /// What it holds.
        holds: String,
        /// Where a position may be.
        likely: Likely,
    },
    /// A value on the way to a place is of a type that does not lead there.
    #[error("`{on_the_way}` {holds}, so there can be nothing at `{path}`")]
    LeadsNowhere {
        /// Where it should lead.
        path: String,
        /// Where the value is.
        on_the_way: String,
        /// What it holds.
        holds: String,
    },
    /// Nothing says which item of a list is meant, or the one that is meant lacks its value.
    #[error("{what} in `{list}` has no value at `{path}`")]
    NothingChosen {
        /// Where the list is.
        list: String,
        /// What lacks the value.
        what: String,
        /// Where it should be.
        path: String,
    },
    /// A header is no text.
    #[error("the header `{0}` is neither ASCII nor UTF-8")]
    NotText(String),
    /// Lines of a header that can say one thing only contradict each other.
    #[error("the header `{header}` contradicts itself: it says `{}` and `{}`", values[0], values[1])]
    ContradictsItself {
        /// Its name.
        header: String,
        /// What it says.
        values: [String; 2],
    },
    /// `Link` headers name several next pages.
    #[error("the `Link` header names two next pages: `{}` and `{}`", .0[0], .0[1])]
    TwoNextLinks([String; 2]),
    /// A flag says that there is more, but the page names no next position.
    #[error(
        "the page says that there is more, but names no next position: correct where it does \
         (`pagination`), or the flag"
    )]
    NoNext,
    /// The last record lacks the key of the next page.
    #[error("the last record has no value at `{0}` to continue from")]
    NoLastRecordKey(String),
    /// The first page is empty although records are announced.
    #[error(
        "the first page is empty, but announces {0} records: correct `records`, or set \
         `pagination.trust = \"hint\"` if records are counted that are not shown"
    )]
    EmptyFirstPage(u64),
    /// A page is empty before the hint is reached, and nothing says how far to skip.
    #[error(
        "a page is empty although the total says {0} records: set `pagination.step = \"asked\"` where \
         the upstream leaves records out of its pages"
    )]
    EmptyBeforeHint(u64),
    /// So many pages in a row have no records, and each names a next one.
    #[error(
        "{0} pages in a row without records, and each names a next one: set \
         `pagination.empty_page = \"end\"` if the first of them ends the list, or `\"continue\"` to read on"
    )]
    EmptyPages(u64),
    /// The first page announces more pages than a walk may have.
    #[error("{0} pages are announced, more than `limits.pages` allows")]
    TooMany(u64),
    /// The next page's URL is not followed.
    #[error("the URL of the next page {0}")]
    Url(#[from] LinkError),
    /// A `Link` header cannot be parsed. It may have named the next page.
    #[error("a `Link` header cannot be parsed")]
    BadLink,
    /// The position counts records, and nothing says that the upstream counts them too.
    #[error(
        "{records} records stand under {parents} parents on one page, and an offset that counts the \
         ones skips the others if the upstream counts those: set `pagination.step = \"asked\"` and \
         `limit` if it counts parents, `pagination.step = \"received\"` if it counts records, or \
         `pagination.total` to how many records there are"
    )]
    SeveralParents {
        /// The number of records on the page.
        records: u64,
        /// The number of parents.
        parents: u64,
    },
    /// The list may go on, but no further page can be requested.
    #[error(
        "{doubt}, but there is no page after the last one to be sure: set `pagination.step = \"asked\"` \
         and `limit` if pages are counted in what was requested"
    )]
    NoFurtherPage {
        /// Why the list may go on.
        doubt: String,
    },
    /// The position was read before.
    #[error(
        "a position was repeated: the walk would never end (`pagination.on_repeat = \"end\"` where \
         the upstream is known to repeat its last page)"
    )]
    Loop,
    /// The page was read before, at another position.
    #[error(
        "a page was repeated at another position: the upstream may ignore the position in the request; \
         correct how the request says it, or set `pagination.on_repeat = \"end\"` where the upstream is \
         known to repeat its last page"
    )]
    SamePage,
    /// A page of a list of one page says that there is more.
    #[error(
        "`{0}` says that there is more, but nothing says where: set `pagination.style` to how pages \
         follow each other"
    )]
    MoreThanOnePage(String),
    /// An answer to a filter says that there is more.
    #[error(
        "`{0}` says that there is more, but answers to filters are read as one page: set \
         `pushdown.paged = true` if they have several"
    )]
    MoreThanOneAnswer(String),
}

impl PagerError {
    /// That a header says both of these.
    pub(in crate::upstream) fn contradicts(header: &str, values: [&HeaderValue; 2]) -> Self {
        let shown =
            |value: &HeaderValue| excerpt(&String::from_utf8_lossy(value.as_bytes()), VALUE_CHARS);
        Self::ContradictsItself {
            header: header.to_owned(),
            values: values.map(shown),
        }
    }
}

impl From<PagerError> for UpstreamError {
    fn from(error: PagerError) -> Self {
        let kind = match error {
            PagerError::TooMany(_) => ErrorKind::LimitExceeded,
            PagerError::TotalAbsent(_)
            | PagerError::CountAbsent(_)
            | PagerError::NotANumber { .. }
            | PagerError::NotAFlag { .. }
            | PagerError::NotAPosition { .. }
            | PagerError::NotText(_)
            | PagerError::ContradictsItself { .. }
            | PagerError::TwoNextLinks(_)
            | PagerError::LeadsNowhere { .. }
            | PagerError::NothingChosen { .. }
            | PagerError::MoreThanOnePage(_)
            | PagerError::MoreThanOneAnswer(_)
            | PagerError::SeveralParents { .. }
            | PagerError::NoFurtherPage { .. }
            | PagerError::NoNext
            | PagerError::EmptyPages(_)
            | PagerError::NoLastRecordKey(_)
            | PagerError::EmptyFirstPage(_)
            | PagerError::EmptyBeforeHint(_)
            | PagerError::Url(_)
            | PagerError::BadLink
            | PagerError::Loop
            | PagerError::SamePage => ErrorKind::Pagination,
        };
        Self::new(kind, error.to_string())
    }
}

/// A place below the one that the settings name, at which there is what they look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Likely(pub(super) Option<String>);

impl fmt::Display for Likely {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(path) => write!(formatter, "; `{path}` may be what is meant"),
            None => Ok(()),
        }
    }
}
