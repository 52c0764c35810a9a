//! What a walk asks for again, in words.

use crate::config::upstream::{Since, Upstream as Written};
use crate::plan::{SinceRule, Upstream};

use super::records::conditions;

/// What a walk leaves out that the one before has brought.
pub(super) fn explain_again(upstream: &Upstream, written: &Written) -> Vec<String> {
    let mut lines = Vec::new();
    if upstream.conditional {
        let how = "`If-None-Match`, `If-Modified-Since`";
        lines.push(format!("again    only pages that have changed ({how})"));
    }
    if let Some(rule) = &upstream.incremental {
        let how = match (
            &rule.since,
            written.incremental.as_ref().map(|rule| &rule.since),
        ) {
            (SinceRule::Time { .. }, Some(Since::Text(text))) => {
                format!("`{text}`, {} before the walk before began", rule.overlap)
            }
            (SinceRule::Time { .. } | SinceRule::Link(_), _) => {
                "the link that the walk before ended with".to_owned()
            }
        };
        let full = rule.full;
        lines.push(format!(
            "again    only what has changed ({how}); everything every {full}"
        ));
        let deleted = match &upstream.mapping.deleted {
            Some(deleted) => format!("without a record in which {}", conditions(deleted)),
            None => "(no record says so: `incremental.deleted` is not set)".to_owned(),
        };
        lines.push(format!(
            "gone     a group deleted {deleted} stays for {full} at most"
        ));
    }
    lines
}
