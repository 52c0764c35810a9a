//! What the record of a request says of its answer: whose groups, how many, and which page of which sequence.

use std::sync::Arc;

use crate::caller::Caller;
use crate::catalog::SourceLookup;
use crate::gateway::Query;
use crate::gateway::cursor::{Keys, SequenceId};
use crate::gateway::listing::{FoundGroup, Listing};

/// What an answer holds or speaks of, for its record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AuditedAnswer {
    /// Whose groups are in it, or of which sources it speaks.
    pub(super) sources: Box<[Arc<str>]>,
    /// How many groups are in it.
    pub(super) groups: usize,
    /// Of which sequence of pages it is one.
    pub(super) sequence: Option<SequenceId>,
    /// Whether it is not the first of them.
    pub(super) is_continued: bool,
}

impl AuditedAnswer {
    /// A page.
    pub(crate) fn page(keys: &Keys, caller: &Caller, query: &Query, listing: &Listing) -> Self {
        let contributed = listing.sources.iter().filter(|report| report.contributed());
        Self {
            sources: contributed
                .map(|report| Arc::clone(&report.held.source))
                .collect(),
            groups: listing.page.len(),
            sequence: Some(keys.sequence(caller, query)),
            is_continued: query.resume.is_some(),
        }
    }

    /// What speaks of sources and holds no group.
    pub(crate) fn of_sources<'a>(sources: impl IntoIterator<Item = &'a SourceLookup>) -> Self {
        let sources = sources.into_iter();
        Self {
            sources: sources.map(|held| Arc::clone(&held.source)).collect(),
            groups: 0,
            sequence: None,
            is_continued: false,
        }
    }

    /// One group.
    pub(crate) fn group(found: &FoundGroup) -> Self {
        Self {
            sources: [Arc::clone(&found.source.held.source)].into(),
            groups: 1,
            sequence: None,
            is_continued: false,
        }
    }
}
