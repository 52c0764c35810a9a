//! JSON: one object per page, assembled from what the snapshots have packed.

use bytes::Bytes;

use crate::downstream::envelope::Envelope;
use crate::gateway::seen_row::{SeenRow, SelectedFields};

use super::RenderError;

/// What stands before the groups of a page.
pub(super) const BEFORE: Bytes = Bytes::from_static(b"{\"groups\":[");

/// Writes the groups of a page, separated by commas.
pub(super) fn write<'a>(
    out: &mut Vec<u8>,
    rows: impl IntoIterator<Item = SeenRow<'a>>,
    fields: SelectedFields<'_>,
) -> Result<(), RenderError> {
    for (place, row) in rows.into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write_group(out, row, fields)?;
    }
    Ok(())
}

/// What stands after them.
pub(super) fn after(envelope: &Envelope) -> Result<Bytes, RenderError> {
    let envelope = serde_json::to_vec(envelope)?;
    // The envelope's members follow the groups in the same object: a comma takes the place of its
    // own brace.
    Ok([b"],", envelope.strip_prefix(b"{").unwrap_or(&envelope)]
        .concat()
        .into())
}

/// One group, whole or with the wanted fields only.
pub(super) fn write_group(
    out: &mut Vec<u8>,
    row: SeenRow<'_>,
    fields: SelectedFields<'_>,
) -> Result<(), RenderError> {
    Ok(row.write_json(out, fields)?)
}
