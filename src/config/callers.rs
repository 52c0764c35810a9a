//! The `[callers]` table: how callers say who they are.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::upstream::OneOrMany;

mod jwt;
pub use jwt::{Certificates, Jwks, Jwt, NamedCertificate};

/// Who may ask. Without this table, whoever can connect sees every group. With it, a caller sees only
/// what its grants name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Callers {
    /// Whether a request without credentials is refused with 401.
    pub required: bool,
    /// The names of the grants that a request without credentials has. Only with `required = false`;
    /// without any, such a request sees no source.
    pub anonymous: Vec<String>,
    /// Callers with an API key, by name. A key is sent as `Authorization: Bearer KEY` or as `X-Api-Key:
    /// KEY`. The name is who the caller is: cursors stay valid when its key is replaced.
    #[schemars(extend("propertyNames" = { "pattern": "^[a-z0-9_-]{1,64}$" }))]
    pub keys: BTreeMap<String, CallerKey>,
    /// Tokens (JWT) that tell who asks.
    pub jwt: Option<Jwt>,
    /// Client certificates that tell who asks.
    pub certificates: Option<Certificates>,
}

/// A caller with an API key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallerKey {
    /// The SHA-256 of the key, in 64 hexadecimal digits: `groupgate hash-key` makes a key and its hash.
    /// A list accepts each of several keys, so that one can take the place of another.
    pub sha256: OneOrMany<String>,
    /// The names of the caller's grants. Without any, it sees no source.
    #[serde(default)]
    pub grants: Vec<String>,
}

impl Default for Callers {
    fn default() -> Self {
        Self {
            required: true,
            anonymous: Vec::new(),
            keys: BTreeMap::new(),
            jwt: None,
            certificates: None,
        }
    }
}
