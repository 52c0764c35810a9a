//! What an outcome says about an upstream: whether it works, not whether we got what we wanted.

use crate::error::{ErrorKind, Fault, UpstreamError};

/// What an outcome says about the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// It answers, even if it refuses the request.
    Alive,
    /// It failed.
    Failing,
    /// Unknown: it was not asked, or asked us to come back later.
    Unknown,
}

impl Health {
    pub(super) fn of<T>(outcome: &Result<T, UpstreamError>) -> Self {
        let Err(error) = outcome else {
            return Self::Alive;
        };
        if error.fault() == Fault::Gateway {
            return Self::Unknown;
        }
        match error.kind {
            ErrorKind::Timeout | ErrorKind::Connect | ErrorKind::Tls | ErrorKind::Dns => {
                Self::Failing
            }
            ErrorKind::HttpStatus | ErrorKind::Rejected => {
                let is_server_error = error.status.is_some_and(|status| status.is_server_error());
                if error.is_transient() || is_server_error {
                    Self::Failing
                } else {
                    Self::Alive
                }
            }
            ErrorKind::Unauthorized
            | ErrorKind::Decode
            | ErrorKind::Mapping
            | ErrorKind::Pagination
            | ErrorKind::LimitExceeded => Self::Alive,
            // Our own rate limit returns the same kind as the upstream's.
            ErrorKind::RateLimited | ErrorKind::CircuitOpen | ErrorKind::Overloaded => {
                Self::Unknown
            }
        }
    }
}
