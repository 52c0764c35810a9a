//! The adapter's own rules: which one holds, and what it makes of an answer.

use http::header::CONTENT_TYPE;

use crate::config::upstream::{Meaning, Rule};
use crate::error::{ErrorKind, UpstreamError};

use super::law::{Case, Law, Verdict};
use super::{delay, message};

/// Whether all conditions of a rule hold.
pub(super) fn holds(rule: &Rule, case: &Case<'_>) -> bool {
    holds_status(rule, case)
        && holds_header(rule, case)
        && holds_content_type(rule, case)
        && holds_body(rule, case)
}

fn holds_status(rule: &Rule, case: &Case<'_>) -> bool {
    rule.status.as_ref().is_none_or(|patterns| {
        let mut patterns = patterns.as_slice().iter();
        patterns.any(|pattern| pattern.matches(case.status))
    })
}

fn holds_header(rule: &Rule, case: &Case<'_>) -> bool {
    let Some(condition) = &rule.header else {
        return true;
    };
    let mut values = case.headers.get_all(&condition.name).iter();
    match &condition.equals {
        None => values.next().is_some(),
        Some(expected) => values.filter_map(|value| value.to_str().ok()).any(|value| {
            expected
                .as_slice()
                .iter()
                .any(|text| text.0 == value.trim())
        }),
    }
}

/// Media types are compared in any case and without parameters (RFC 9110, section 8.3.1).
fn holds_content_type(rule: &Rule, case: &Case<'_>) -> bool {
    let Some(expected) = &rule.content_type else {
        return true;
    };
    let said = case.headers.get(CONTENT_TYPE);
    said.and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case(expected.trim()))
}

fn holds_body(rule: &Rule, case: &Case<'_>) -> bool {
    let Some(path) = &rule.path else {
        return true;
    };
    let Some(node) = case.page.find(path).filter(|node| !node.is_null()) else {
        return false;
    };
    match (&rule.equals, node.text()) {
        (Some(expected), Some(said)) => expected.as_slice().iter().any(|text| text.0 == said),
        (Some(_), None) => false,
        // A list or an object is there, whatever is in it.
        (None, None) => true,
        (None, Some(said)) => said != "false",
    }
}

/// What an answer is by a rule that holds.
pub(super) fn apply(rule: &Rule, case: &Case<'_>, law: &Law) -> Result<Verdict, UpstreamError> {
    let kind = match rule.means {
        Meaning::Ok => return Ok(Verdict::Page),
        Meaning::End => return Ok(Verdict::End),
        Meaning::RateLimited => ErrorKind::RateLimited,
        Meaning::Unauthorized => ErrorKind::Unauthorized,
        Meaning::Retry | Meaning::Failed if case.status.is_success() => ErrorKind::Rejected,
        Meaning::Retry | Meaning::Failed => ErrorKind::HttpStatus,
    };
    let own = rule.message.as_ref();
    let said = own.and_then(|paths| message::first(paths.as_slice(), case));
    let said = said.or_else(|| message::declared(case, law));
    let wait = match &rule.retry_after {
        Some(place) => delay::at(place, case.headers, case.page, case.now),
        None => delay::retry_after(case.headers, case.now),
    };
    Err(UpstreamError::new(kind, message::detail(case, said))
        .with_status(case.status)
        .with_retry_after(wait)
        .with_transience(rule.means.is_transient()))
}
