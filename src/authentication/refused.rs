//! Why credentials are not accepted.

use std::time::Duration;

use strum::IntoStaticStr;

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum RefusedCredentials {
    /// It brought no credentials.
    Missing,
    /// It brought some that are not accepted. Nobody is told why.
    Invalid,
    /// It brought a token that its issuer has signed and that has ended: a new one is wanted.
    Ended,
    /// Its token cannot be verified at the moment. It may be good.
    Unavailable {
        /// When it is worth trying again.
        retry_after: Duration,
    },
}

impl RefusedCredentials {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
