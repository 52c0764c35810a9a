//! Groups that a list lacks because they were gone when their details or people were asked for.
//!
//! A walk for changes does not list them again unless they change, so it asks for their details and people once more,
//! as they were listed: a group may have been gone for a moment only. A walk for everything begins anew.

use std::sync::Arc;

use crate::error::UpstreamError;
use crate::group::{GroupParts, JsonSource, ReadRow, row_bytes};
use crate::snapshot::GroupPage;
use crate::upstream::outer_values::OuterValues;

use super::listed_group::ListedGroup;

/// A group that was gone, as it was listed.
#[derive(Debug, Clone)]
pub(super) struct GoneGroup {
    id: Box<str>,
    packed: Box<[u8]>,
    is_nested: bool,
    beside: Option<ReadRow>,
    /// The values of its partition.
    around: OuterValues,
}

impl GoneGroup {
    pub(super) fn of(listed: ListedGroup<'_>) -> Self {
        Self {
            id: listed.row.source_id().into(),
            packed: listed.row.packed().into(),
            is_nested: listed.row.is_nested(),
            beside: listed.beside.cloned(),
            around: listed.around.clone(),
        }
    }

    pub(super) const fn id(&self) -> &str {
        &self.id
    }

    /// About what it takes.
    pub(super) fn bytes(&self) -> u64 {
        let beside = self.beside.as_ref().map_or(0, row_bytes);
        (size_of::<Self>() + self.id.len() + self.packed.len()) as u64 + beside
    }

    /// The group as if it had been listed once more, and what stands around it.
    pub(super) fn listed_again(
        &self,
        source: &Arc<str>,
    ) -> Result<(GroupPage, OuterValues), UpstreamError> {
        let group = JsonSource::of(source).group(&self.packed);
        let group = group.map_err(|error| {
            UpstreamError::ours(format!("a group cannot be read back: {error}"))
        })?;
        let mut page = GroupPage::new(source);
        let attributes = group.attributes.as_json();
        let (parts, people) = GroupParts::of(&group);
        page.push(&parts, &people, self.is_nested, attributes);
        if let Some(beside) = &self.beside {
            page.put_beside(beside.clone());
        }
        page.shrink();
        Ok((page, self.around.clone()))
    }
}
