//! What a status means if no rule applies.

use http::StatusCode;
use http::header::LOCATION;

use crate::error::{AnswerLocation, ErrorKind, UpstreamError};
use crate::page::sole_header::certain_header;
use crate::plan::ClassifyRules;

use super::context::ResponseContext;
use super::rate_limit_headers::exhausted;
use super::{delay, message};

/// The error of a status other than 2xx.
pub(super) fn failure(context: &ResponseContext<'_>, rules: &ClassifyRules) -> UpstreamError {
    let detail = message::detail(context, message::first(&rules.message, context));
    let mut error = UpstreamError::new(kind(context.status), detail)
        .with_status(context.status)
        .with_retry_after(delay::retry_after(context.headers, context.now))
        .with_transience(is_transient(context.status));
    if context.status == StatusCode::FORBIDDEN {
        error = refused_or_limited(error, context);
    }
    error.location = location(context);
    error
}

/// A 403 that says when to come back, or that no request remains, is a rate limit: it refuses no
/// credentials.
pub(super) fn refused_or_limited(
    mut error: UpstreamError,
    context: &ResponseContext<'_>,
) -> UpstreamError {
    let exhausted = exhausted(context.headers, context.now);
    if error.retry_after.is_none() && exhausted.is_none() {
        return error;
    }
    error.kind = ErrorKind::RateLimited;
    let resets_in = exhausted.and_then(|exhausted| exhausted.resets_in);
    let retry_after = error.retry_after.or(resets_in);
    error.with_retry_after(retry_after).with_transience(true)
}

/// The target of a redirect (RFC 9110, section 15.4). The other 3xx statuses are not redirects.
fn location(context: &ResponseContext<'_>) -> Option<AnswerLocation> {
    if !matches!(context.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = certain_header(context.headers, LOCATION)?;
    let location = location.to_str().ok()?;
    Some(AnswerLocation(location.into()))
}

fn kind(status: StatusCode) -> ErrorKind {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErrorKind::Unauthorized,
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
        _ => ErrorKind::HttpStatus,
    }
}

/// Whether a status blames the server, not the request (RFC 9110, section 15.6).
fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504)
}
