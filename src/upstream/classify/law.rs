//! What an answer is classified by, and what is classified.

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use crate::clock::WallClock;
use crate::config::Path;
use crate::config::upstream::{Format, LoginFormat, OneOrMany, Rule, Success};
use crate::page::format::{Bounds, FormatError, Page};

/// What a [`Judge`](super::Judge) goes by.
#[derive(Debug)]
pub(in crate::upstream) struct Law {
    /// How a body that is no failure is read.
    pub(in crate::upstream) reading: Reading,
    /// How much may be in any body.
    pub(in crate::upstream) bounds: Bounds,
    /// What may stand before JSON, and is no part of it.
    pub(in crate::upstream) prefix: Option<String>,
    /// The adapter's own rules, in order.
    pub(in crate::upstream) rules: Vec<Rule>,
    /// Where a body says that it is a success.
    pub(in crate::upstream) success: Option<Success>,
    /// Where failures say why.
    pub(in crate::upstream) message: Vec<Path>,
    /// Delays may be written as moments.
    pub(in crate::upstream) wall: WallClock,
}

/// How a body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::upstream) enum Reading {
    /// Decoded; what is not in this format is an error.
    As(Format),
    /// As one text, whatever is in it.
    Text,
}

impl From<LoginFormat> for Reading {
    fn from(format: LoginFormat) -> Self {
        match format {
            LoginFormat::Json => Self::As(Format::Json),
            LoginFormat::Xml => Self::As(Format::Xml),
            LoginFormat::Text => Self::Text,
        }
    }
}

impl Reading {
    pub(super) fn read(self, body: &[u8], bounds: Bounds) -> Result<Page, FormatError> {
        match self {
            Self::As(format) => Page::decode_within(format, body, bounds),
            Self::Text => Ok(Page::text(String::from_utf8_lossy(body))),
        }
    }

    /// The body in whatever format it is, where it could not be read as it should: failures are
    /// often written in another one than pages. One that is out of bounds is a text like any other.
    pub(super) fn guess(self, body: &[u8], bounds: Bounds) -> Page {
        let others: &[Format] = match self {
            Self::As(Format::Json) => &[Format::Xml],
            Self::As(Format::Xml) => &[Format::Json],
            Self::Text => &[Format::Json, Format::Xml],
        };
        let mut pages = others
            .iter()
            .filter_map(|format| Page::decode_within(*format, body, bounds).ok());
        let page = pages.next();
        page.unwrap_or_else(|| Page::text(String::from_utf8_lossy(body)))
    }
}

/// An answer before anyone has judged it, its body read as far as possible.
pub(super) struct Case<'a> {
    pub(super) status: StatusCode,
    pub(super) headers: &'a HeaderMap,
    pub(super) page: &'a Page,
    /// Why the body could not be read as it should.
    pub(super) flaw: Option<&'a FormatError>,
    pub(super) now: Timestamp,
}

/// What an answer is, if it is no failure.
pub(super) enum Verdict {
    Page,
    End,
}

/// The paths that a key names, if it is there.
pub(in crate::upstream) fn paths(paths: Option<&OneOrMany<Path>>) -> Vec<Path> {
    paths.map_or_else(Vec::new, |paths| paths.as_slice().to_vec())
}
