//! What a probe tells, as facts: the shape of `--json`, and what the text for people is made from.
//!
//! Everything in here is masked already.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// The whole story.
#[derive(Debug, Serialize)]
pub(super) struct Story {
    /// The upstream's name.
    pub(super) upstream: String,
    /// The pages, in the order of the list.
    pub(super) pages: Vec<Step>,
    /// The page that was looked at more closely.
    pub(super) detail: Option<Detail>,
    /// What the whole walk brought, if it came to its end.
    pub(super) summary: Option<Summary>,
    /// Why it did not.
    pub(super) error: Option<Trouble>,
}

/// One page.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Step {
    pub(super) page: u64,
    pub(super) position: String,
    /// Every try of every request that the page took, logins among them.
    pub(super) requests: Vec<Asked>,
    pub(super) bytes: u64,
    pub(super) records: u64,
    pub(super) groups: u64,
    pub(super) skipped: Vec<Skipped>,
    pub(super) unparsed_timestamps: u64,
    pub(super) announced_records: Option<u64>,
    pub(super) announced_pages: Option<u64>,
    /// What the pager decided after the page; null where that was known before.
    pub(super) next: Option<Onward>,
}

/// One try of one request.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Asked {
    /// `login`, `count` or `page`.
    pub(super) purpose: &'static str,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<String>,
    /// What was signed, where the adapter says what that is.
    pub(super) signed: Option<String>,
    /// Null where no answer came.
    pub(super) answer: Option<Answered>,
}

/// One answer.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) milliseconds: f64,
    pub(super) bytes: usize,
    pub(super) headers: BTreeMap<String, String>,
}

/// A record that is no group.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Skipped {
    /// Counted from 1.
    pub(super) record: usize,
    pub(super) reason: String,
}

/// Where the walk reads on.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Onward {
    /// How many pages are known to follow.
    pub(super) pages: usize,
    /// Where the first of them is.
    pub(super) at: Option<String>,
    pub(super) why: String,
}

/// A page, looked at more closely.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Detail {
    pub(super) page: u64,
    /// The first groups, each as it came and as it is served.
    pub(super) groups: Vec<Pair>,
    /// What no field takes.
    pub(super) unmapped: Vec<Unmapped>,
}

/// A record beside the group that came of it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Pair {
    pub(super) record: Value,
    pub(super) group: Value,
}

/// An attribute that no field takes.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Unmapped {
    pub(super) key: String,
    /// How many records have it.
    pub(super) records: usize,
    /// What it holds in the first of them.
    pub(super) example: Value,
}

/// What a whole walk brought.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Summary {
    pub(super) groups: u64,
    pub(super) pages: u64,
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) milliseconds: f64,
    pub(super) skipped: u64,
    pub(super) repeated: u64,
    pub(super) unparsed_timestamps: u64,
    pub(super) drifted: bool,
    /// How many records there should be, if anyone said.
    pub(super) announced: Option<u64>,
    /// Why the walk was begun anew, if it was.
    pub(super) restarts: Vec<String>,
    /// What came a second time and ended the walk, as `on_repeat` allows.
    pub(super) ended_by: Option<String>,
    /// Whether the recorded pages ended before the list did.
    pub(super) is_part: bool,
}

/// Why a walk failed, and where.
#[derive(Debug, Serialize)]
pub(super) struct Trouble {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) detail: String,
    /// The page that was being read, counted from 1.
    pub(super) page: u64,
    /// The requests that it took, the last of which failed.
    pub(super) requests: Vec<Asked>,
    pub(super) expected: Option<String>,
    /// The beginning of the last answer's body.
    pub(super) body: Option<String>,
}
