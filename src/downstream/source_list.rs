//! How each upstream stands, as callers and operators are told.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::caller::{HiddenFields, HideableField};
use crate::catalog::{self, PendingShrink, SourceLookup};
use crate::snapshot::Counts;

use super::envelope::SourceError;

/// The answer of `GET /sources`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Sources")]
pub(crate) struct SourceList {
    /// How each source stands, in order of name.
    pub(crate) sources: Vec<ListedSource>,
}

/// How one source stands, and what was odd about its list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Source")]
pub(crate) struct ListedSource {
    /// Its name.
    name: Arc<str>,
    /// How it stands.
    state: catalog::SourceState,
    /// When its list was read, RFC 3339 UTC.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    as_of: Option<Timestamp>,
    /// How many groups it has.
    groups: usize,
    #[serde(flatten)]
    counts: Counts,
    /// A much shorter list that was read since and is not served: it waits for another walk to
    /// confirm it.
    pending_shrink: Option<PendingShrink>,
    /// Why its last walk failed, while that still matters.
    error: Option<SourceError>,
}

impl ListedSource {
    /// The same for a caller from whom this is hidden.
    pub(crate) fn hiding(mut self, hidden: HiddenFields) -> Self {
        if !hidden.in_both(TIMES).is_none() {
            self.counts.unparsed_timestamps = 0;
        }
        if !hidden.in_both(PEOPLE).is_none() {
            self.counts.unread_people = 0;
            self.counts.unmarked_people = 0;
            self.counts.repeated_people = 0;
            self.counts.unknown_people = 0;
        }
        self
    }
}

/// The lists whose people may not have been read.
const PEOPLE: HiddenFields = HiddenFields::of(&[
    HideableField::Members,
    HideableField::Admins,
    HideableField::Guests,
]);

/// The fields whose times may not have been read.
const TIMES: HiddenFields = HiddenFields::of(&[HideableField::CreatedAt, HideableField::UpdatedAt]);

impl From<&SourceLookup> for ListedSource {
    fn from(held: &SourceLookup) -> Self {
        Self {
            name: Arc::clone(&held.source),
            state: held.state,
            as_of: held.as_of,
            groups: held.snapshot.as_ref().map_or(0, |snapshot| snapshot.len()),
            counts: held.counts,
            pending_shrink: held.pending_shrink,
            error: held.error.as_deref().map(SourceError::of),
        }
    }
}
