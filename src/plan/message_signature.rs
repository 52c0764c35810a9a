//! HTTP Message Signatures (RFC 9421): what is signed, and with which key.

use http::header::HeaderName;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{PrivateKey, SecretValue, Span, TokenAlgorithm};

/// An HTTP Message Signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageSignature {
    /// The id of the key.
    pub key_id: SecretValue,
    /// The key.
    pub key: PrivateKey,
    /// The algorithm, by the name that the RFC has for it.
    pub algorithm: MessageAlgorithm,
    /// What is signed, in order.
    pub components: Vec<SignedComponent>,
    /// What the signature is called.
    pub label: String,
    /// How long it is valid.
    pub lifetime: Option<Span>,
    /// What it is for.
    pub tag: Option<String>,
    /// Whether it names its algorithm.
    pub has_algorithm: bool,
    /// Whether it has a random number.
    pub has_nonce: bool,
}

/// A part of a request that is signed (RFC 9421, section 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedComponent {
    /// The method.
    Method,
    /// The whole URL.
    TargetUri,
    /// The host, and the port unless it is the scheme's own.
    Authority,
    /// The scheme.
    Scheme,
    /// The path and the query as they are sent.
    RequestTarget,
    /// The path.
    Path,
    /// The query, with its question mark.
    Query,
    /// One parameter of the query.
    QueryParameter(String),
    /// A header.
    Field(HeaderName),
}

/// An algorithm of RFC 9421, section 3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema, strum::IntoStaticStr)]
pub enum MessageAlgorithm {
    /// Ed25519.
    #[serde(rename = "ed25519")]
    #[strum(serialize = "ed25519")]
    Ed25519,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ecdsa-p256-sha256")]
    #[strum(serialize = "ecdsa-p256-sha256")]
    EcdsaP256,
    /// ECDSA on P-384 with SHA-384.
    #[serde(rename = "ecdsa-p384-sha384")]
    #[strum(serialize = "ecdsa-p384-sha384")]
    EcdsaP384,
    /// RSA with PSS padding and SHA-512.
    #[serde(rename = "rsa-pss-sha512")]
    #[strum(serialize = "rsa-pss-sha512")]
    RsaPss,
    /// RSA with PKCS #1 v1.5 padding and SHA-256.
    #[serde(rename = "rsa-v1_5-sha256")]
    #[strum(serialize = "rsa-v1_5-sha256")]
    RsaPkcs1,
    /// HMAC with SHA-256, and a shared secret.
    #[serde(rename = "hmac-sha256")]
    #[strum(serialize = "hmac-sha256")]
    Hmac,
}

impl MessageAlgorithm {
    /// The same algorithm, by the name that tokens have for it.
    pub const fn of_tokens(self) -> TokenAlgorithm {
        match self {
            Self::Ed25519 => TokenAlgorithm::EdDSA,
            Self::EcdsaP256 => TokenAlgorithm::ES256,
            Self::EcdsaP384 => TokenAlgorithm::ES384,
            Self::RsaPss => TokenAlgorithm::PS512,
            Self::RsaPkcs1 => TokenAlgorithm::RS256,
            Self::Hmac => TokenAlgorithm::HS256,
        }
    }
}
