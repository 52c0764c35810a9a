//! Why a token is refused.

use std::time::Duration;

use thiserror::Error;

/// Why a token tells nobody who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum TokenRefusal {
    /// The token is no good.
    #[error("the token is refused: {}", .0.as_str())]
    Invalid(TokenFault),
    /// There are no keys to verify it with. It may be good.
    #[error("there are no keys to verify tokens with")]
    Unavailable {
        /// When they will be fetched again.
        retry_after: Duration,
    },
}

/// What is wrong with a token. Its sender is not told: who forges tokens would learn from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenFault {
    /// It is no signed JWT, or has a member twice.
    Malformed,
    /// It asks for understanding that nobody here has (`crit`).
    Critical,
    /// It is made for something else than access (`typ`).
    Type,
    /// It is signed in a way that is not accepted, or not signed at all.
    Algorithm,
    /// No key of the issuer is the one that it names.
    UnknownKey,
    /// Its signature is another's.
    Signature,
    /// It has ended, or says no end.
    Expired,
    /// It does not hold yet.
    NotYetValid,
    /// Another issued it.
    Issuer,
    /// It was issued for others.
    Audience,
    /// It does not say who asks.
    Identity,
}

impl TokenFault {
    /// The word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Critical => "critical",
            Self::Type => "type",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown-key",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Identity => "identity",
        }
    }
}

impl From<TokenFault> for TokenRefusal {
    fn from(fault: TokenFault) -> Self {
        Self::Invalid(fault)
    }
}
