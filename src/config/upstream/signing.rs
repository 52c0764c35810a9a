//! Signatures over texts that the adapter defines.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Secret;
use crate::plan::{Encoding, Hash, KeyEncoding};

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
