//! Names of the URL parameters that say where a page is.

use crate::tools::infer::guess::Confidence;
use crate::tools::infer::names::{plain, plain_parameter};
use crate::tools::infer::words::WordList;

use super::guess::QueryParameter;
use super::series::LeafSeries;

/// Names for the number of records before a page, in the URL or in the page.
pub(super) const OFFSETS: WordList =
    WordList("offset skip startindex startat pageoffset start first firstresult begin from");

/// Names for the number of a page, in the URL or in the page.
pub(super) const NUMBERS: WordList =
    WordList("page pagenumber currentpage pageno pagenum pageindex p pagepage number");

/// Names for a token.
pub(super) const CURSORS: WordList = WordList(
    "cursor pagetoken nexttoken marker startfrom after startingafter continuationtoken \
     continuation nextcursor pagecursor pageafter scrollid bookmark starttoken skiptoken \
     nextpagetoken startkey sinceid lastid",
);

/// How pages are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tools::infer) enum CountedBy {
    Records,
    Pages,
}

impl CountedBy {
    /// What a parameter of this name counts, if its name says so.
    pub(in crate::tools::infer) fn of(name: &str) -> Option<Self> {
        let name = plain_parameter(name);
        if NUMBERS.contains(&name) {
            return Some(Self::Pages);
        }
        OFFSETS.contains(&name).then_some(Self::Records)
    }

    pub(super) fn parameter(
        self,
        name: String,
        confidence: Confidence,
        why: &str,
    ) -> QueryParameter {
        let placeholder = match self {
            Self::Records => "{offset}",
            Self::Pages => "{page}",
        };
        QueryParameter::new(name, placeholder, confidence, why)
    }

    /// The parameter for what a page repeats.
    pub(super) fn usual(self, series: &LeafSeries) -> (String, Confidence, &'static str) {
        let same = "the page repeats its value under this name";
        match (self, series.written()) {
            (Self::Pages, Some(written)) if matches!(&*plain(written), "page" | "pagenumber") => {
                (written.to_owned(), Confidence::Likely, same)
            }
            (Self::Records, Some(written)) => (written.to_owned(), Confidence::Likely, same),
            (Self::Pages, _) => (
                "page".to_owned(),
                Confidence::NotSure,
                "this is the usual name",
            ),
            (Self::Records, None) => (
                "offset".to_owned(),
                Confidence::NotSure,
                "this is the usual name",
            ),
        }
    }
}

/// Whether a parameter counts pages or records.
pub(super) fn is_numbered(name: &str) -> bool {
    CountedBy::of(name).is_some()
}

/// Whether a parameter says where a page is.
pub(in crate::tools::infer) fn is_position(name: &str) -> bool {
    is_numbered(name) || CURSORS.contains(&plain_parameter(name))
}
