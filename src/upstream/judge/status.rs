//! What a status means that no rule speaks of.

use http::StatusCode;

use crate::upstream::{ErrorKind, UpstreamError};

use super::{Case, Law, delay, message};

/// The failure that a status other than 2xx is.
pub(super) fn failure(case: &Case<'_>, law: &Law) -> UpstreamError {
    let detail = message::detail(case, message::declared(case, law));
    UpstreamError::new(kind(case.status), detail)
        .with_status(case.status)
        .with_retry_after(delay::retry_after(case.headers, case.now))
        .with_transience(is_transient(case.status))
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
