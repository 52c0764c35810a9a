//! What is recorded of who asked for what.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// The audit log: one record for each request to the data listener, whatever becomes of it. It says who asked, from
/// where, with which grants, which sources and how many groups the answer held, and of which sequence of pages it is
/// one; nothing of the groups themselves. It is never sampled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Audit")]
pub struct AuditRules {
    /// Whether requests are recorded.
    pub enabled: bool,
    /// The file that records are appended to, one JSON object a line. It is opened anew when it has been moved away or
    /// removed, so that it can be rotated at any time. Without it, records go to the log, at level INFO with the
    /// target `groupgate::audit`.
    pub file: Option<PathBuf>,
}
