//! What a status means that no rule speaks of.

use http::StatusCode;
use http::header::LOCATION;

use crate::error::{ErrorKind, UpstreamError};

use super::law::{Case, Law};
use super::{delay, message};

/// The failure that a status other than 2xx is.
pub(super) fn failure(case: &Case<'_>, law: &Law) -> UpstreamError {
    let detail = message::detail(case, message::declared(case, law));
    let mut failure = UpstreamError::new(kind(case.status), detail)
        .with_status(case.status)
        .with_retry_after(delay::retry_after(case.headers, case.now))
        .with_transience(is_transient(case.status));
    failure.location = location(case);
    failure
}

/// Where a redirect leads (RFC 9110, section 15.4). The other 3xx statuses are none.
fn location(case: &Case<'_>) -> Option<Box<str>> {
    if !matches!(case.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = case.headers.get(LOCATION)?;
    location.to_str().ok().map(Into::into)
}

fn kind(status: StatusCode) -> ErrorKind {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErrorKind::Unauthorized,
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
        _ => ErrorKind::HttpStatus,
    }
}

/// Whether a status says that the server, not the request, is at fault (RFC 9110, section 15.6).
fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504)
}
