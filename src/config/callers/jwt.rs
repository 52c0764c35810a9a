//! `[callers.jwt]` and `[callers.certificates]`, as written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use crate::plan::{CertificateName, ClaimPointer, OneOrMany, Span, TokenAlgorithm, text};

/// Tokens (JWT) that tell who asks. A caller sends one as `Authorization: Bearer …`; the grants whose
/// `when` holds for its claims are the caller's.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    /// Who must have issued a token: its `iss`, letter by letter.
    pub issuer: String,
    /// For whom a token must be: one of its audiences (`aud`) must be this, or one of these.
    pub audience: OneOrMany<String>,
    /// Where the issuer's keys are.
    pub jwks: Jwks,
    /// The algorithms that tokens may be signed with. A key verifies only those of its own kind. `HS256`,
    /// `HS384` and `HS512`, whose keys can also make tokens, need `jwks = { file = … }`.
    #[serde(default = "usual_algorithms")]
    pub algorithms: Vec<TokenAlgorithm>,
    /// The claim that says who asks, a text. Cursors are bound to it.
    #[serde(default = "subject")]
    #[schemars(default = "subject_text")]
    pub identity: ClaimPointer,
    /// How far the issuer's clock may be off when the times of a token are checked (`exp`, `nbf`,
    /// `iat`). At most `5m`.
    #[serde(default = "usual_leeway")]
    pub leeway: Span,
}

/// Where the keys of an issuer are, as a JSON Web Key Set (RFC 7517): `{ url = "https://…" }` or
/// `{ file = "path" }`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jwks {
    /// The address that the issuer publishes its keys at: its `jwks_uri`. They are fetched at the start,
    /// every 5 minutes, and when a token names an unknown key, but for that at most once a minute. While
    /// it does not answer, the keys from before are used; before there are any, tokens get 503. It must be
    /// `https`, other than on this machine.
    #[serde(default, deserialize_with = "text::optional_url")]
    #[schemars(with = "Option<String>", extend("format" = "uri"))]
    pub url: Option<Url>,
    /// A file with the keys. It is read again when it changes.
    pub file: Option<PathBuf>,
    /// A file of CAs in PEM, for `url`. With it, only servers that one of them vouches for are trusted,
    /// without it those that the system trusts.
    pub ca: Option<PathBuf>,
}

/// Client certificates that tell who asks. They need `server.tls.client_ca`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificates {
    /// Which name in a certificate says who asks. A certificate must have exactly one of that kind.
    pub identity: CertificateName,
    /// What each name is granted: `names."spiffe://example.com/billing" = { grants = ["finance"] }`. A
    /// caller with another name is known, and nothing is granted to it.
    #[serde(default)]
    pub names: BTreeMap<String, NamedCertificate>,
}

/// What the callers with one name in their certificates are granted.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedCertificate {
    /// The names of grants.
    pub grants: Vec<String>,
}

fn usual_algorithms() -> Vec<TokenAlgorithm> {
    vec![
        TokenAlgorithm::RS256,
        TokenAlgorithm::ES256,
        TokenAlgorithm::EdDSA,
    ]
}

fn subject() -> ClaimPointer {
    ClaimPointer::subject()
}

const fn subject_text() -> &'static str {
    "/sub"
}

const fn usual_leeway() -> Span {
    Span::seconds(60)
}
