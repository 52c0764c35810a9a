//! Groups as bytes, in each format.
//!
//! An answer is what stands before its rows, the rows, and what stands after them: the same three
//! parts in every format, so that a page and a stream differ in nothing but how they are sent.
//! Renderers add nothing of their own: each format converts back to the JSON answer (a property
//! test in `round_trip`). JSON and NDJSON copy what the snapshot has packed; the others,
//! and answers with chosen or hidden fields, read a row's JSON back once.

pub(crate) mod csv;
mod json;
mod ndjson;
mod xml;

#[cfg(test)]
mod round_trip;

use bytes::Bytes;
use thiserror::Error;

use crate::gateway::Listing;
use crate::gateway::seen_row::{SeenRow, SelectedFields};

use super::envelope::Envelope;
use super::negotiate::AnswerFormat;

/// Part of every `ETag`. Whoever changes the bytes of an answer that says the same must count it up.
pub(crate) const VERSION: u8 = 1;

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
        format: AnswerFormat,
        fields: SelectedFields<'_>,
        envelope: &Envelope,
    ) -> Result<Self, RenderError> {
        let (before, after) = match format {
            AnswerFormat::Json => (json::BEFORE, json::after(envelope)?),
            AnswerFormat::Xml => (xml::before(envelope)?, xml::after(envelope)?),
            AnswerFormat::Ndjson => (Bytes::new(), ndjson::after(envelope)?),
            AnswerFormat::Csv => (csv::before(fields), Bytes::new()),
        };
        Ok(Self { before, after })
    }
}

/// The whole answer, for formats that are not streamed, whose rows take about so many bytes.
pub(crate) fn page(
    format: AnswerFormat,
    fields: SelectedFields<'_>,
    listing: &Listing,
    bytes: usize,
) -> Result<Bytes, RenderError> {
    let frame = Frame::new(format, fields, &Envelope::of(listing))?;
    let mut out = Vec::with_capacity(frame.before.len() + bytes + frame.after.len());
    out.extend_from_slice(&frame.before);
    write(&mut out, format, listing.rows(), fields)?;
    out.extend_from_slice(&frame.after);
    // What was expected may be far more than there is, and the answer may be kept.
    if out.len() < out.capacity() / 4 * 3 {
        out.shrink_to_fit();
    }
    Ok(out.into())
}

/// Whether rendering copies what the snapshots have packed, and nothing more. Where something `is_hidden`,
/// it does not.
pub(crate) const fn is_copied(
    format: AnswerFormat,
    fields: SelectedFields<'_>,
    is_hidden: bool,
) -> bool {
    matches!(format, AnswerFormat::Json | AnswerFormat::Ndjson) && fields.is_none() && !is_hidden
}

/// The rows of an answer; of a streamed one, the next few.
pub(crate) fn rows<'a>(
    format: AnswerFormat,
    rows: impl IntoIterator<Item = SeenRow<'a>>,
    fields: SelectedFields<'_>,
) -> Result<Bytes, RenderError> {
    let mut out = Vec::new();
    write(&mut out, format, rows, fields)?;
    Ok(out.into())
}

fn write<'a>(
    out: &mut Vec<u8>,
    format: AnswerFormat,
    rows: impl IntoIterator<Item = SeenRow<'a>>,
    fields: SelectedFields<'_>,
) -> Result<(), RenderError> {
    match format {
        AnswerFormat::Json => json::write(out, rows, fields),
        AnswerFormat::Xml => xml::write(out, rows, fields),
        AnswerFormat::Ndjson => ndjson::write(out, rows, fields),
        AnswerFormat::Csv => csv::write(out, rows, fields),
    }
}

/// One group as a document of its own: the JSON object, or an XML document around its element.
pub(crate) fn single(format: AnswerFormat, row: SeenRow<'_>) -> Result<Bytes, RenderError> {
    match format {
        AnswerFormat::Xml => xml::single(row),
        AnswerFormat::Json | AnswerFormat::Ndjson | AnswerFormat::Csv => Ok(row.json()?.into()),
    }
}
