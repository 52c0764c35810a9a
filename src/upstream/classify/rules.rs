//! The adapter's own rules: which one applies, and what it makes of a response.

use http::HeaderValue;
use http::header::CONTENT_TYPE;

use crate::error::{ErrorKind, UpstreamError};
use crate::plan::{ClassifyRules, Meaning, Rule};

use super::context::{Classified, ResponseContext};
use super::{delay, message};

/// Whether all conditions of a rule apply.
pub(super) fn holds(rule: &Rule, context: &ResponseContext<'_>) -> bool {
    holds_status(rule, context)
        && holds_header(rule, context)
        && holds_content_type(rule, context)
        && holds_body(rule, context)
}

fn holds_status(rule: &Rule, context: &ResponseContext<'_>) -> bool {
    rule.status.as_ref().is_none_or(|patterns| {
        let mut patterns = patterns.as_slice().iter();
        patterns.any(|pattern| pattern.matches(context.status))
    })
}

fn holds_header(rule: &Rule, context: &ResponseContext<'_>) -> bool {
    let Some(condition) = &rule.header else {
        return true;
    };
    let mut values = context.headers.get_all(&condition.name).iter().peekable();
    let Some(expected) = &condition.equals else {
        return values.peek().is_some();
    };
    let is_expected = |value: &HeaderValue| {
        let value = value.to_str().map(str::trim);
        value.is_ok_and(|value| expected.as_slice().iter().any(|text| text.0 == value))
    };
    match rule.means {
        // A list does not end by a header that contradicts itself.
        Meaning::End => values.peek().is_some() && values.all(is_expected),
        Meaning::Ok
        | Meaning::RateLimited
        | Meaning::Unauthorized
        | Meaning::Retry
        | Meaning::Failed => values.any(is_expected),
    }
}

/// Media types are compared case-insensitively and without parameters (RFC 9110, section 8.3.1).
fn holds_content_type(rule: &Rule, context: &ResponseContext<'_>) -> bool {
    let Some(expected) = &rule.content_type else {
        return true;
    };
    let said = context.headers.get(CONTENT_TYPE);
    said.and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case(expected.trim()))
}

fn holds_body(rule: &Rule, context: &ResponseContext<'_>) -> bool {
    let Some(path) = &rule.path else {
        return true;
    };
    let Some(node) = context.page.find(path).filter(|node| !node.is_null()) else {
        return false;
    };
    match (&rule.equals, node.text()) {
        (Some(expected), Some(said)) => expected.as_slice().iter().any(|text| text.0 == said),
        (Some(_), None) => false,
        // A list or an object is present, whatever it contains.
        (None, None) => true,
        (None, Some(said)) => said != "false",
    }
}

/// What a response is by a rule that applies.
pub(super) fn apply(
    rule: &Rule,
    context: &ResponseContext<'_>,
    rules: &ClassifyRules,
) -> Result<Classified, UpstreamError> {
    let kind = match rule.means {
        Meaning::Ok => return Ok(Classified::Page),
        Meaning::End => return Ok(Classified::End),
        Meaning::RateLimited => ErrorKind::RateLimited,
        Meaning::Unauthorized => ErrorKind::Unauthorized,
        Meaning::Retry | Meaning::Failed if context.status.is_success() => ErrorKind::Rejected,
        Meaning::Retry | Meaning::Failed => ErrorKind::HttpStatus,
    };
    let own = rule.message.as_ref();
    let said = own.and_then(|paths| message::first(paths.as_slice(), context));
    let said = said.or_else(|| message::first(&rules.message, context));
    let wait = match &rule.retry_after {
        Some(place) => delay::at(place, context.headers, context.page, context.now),
        None => delay::retry_after(context.headers, context.now),
    };
    Err(UpstreamError::new(kind, message::detail(context, said))
        .with_status(context.status)
        .with_retry_after(wait)
        .with_transience(rule.means.is_transient()))
}
