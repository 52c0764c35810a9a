//! JSON: one object per page, assembled from what the snapshots have rendered already.

use std::io::Write as _;

use bytes::Bytes;

use crate::downstream::envelope::Envelope;
use crate::snapshot::RowRef;

use super::record::Record;
use super::{RenderError, SelectedFields};

/// What stands before the groups of a page.
pub(super) const BEFORE: Bytes = Bytes::from_static(b"{\"groups\":[");

/// Writes the groups of a page, separated by commas.
pub(super) fn write<'a>(
    out: &mut Vec<u8>,
    rows: impl IntoIterator<Item = RowRef<'a>>,
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

/// One group, whole as the snapshot holds it, or with the wanted fields only.
pub(super) fn write_group(
    out: &mut Vec<u8>,
    row: RowRef<'_>,
    fields: SelectedFields<'_>,
) -> Result<(), RenderError> {
    if fields.is_none() {
        out.extend_from_slice(row.json());
        return Ok(());
    }
    let record = Record::read(row)?;
    let mut before = '{';
    for (name, value) in record.fields(fields) {
        write!(out, "{before}\"{name}\":{value}")?;
        before = ',';
    }
    out.push(b'}');
    Ok(())
}
