//! NDJSON: one group a line, then a line that holds the rest of the envelope. A reader that misses
//! the last line knows that it has not read everything.

use bytes::Bytes;
use serde::Serialize;

use crate::downstream::envelope::Envelope;
use crate::gateway::seen_row::{SeenRow, SelectedFields};

use super::{RenderError, json};

/// The last line.
#[derive(Debug, Serialize)]
struct LastLine<'a> {
    summary: &'a Envelope,
}

/// Writes the lines of these rows.
pub(super) fn write<'a>(
    out: &mut Vec<u8>,
    rows: impl IntoIterator<Item = SeenRow<'a>>,
    fields: SelectedFields<'_>,
) -> Result<(), RenderError> {
    for row in rows {
        json::write_group(out, row, fields)?;
        out.push(b'\n');
    }
    Ok(())
}

/// The last line.
pub(super) fn after(envelope: &Envelope) -> Result<Bytes, RenderError> {
    let mut out = serde_json::to_vec(&LastLine { summary: envelope })?;
    out.push(b'\n');
    Ok(out.into())
}
