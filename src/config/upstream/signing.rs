//! Signatures over texts that the adapter defines.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Text;
use crate::config::Secret;
use crate::plan::{Encoding, Hash, KeyEncoding, MessageAlgorithm, Span};

/// An HMAC signature over a text that you define.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HmacAuth {
    /// The id of the key.
    pub key_id: Secret,
    /// The key.
    pub secret: Secret,
    /// How the key is written.
    #[serde(default)]
    pub key_encoding: KeyEncoding,
    /// What stands before the key where it is used, such as `AWS4`.
    #[serde(default)]
    pub key_prefix: String,
    /// Texts from which the key that signs is derived: the first is signed with `secret`, each other one with
    /// the signature before it, and the last signature is the key. As in
    /// `["{short_date}", "eu-west-1", "groups", "aws4_request"]`.
    #[serde(default)]
    pub derived_key: Vec<String>,
    /// The hash function of the signature and of all hashes.
    #[serde(default)]
    pub hash: Hash,
    /// How the signature and all hashes are written.
    #[serde(default)]
    pub encoding: Encoding,
    /// The signing time, and where it is sent. Required for `{date}`.
    pub date: Option<SigningDate>,
    /// The headers that `{canonical_headers}` and `{signed_headers}` stand for, such as `["host", "x-date"]`.
    /// Each must be in the request.
    #[serde(default)]
    pub signed_headers: Vec<String>,
    /// Headers that are added before the request is signed, such as `{ x-content-sha256 = "{body_hash}" }`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A text whose hash is `{canonical_hash}`.
    pub canonical_request: Option<String>,
    /// The text to sign. In a basic TOML string, `\\n` is a line feed.
    pub string_to_sign: String,
    /// The value of the header that carries the signature. It must contain `{signature}`. Set either this or
    /// `query`.
    pub header: Option<String>,
    /// The name of the header that carries the signature.
    #[serde(default = "authorization")]
    pub header_name: String,
    /// Parameters that carry the signature, and others that belong to it. Those without `{signature}` are added
    /// before the request is signed.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
}

fn authorization() -> String {
    "authorization".to_owned()
}

/// An HTTP Message Signature.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageSignatureAuth {
    /// The id of the key (`keyid`).
    pub key_id: Text,
    /// The private key in PEM, or with `hmac-sha256` the shared secret.
    pub key: Secret,
    /// How a shared secret is written.
    #[serde(default)]
    pub key_encoding: KeyEncoding,
    /// The algorithm of the signature.
    pub algorithm: MessageAlgorithm,
    /// What is signed, in order: `@method`, `@target-uri`, `@authority`, `@scheme`, `@request-target`,
    /// `@path`, `@query`, a parameter as `@query-param;name="page"`, and the names of headers that each request
    /// has. `content-digest` (RFC 9530) is added to the request.
    #[serde(default = "components")]
    pub components: Vec<String>,
    /// What the signature is called.
    #[serde(default = "label")]
    pub label: String,
    /// How long the signature is valid (`expires`). Without it, it does not say.
    pub expires: Option<Span>,
    /// What the signature is for (`tag`). Without it, it does not say.
    pub tag: Option<String>,
    /// Whether the signature names its algorithm (`alg`).
    #[serde(default)]
    pub algorithm_parameter: bool,
    /// Whether the signature has a random number (`nonce`).
    #[serde(default)]
    pub nonce: bool,
}

fn components() -> Vec<String> {
    ["@method", "@target-uri"].map(str::to_owned).to_vec()
}

fn label() -> String {
    "sig1".to_owned()
}

/// The time of signing, and where it is sent: in exactly one of `header` and `query`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SigningDate {
    /// The name of the header that carries it.
    pub header: Option<String>,
    /// The name of the query parameter that carries it.
    pub query: Option<String>,
    /// The format of the time in UTC, as a `strftime` pattern such as `%Y%m%dT%H%M%SZ`.
    pub format: String,
    /// A second format, for `{short_date}`, such as `%Y%m%d`. It is only signed.
    pub short_format: Option<String>,
}
