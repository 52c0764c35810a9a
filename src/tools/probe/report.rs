//! What a probe reports: the shape of `--json`, and what the text for people is made from.
//!
//! Everything in here is redacted already.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::observe::CompletionProgress;
use crate::page::ended_by::EndedBy;
use crate::plan::RelatedList;
use crate::snapshot::Counts;

use super::mark_findings::MarkFindings;

/// The report of one walk.
#[derive(Debug, Serialize)]
pub(super) struct WalkReport {
    /// The upstream's name.
    pub(super) upstream: String,
    /// The pages, in the order of the list.
    pub(super) pages: Vec<PageReport>,
    /// The page that is shown in full.
    pub(super) detail: Option<PageDetail>,
    /// The whole walk, if it succeeded.
    pub(super) summary: Option<WalkSummary>,
    /// Why it failed, otherwise.
    pub(super) error: Option<FailureReport>,
}

/// One page.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PageReport {
    pub(super) page: u64,
    /// The values of the partition whose groups it lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) partition: Option<String>,
    pub(super) position: String,
    /// Every attempt at every request for the page, logins included.
    pub(super) requests: Vec<RequestReport>,
    pub(super) bytes: u64,
    pub(super) records: u64,
    pub(super) groups: u64,
    pub(super) skipped: Vec<SkippedRecord>,
    pub(super) unparsed_timestamps: u64,
    /// Items of lists of people that have neither an id nor an email address where the adapter says.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) unread_people: u64,
    /// Items of lists of people that have nothing at the path that `only` compares.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) unmarked_people: u64,
    pub(super) announced_records: Option<u64>,
    pub(super) announced_pages: Option<u64>,
    /// Why it is unknown when the token of a login for this page expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unknown_expiry: Option<String>,
    /// What the first page says of the length of the list, and the adapter does not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unused: Vec<String>,
    /// Where the walk reads on; null where that was known before.
    pub(super) next: Option<NextReport>,
}

/// One attempt at a request.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RequestReport {
    /// `login`, `count` or `page`.
    pub(super) purpose: &'static str,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<String>,
    /// The text that was signed, where the adapter defines it.
    pub(super) signed: Option<String>,
    /// Null where no response arrived.
    pub(super) answer: Option<ResponseReport>,
}

/// One response.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ResponseReport {
    pub(super) status: u16,
    pub(super) milliseconds: f64,
    pub(super) bytes: usize,
    pub(super) headers: BTreeMap<String, String>,
}

/// A record that was skipped.
#[derive(Debug, Clone, Serialize)]
pub(super) struct SkippedRecord {
    /// Counted from 1.
    pub(super) record: usize,
    pub(super) reason: String,
}

/// Where the walk reads on.
#[derive(Debug, Clone, Serialize)]
pub(super) struct NextReport {
    /// How many pages are known to follow.
    pub(super) pages: usize,
    /// Where the first of them is.
    pub(super) at: Option<String>,
    pub(super) why: String,
}

/// A page in full.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct PageDetail {
    pub(super) page: u64,
    /// The first groups, each as it was received and as it is served.
    pub(super) groups: Vec<RecordAndGroup>,
    /// Attributes that no field takes.
    pub(super) unmapped: Vec<UnmappedAttribute>,
}

/// A record beside the group that it became.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RecordAndGroup {
    pub(super) record: Value,
    pub(super) group: Value,
}

/// An attribute that no field takes.
#[derive(Debug, Clone, Serialize)]
pub(super) struct UnmappedAttribute {
    pub(super) key: String,
    /// How many records have it.
    pub(super) records: usize,
    /// Its value in the first of them.
    pub(super) example: Value,
}

/// A whole walk.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct WalkSummary {
    pub(super) groups: u64,
    pub(super) pages: u64,
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) milliseconds: f64,
    #[serde(flatten)]
    pub(super) counts: Counts,
    /// How many people groups name by ids, where some of those are not in the list of users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) named_people: Option<u64>,
    /// The announced number of records, if any.
    pub(super) announced: Option<u64>,
    /// Why the walk started over, if it did.
    pub(super) restarts: Vec<String>,
    /// Why the list is whole.
    pub(super) ended_by: Option<EndedBy>,
    /// What was asked for each group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) completion: Option<CompletionProgress>,
    /// Whether the field that `reuse` goes by moves with what is asked for each group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reuse: Option<MarkFindings>,
    /// Whether the recorded pages ended before the list did.
    pub(super) is_part: bool,
}

/// Why a walk failed, and where.
#[derive(Debug, Serialize)]
pub(super) struct FailureReport {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) detail: String,
    /// The keys that it names, where the file has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) keys: Vec<WrittenKey>,
    /// The list that it was read of, if not that of groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) list: Option<RelatedList>,
    /// The page that was being read, counted from 1; null where no answer says what is wrong.
    pub(super) page: Option<u64>,
    /// The requests for it, the last of which failed.
    pub(super) requests: Vec<RequestReport>,
    /// Why it is unknown when the token of a login before it expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unknown_expiry: Option<String>,
    pub(super) expected: Option<String>,
    /// The lists in the body, where the one that was expected is not there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) lists: Vec<String>,
    /// The beginning of the last response's body.
    pub(super) body: Option<String>,
}

/// A key of the upstream's block, and where the file has it.
#[derive(Debug, Serialize)]
pub(super) struct WrittenKey {
    pub(super) key: String,
    /// File, line and column.
    pub(super) at: String,
}

const fn is_zero(count: &u64) -> bool {
    *count == 0
}
