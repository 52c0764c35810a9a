//! What was seen of how lists end of which each group has one: some are empty, and some have several pages.
//!
//! One list shows neither how an empty one is written nor, unless it is long, how pages follow each other.

use crate::plan::RelatedList;

use super::related_draft::RelatedDraft;
use super::walked::WalkFindings;

/// What was seen of how they end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShownEnds {
    list: RelatedList,
    has_empty: bool,
    has_further: bool,
}

impl ShownEnds {
    /// What the samples and walks of a list of each group show; nothing to be shown of others.
    pub(super) fn of(related: &RelatedDraft<'_, '_>, walked: &[WalkFindings]) -> Option<Self> {
        if !related.list.is_of_people() {
            return None;
        }
        let drafts = || [&related.draft].into_iter().chain(&related.others);
        let is_empty = |pages: &[Vec<_>]| pages.first().is_some_and(Vec::is_empty);
        Some(Self {
            list: related.list,
            has_empty: drafts().any(|draft| is_empty(&draft.records.pages)),
            has_further: drafts().any(|draft| draft.reading.pages.len() > 1)
                || walked.iter().any(WalkFindings::has_further),
        })
    }

    /// Whether nothing is left to be seen.
    pub(super) const fn are_all_seen(self) -> bool {
        self.has_empty && self.has_further
    }

    /// What was not seen, and how to show it.
    pub(super) fn unseen(self) -> Option<String> {
        let (what, which) = match (self.has_empty, self.has_further) {
            (true, true) => return None,
            (true, false) => ("a second page", "many"),
            (false, true) => ("a list without anybody", "none"),
            (false, false) => (
                "a list without anybody, nor a second page",
                "none, and of one that has many",
            ),
        };
        let list = self.list;
        Some(format!(
            "Not seen of `{list}`: {what}. To be sure, give the `{list}` of a group that has {which} as well: \
             `--{list} URL URL`, each with its files if they are recorded."
        ))
    }
}
