//! What a response is classified by, and what is classified.

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use crate::clock::WallClock;
use crate::page::format::{Bounds, FormatError, Page};
use crate::plan::Path;
use crate::plan::{Format, LoginFormat, OneOrMany, Rule, Success};

/// What a [`Classifier`](super::Classifier) applies.
#[derive(Debug)]
pub(crate) struct ClassifyRules {
    /// How the body of a success is decoded.
    pub(crate) format: BodyFormat,
    /// The limits of all bodies.
    pub(crate) bounds: Bounds,
    /// A prefix before JSON that is not part of it.
    pub(crate) prefix: Option<String>,
    /// The adapter's own rules, in order.
    pub(crate) rules: Vec<Rule>,
    /// Where a body states success.
    pub(crate) success: Option<Success>,
    /// Where errors have a message.
    pub(crate) message: Vec<Path>,
    /// For delays that are written as points in time.
    pub(crate) wall: WallClock,
}

/// How a body is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyFormat {
    /// In this format; anything else is an error.
    Decoded(Format),
    /// As plain text, whatever it contains.
    Text,
}

impl From<LoginFormat> for BodyFormat {
    fn from(format: LoginFormat) -> Self {
        match format {
            LoginFormat::Json => Self::Decoded(Format::Json),
            LoginFormat::Xml => Self::Decoded(Format::Xml),
            LoginFormat::Text => Self::Text,
        }
    }
}

impl BodyFormat {
    pub(super) fn read(self, body: &[u8], bounds: Bounds) -> Result<Page, FormatError> {
        match self {
            Self::Decoded(format) => Page::decode_within(format, body, bounds),
            Self::Text => Ok(Page::text(String::from_utf8_lossy(body))),
        }
    }

    /// The body in whatever format it has, if it could not be decoded as expected: errors often have
    /// another format than pages. A body beyond the limits is plain text.
    pub(super) fn guess(self, body: &[u8], bounds: Bounds) -> Page {
        let others: &[Format] = match self {
            Self::Decoded(Format::Json) => &[Format::Xml],
            Self::Decoded(Format::Xml) => &[Format::Json],
            Self::Text => &[Format::Json, Format::Xml],
        };
        let mut pages = others
            .iter()
            .filter_map(|format| Page::decode_within(*format, body, bounds).ok());
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

/// The paths of an optional key.
pub(crate) fn paths(paths: Option<&OneOrMany<Path>>) -> Vec<Path> {
    paths.map_or_else(Vec::new, |paths| paths.as_slice().to_vec())
}
