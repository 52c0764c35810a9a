//! CSV (RFC 4180): one group a row, the record's fields as columns, the envelope in headers.
//!
//! Text is always quoted and null is an empty cell without quotes, so that null and `""` differ
//! for a reader that looks; lists and attributes are cells of JSON text. Quoting is done here
//! because writers of CSV decide on quotes by what a cell holds, not by what it means.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::InvalidHeaderValue;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use thiserror::Error;

use crate::catalog::SourceState;
use crate::downstream::envelope::{Envelope, SourceStatus};
use crate::error::ErrorKind;
use crate::gateway::seen_row::{SeenRow, SelectedFields, columns};

use super::RenderError;

const X_TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");
const X_COMPLETE: HeaderName = HeaderName::from_static("x-complete");
const X_SOURCES: HeaderName = HeaderName::from_static("x-sources");

/// How long `X-Sources` may be: proxies commonly refuse headers of more than 8 KiB in all.
const SOURCES_BYTES: usize = 4 * 1024;

/// What is said of a source where there are too many to say all.
#[derive(Debug, Serialize)]
struct Brief<'a> {
    name: &'a str,
    state: SourceState,
    error: Option<ErrorKind>,
}

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
pub(super) fn before(fields: SelectedFields<'_>) -> Bytes {
    let mut line = columns(fields).join(",");
    line.push_str("\r\n");
    line.into()
}

/// Writes the lines of these rows.
pub(super) fn write<'a>(
    out: &mut Vec<u8>,
    rows: impl IntoIterator<Item = SeenRow<'a>>,
    fields: SelectedFields<'_>,
) -> Result<(), RenderError> {
    for row in rows {
        let json = row.seen_json();
        let record = json.record()?;
        let mut before = "";
        for (_, value) in record.fields(fields) {
            out.extend_from_slice(before.as_bytes());
            write_cell(out, value)?;
            before = ",";
        }
        out.extend_from_slice(b"\r\n");
    }
    Ok(())
}

/// Puts the envelope into headers. The cursor of the next page is in `Link`, as for every format.
/// Many sources are told in brief, and `X-Sources` is left out where even that is too long:
/// `/sources` tells the rest.
pub(crate) fn describe(headers: &mut HeaderMap, envelope: &Envelope) -> Result<(), EnvelopeError> {
    headers.insert(X_TOTAL_COUNT, HeaderValue::from(envelope.total));
    headers.insert(
        X_COMPLETE,
        HeaderValue::from_static(word(envelope.complete)),
    );
    let mut sources = serde_json::to_string(&envelope.sources)?;
    if sources.len() > SOURCES_BYTES {
        sources = in_brief(&envelope.sources)?;
    }
    if sources.len() <= SOURCES_BYTES {
        headers.insert(X_SOURCES, HeaderValue::try_from(sources)?);
    }
    Ok(())
}

fn in_brief(sources: &[SourceStatus]) -> serde_json::Result<String> {
    let sources: Vec<_> = sources
        .iter()
        .map(|source| Brief {
            name: &source.name,
            state: source.state,
            error: source.error.as_ref().map(|error| error.r#type),
        })
        .collect();
    serde_json::to_string(&sources)
}

const fn word(complete: bool) -> &'static str {
    if complete { "true" } else { "false" }
}

/// Writes one value: null as nothing, text without its JSON quoting, numbers as they are, and
/// everything else as JSON text.
fn write_cell(out: &mut Vec<u8>, json: &str) -> Result<(), RenderError> {
    let text: Cow<'_, str> = match json.as_bytes().first() {
        Some(b'n') => return Ok(()),
        Some(b'"') => Cow::Owned(serde_json::from_str(json)?),
        Some(b'{' | b'[') => Cow::Borrowed(json),
        _ => {
            out.extend_from_slice(json.as_bytes());
            return Ok(());
        }
    };
    out.push(b'"');
    out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// What `X-Sources` says of the last of so many sources; nothing where it is left out.
    fn told_of_the_last(sources: usize) -> String {
        let source = |number: usize| SourceStatus {
            name: format!("source_{number}"),
            state: SourceState::Fresh,
            groups: 7,
            as_of: None,
            error: None,
        };
        let envelope = Envelope {
            total: 0,
            next_cursor: None,
            complete: true,
            sources: (0..sources).map(source).collect(),
        };
        let mut headers = HeaderMap::new();
        describe(&mut headers, &envelope).unwrap();
        let value = headers
            .get(X_SOURCES)
            .map_or("", |value| value.to_str().unwrap());
        assert!(value.len() <= SOURCES_BYTES);
        value.rsplit('{').next().unwrap().to_owned()
    }

    #[rstest]
    #[case(
        5,
        r#""name":"source_4","state":"fresh","groups":7,"as_of":null,"error":null}]"#
    )]
    #[case(70, r#""name":"source_69","state":"fresh","error":null}]"#)]
    #[case(500, "")]
    fn the_more_sources_the_less_is_said_of_each_in_a_header(
        #[case] sources: usize,
        #[case] last: &str,
    ) {
        assert_eq!(told_of_the_last(sources), last);
    }
}
