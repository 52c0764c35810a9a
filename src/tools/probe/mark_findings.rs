//! What walks showed of what `reuse` goes by, and what that says in sentences.

use jiff::Timestamp;
use serde::Serialize;

use crate::plan::RelatedList;

use super::lines::counted;

/// What the walk showed, and what changed since another one.
#[derive(Debug, Clone, Serialize)]
pub(super) struct MarkFindings {
    /// What `reuse` goes by.
    pub(super) by: String,
    /// The lists that were looked at.
    pub(super) lists: Vec<RelatedList>,
    #[serde(skip)]
    pub(super) is_reused: bool,
    /// How many groups have both that, as a time, and people with dates.
    pub(super) dated: u64,
    /// How many of them had somebody added later.
    pub(super) older: u64,
    /// The comparison with a file, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) compared: Option<ComparedMarks>,
}

/// A comparison with the walk that wrote a file.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ComparedMarks {
    /// When that was; null where this is the first.
    pub(super) since: Option<Timestamp>,
    /// How many groups have other people.
    pub(super) changed: u64,
    /// How many of them have the same mark.
    pub(super) unmoved: u64,
    /// How many groups were noted for the next time.
    pub(super) noted: u64,
}

impl MarkFindings {
    /// What they say of `reuse`, each in a sentence.
    pub(super) fn sentences(&self) -> Vec<String> {
        let advice = if self.is_reused {
            "leave `reuse` out, or shorten `full`"
        } else {
            "`reuse = \"updated_at\"` would miss that"
        };
        let by = &self.by;
        let lists: Vec<_> = self.lists.iter().map(ToString::to_string).collect();
        let lists = lists.join(" or ");
        let mut said = Vec::new();
        match &self.compared {
            Some(ComparedMarks { since: None, noted, .. }) => said.push(format!(
                "{} noted: probe with the same `--compare` once {lists} have changed",
                counted(*noted, "group")
            )),
            Some(ComparedMarks { since: Some(since), changed: 0, .. }) => said.push(format!(
                "no group's {lists} have changed since {since:.0}, so it is not seen yet whether `{by}` moves \
                 with them"
            )),
            Some(ComparedMarks { since: Some(since), changed, unmoved: 0, .. }) => said.push(format!(
                "`{by}` moved for all {} whose {lists} changed since {since:.0}",
                counted(*changed, "group")
            )),
            Some(ComparedMarks { since: Some(since), changed, unmoved, .. }) => said.push(format!(
                "`{by}` did not move for {unmoved} of {} whose {lists} changed since {since:.0}: {advice}",
                counted(*changed, "group")
            )),
            None => {}
        }
        match (self.older, self.dated) {
            (0, 0) if self.compared.is_none() => said.push(format!(
                "whether `{by}` moves with {lists} is not seen in one walk: probe with `--compare FILE` now, \
                 and again once some have changed"
            )),
            (0, 0) => {}
            (0, dated) => said.push(format!(
                "in none of {} with dates of {lists} was somebody added after `{by}`",
                counted(dated, "group")
            )),
            (older, dated) => said.push(format!(
                "`{by}` did not move for {older} of {} when somebody was added: {advice}",
                counted(dated, "group")
            )),
        }
        said
    }
}
