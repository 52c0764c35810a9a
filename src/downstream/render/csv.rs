//! CSV (RFC 4180): one group a row, the record's fields as columns, the envelope in headers.
//!
//! Text is always quoted and null is an empty cell without quotes, so that null and `""` differ
//! for a reader that looks; lists and attributes are cells of JSON text. Quoting is done here
//! because writers of CSV decide on quotes by what a cell holds, not by what it means.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::InvalidHeaderValue;
use http::{HeaderMap, HeaderName, HeaderValue};
use thiserror::Error;

use crate::downstream::envelope::Envelope;
use crate::upstream::snapshot::RowRef;

use super::record::{Record, columns};
use super::{Fields, RenderError};

const X_TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");
const X_COMPLETE: HeaderName = HeaderName::from_static("x-complete");
const X_SOURCES: HeaderName = HeaderName::from_static("x-sources");

/// Why the envelope could not be put into headers. It takes a defect of ours.
#[derive(Debug, Error)]
pub(crate) enum EnvelopeError {
    /// The sources cannot be rendered.
    #[error("the sources cannot be rendered")]
    Json(#[from] serde_json::Error),
    /// The sources cannot stand in a header.
    #[error("the sources cannot stand in a header")]
    Header(#[from] InvalidHeaderValue),
}

/// The line that names the columns.
pub(super) fn before(fields: Fields<'_>) -> Bytes {
    let mut line = columns(fields).join(",");
    line.push_str("\r\n");
    line.into()
}

/// The lines of these rows.
pub(super) fn rows<'a>(
    rows: impl IntoIterator<Item = RowRef<'a>>,
    fields: Fields<'_>,
) -> Result<Bytes, RenderError> {
    let mut out = String::new();
    for row in rows {
        let record = Record::read(row)?;
        let mut before = "";
        for (_, value) in record.fields(fields) {
            out.push_str(before);
            write_cell(&mut out, value)?;
            before = ",";
        }
        out.push_str("\r\n");
    }
    Ok(out.into())
}

/// Puts the envelope into headers. The cursor of the next page is in `Link`, as for every format.
pub(crate) fn describe(headers: &mut HeaderMap, envelope: &Envelope) -> Result<(), EnvelopeError> {
    let sources = serde_json::to_string(&envelope.sources)?;
    headers.insert(X_TOTAL_COUNT, HeaderValue::from(envelope.total));
    headers.insert(
        X_COMPLETE,
        HeaderValue::from_static(word(envelope.complete)),
    );
    headers.insert(X_SOURCES, HeaderValue::try_from(sources)?);
    Ok(())
}

const fn word(complete: bool) -> &'static str {
    if complete { "true" } else { "false" }
}

/// Writes one value: null as nothing, text without its JSON quoting, numbers as they are, and
/// everything else as JSON text.
fn write_cell(out: &mut String, json: &str) -> Result<(), RenderError> {
    let text: Cow<'_, str> = match json.as_bytes().first() {
        Some(b'n') => return Ok(()),
        Some(b'"') => Cow::Owned(serde_json::from_str(json)?),
        Some(b'{' | b'[') => Cow::Borrowed(json),
        _ => {
            out.push_str(json);
            return Ok(());
        }
    };
    out.push('"');
    out.push_str(&text.replace('"', "\"\""));
    out.push('"');
    Ok(())
}
