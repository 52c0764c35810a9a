//! The algorithms that tokens may be signed with.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

/// An algorithm that signs tokens (RFC 7518, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
pub enum TokenAlgorithm {
    /// RSA with PKCS #1 v1.5 padding and SHA-256.
    RS256,
    /// RSA with PKCS #1 v1.5 padding and SHA-384.
    RS384,
    /// RSA with PKCS #1 v1.5 padding and SHA-512.
    RS512,
    /// RSA with PSS padding and SHA-256.
    PS256,
    /// RSA with PSS padding and SHA-384.
    PS384,
    /// RSA with PSS padding and SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// Ed25519.
    EdDSA,
    /// HMAC with SHA-256: whoever can verify a token can make one. Only with keys from a file.
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
}

impl TokenAlgorithm {
    /// What tokens call it. `none` is not among the names.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::RS256,
            "RS384" => Self::RS384,
            "RS512" => Self::RS512,
            "PS256" => Self::PS256,
            "PS384" => Self::PS384,
            "PS512" => Self::PS512,
            "ES256" => Self::ES256,
            "ES384" => Self::ES384,
            // RFC 9864 gives the one curve a name of its own.
            "EdDSA" | "Ed25519" => Self::EdDSA,
            "HS256" => Self::HS256,
            "HS384" => Self::HS384,
            "HS512" => Self::HS512,
            _ => return None,
        })
    }

    /// Whether whoever can verify its signatures can make them.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }
}

impl fmt::Display for TokenAlgorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_algorithm_is_called_none() {
        for name in ["none", "None", "NONE", "", "rs256", "HS1", "RSA1_5"] {
            assert_eq!(TokenAlgorithm::named(name), None);
        }
        assert_eq!(TokenAlgorithm::named("RS256"), Some(TokenAlgorithm::RS256));
        assert_eq!(
            TokenAlgorithm::named("Ed25519"),
            Some(TokenAlgorithm::EdDSA)
        );
    }
}
