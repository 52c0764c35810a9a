//! OAuth 2.0: the client of a token endpoint, and what it asks for.

use std::fmt;

use http::Uri;
use http::header::HeaderValue;
use serde_json::{Map, Value};

use super::{KeyEncoding, SecretValue, Span, TokenAlgorithm};

/// A client of an OAuth 2.0 token endpoint, and what it asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Oauth2Client {
    /// The token endpoint.
    pub token_url: Uri,
    /// How the client shows who it is.
    pub proof: ClientProof,
    /// The body of the token request, without what differs from one to the next.
    pub form: SecretValue,
    /// What differs.
    pub request: TokenRequest,
}

/// How a client shows who it is.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientProof {
    /// By its id and secret, as HTTP Basic authentication. Marked sensitive.
    Header(HeaderValue),
    /// By what is in the form, or not at all.
    Form,
    /// By a token that it signs.
    Assertion(Box<Assertion>),
}

/// What a token request has that differs from one to the next.
#[derive(Debug, Clone, PartialEq)]
pub enum TokenRequest {
    /// Nothing.
    Complete,
    /// A refresh token: this one, until the server returns another.
    RefreshToken(SecretValue),
    /// A token that is signed.
    Assertion(Box<Assertion>),
}

/// A token that is signed here (RFC 7523, section 3).
#[derive(Clone, PartialEq)]
pub struct Assertion {
    /// The key that signs it.
    pub key: PrivateKey,
    /// Its header, without the algorithm.
    pub header: Map<String, Value>,
    /// Its claims, without those that differ from one to the next.
    pub claims: Map<String, Value>,
    /// How long it is valid.
    pub lifetime: Span,
}

impl fmt::Debug for Assertion {
    /// A claim may be a secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Assertion")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// A key that signs, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateKey {
    /// The key: in PEM, or the shared secret itself.
    pub key: SecretValue,
    /// How a shared secret is written.
    pub encoding: KeyEncoding,
    /// The algorithm.
    pub algorithm: TokenAlgorithm,
}
