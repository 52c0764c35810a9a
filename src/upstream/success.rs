//! Whether an answer is a success, and if not, whose fault it is.
//!
//! A status alone does not tell: some upstreams report errors under 200, and say in the body which.

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use crate::config::upstream::{Absence, Success};

use super::error::{ErrorKind, UpstreamError};
use super::format::Page;
use super::quota::retry_after;

/// The longest message of an upstream that goes into a log line.
const MESSAGE_BYTES: usize = 200;

/// Judges an answer by its status.
pub(super) fn check_status(
    status: StatusCode,
    headers: &HeaderMap,
    message: Option<String>,
    now: Timestamp,
) -> Result<(), UpstreamError> {
    if status.is_success() {
        return Ok(());
    }
    let detail = match message {
        Some(message) => format!("status {}: {message}", status.as_u16()),
        None => format!("status {}", status.as_u16()),
    };
    let wait = retry_after(headers, now);
    Err(UpstreamError::new(kind_of(status), detail)
        .with_status(status)
        .with_retry_after(wait))
}

fn kind_of(status: StatusCode) -> ErrorKind {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErrorKind::Unauthorized,
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
        _ => ErrorKind::HttpStatus,
    }
}

/// Judges an answer under a 2xx status by its body.
pub(super) fn check_body(rule: &Success, page: &Page) -> Result<(), UpstreamError> {
    let said = rule
        .path
        .as_slice()
        .iter()
        .find_map(|path| page.find(path).filter(|node| !node.is_null()));
    let Some(said) = said else {
        return match rule.absent {
            Absence::Ok => Ok(()),
            Absence::Error => Err(UpstreamError::new(
                ErrorKind::Rejected,
                format!("none of {} is there to say that it succeeded", paths(rule)),
            )),
        };
    };
    let said = said.text().unwrap_or_default();
    if rule.equals.as_slice().iter().any(|good| good.0 == said) {
        return Ok(());
    }
    let kind = match said.as_ref() {
        "401" | "403" => ErrorKind::Unauthorized,
        "429" => ErrorKind::RateLimited,
        _ => ErrorKind::Rejected,
    };
    let message = message(rule, page).map_or_else(String::new, |message| format!(": {message}"));
    Err(UpstreamError::new(
        kind,
        format!("the body says `{}`{message}", shorten(&said)),
    ))
}

/// What a failed answer says of itself.
pub(super) fn message(rule: &Success, page: &Page) -> Option<String> {
    rule.message
        .as_ref()?
        .as_slice()
        .iter()
        .find_map(|path| page.find(path)?.text())
        .map(|message| shorten(&message).to_owned())
}

fn shorten(text: &str) -> &str {
    &text[..text.floor_char_boundary(MESSAGE_BYTES)]
}

fn paths(rule: &Success) -> String {
    let paths: Vec<_> = rule
        .path
        .as_slice()
        .iter()
        .map(|path| format!("`{path}`"))
        .collect();
    paths.join(", ")
}
