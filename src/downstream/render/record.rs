//! One row's JSON, taken apart into its fields without reading their values.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::gateway::query::FIELDS;
use crate::snapshot::RowRef;

use super::{RenderError, SelectedFields};

/// The fields of one group, each still JSON text.
pub(super) struct Record<'a>(BTreeMap<&'a str, &'a RawValue>);

impl<'a> Record<'a> {
    /// Takes a row apart.
    pub(super) fn read(row: RowRef<'a>) -> Result<Self, RenderError> {
        Ok(Self(serde_json::from_slice(row.json())?))
    }

    /// The wanted fields and their JSON, in the order of the record.
    pub(super) fn fields(
        &self,
        wanted: SelectedFields<'_>,
    ) -> impl Iterator<Item = (&'static str, &'a str)> {
        columns(wanted)
            .iter()
            .filter_map(|name| Some((*name, self.0.get(name)?.get())))
    }
}

/// The names of the wanted fields.
pub(super) fn columns(wanted: SelectedFields<'_>) -> &[&'static str] {
    wanted.unwrap_or(FIELDS)
}
