//! What is classified: a response, its body decoded as far as possible.

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use crate::page::format::{Bounds, FormatError, Page};
use crate::plan::{BodyFormat, Format};

impl BodyFormat {
    pub(super) fn read(
        self,
        body: &[u8],
        charset: Option<&str>,
        bounds: Bounds,
    ) -> Result<Page, FormatError> {
        match self {
            Self::Decoded(format) => Page::decode_within(format, body, charset, bounds),
            Self::Text => Ok(Page::text(String::from_utf8_lossy(body))),
        }
    }

    /// The body in whatever format it has, if it could not be decoded as expected: errors often have
    /// another format than pages. A body beyond the limits is plain text.
    pub(super) fn guess(self, body: &[u8], charset: Option<&str>, bounds: Bounds) -> Page {
        let others: &[Format] = match self {
            Self::Decoded(Format::Json) => &[Format::Xml],
            Self::Decoded(Format::Xml) => &[Format::Json],
            Self::Decoded(Format::Ndjson | Format::Csv | Format::CsvSemicolon | Format::Tsv)
            | Self::Text => &[Format::Json, Format::Xml],
        };
        let mut pages = others
            .iter()
            .filter_map(|format| Page::decode_within(*format, body, charset, bounds).ok());
        let page = pages.next();
        page.unwrap_or_else(|| Page::text(String::from_utf8_lossy(body)))
    }
}

/// A response to classify, its body decoded as far as possible.
pub(super) struct ResponseContext<'a> {
    pub(super) status: StatusCode,
    pub(super) headers: &'a HeaderMap,
    pub(super) page: &'a Page,
    /// Why the body could not be decoded as expected.
    pub(super) decode_error: Option<&'a FormatError>,
    pub(super) now: Timestamp,
}

/// What a response is, if it is not an error.
pub(super) enum Classified {
    Page,
    End,
}
