//! What an outcome says of an upstream: whether it is well, not whether we got what we wanted.

use crate::error::{ErrorKind, Fault, UpstreamError};

/// What an outcome says of the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// It is there and at work, whatever it thinks of the request.
    Alive,
    /// It failed.
    Failing,
    /// Nothing: it was not asked, or asked to be asked later.
    None,
}

impl Sign {
    /// What `outcome` says.
    pub(super) fn of<T>(outcome: &Result<T, UpstreamError>) -> Self {
        let Err(error) = outcome else {
            return Self::Alive;
        };
        if error.fault() == Fault::Gateway {
            return Self::None;
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
            // Our own quota speaks like the upstream's.
            ErrorKind::RateLimited | ErrorKind::CircuitOpen => Self::None,
        }
    }
}
