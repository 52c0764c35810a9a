//! Groups as bytes, in each format.
//!
//! An answer is what stands before its rows, the rows, and what stands after them: the same three
//! parts in every format, so that a page and a stream differ in nothing but how they are sent.
//! Renderers add nothing of their own: each format converts back to the JSON answer (a property
//! test in `round_trip`). JSON and NDJSON copy what the snapshot has rendered already; the others,
//! and answers with chosen fields, read a row's JSON back once.

pub(crate) mod csv;
mod json;
mod ndjson;
mod record;
mod xml;

#[cfg(test)]
mod round_trip;

use bytes::Bytes;
use thiserror::Error;

use crate::snapshot::RowRef;

use super::envelope::Envelope;
use super::negotiate::Format;

/// Part of every `ETag`. Whoever changes the bytes of an answer that says the same must count it up.
pub(crate) const VERSION: u8 = 1;

/// The fields to render, in the order of the record; `None` is all of them.
pub(crate) type Fields<'a> = Option<&'a [&'static str]>;

/// Why a row could not be rendered. It takes a defect of ours.
#[derive(Debug, Error)]
pub(crate) enum RenderError {
    /// JSON cannot be written, or a row's own cannot be read back.
    #[error("a row or envelope has no JSON")]
    Json(#[from] serde_json::Error),
    /// The bytes cannot be written.
    #[error("a row cannot be written")]
    Write(#[from] std::io::Error),
}

/// What stands around the rows of an answer.
#[derive(Debug)]
pub(crate) struct Frame {
    /// What stands before them.
    pub(crate) before: Bytes,
    /// What stands after them.
    pub(crate) after: Bytes,
}

impl Frame {
    /// The frame of an answer with these fields and this envelope.
    pub(crate) fn new(
        format: Format,
        fields: Fields<'_>,
        envelope: &Envelope,
    ) -> Result<Self, RenderError> {
        let (before, after) = match format {
            Format::Json => (json::BEFORE, json::after(envelope)?),
            Format::Xml => (xml::before(envelope)?, xml::after(envelope)?),
            Format::Ndjson => (Bytes::new(), ndjson::after(envelope)?),
            Format::Csv => (csv::before(fields), Bytes::new()),
        };
        Ok(Self { before, after })
    }

    /// The whole answer, for formats that are not streamed.
    pub(crate) fn around(&self, rows: &Bytes) -> Bytes {
        [&self.before[..], rows, &self.after].concat().into()
    }
}

/// The rows of an answer; of a streamed one, the next few.
pub(crate) fn rows<'a>(
    format: Format,
    rows: impl IntoIterator<Item = RowRef<'a>>,
    fields: Fields<'_>,
) -> Result<Bytes, RenderError> {
    match format {
        Format::Json => json::rows(rows, fields),
        Format::Xml => xml::rows(rows, fields),
        Format::Ndjson => ndjson::rows(rows, fields),
        Format::Csv => csv::rows(rows, fields),
    }
}

/// One group as a document of its own: the JSON object, or an XML document around its element.
pub(crate) fn single(format: Format, row: RowRef<'_>) -> Result<Bytes, RenderError> {
    match format {
        Format::Xml => xml::single(row),
        Format::Json | Format::Ndjson | Format::Csv => Ok(Bytes::copy_from_slice(row.json())),
    }
}
