//! An issuer of tokens, with one key.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::KeyPair;
use serde_json::{Value, json};

/// What it calls itself.
pub(crate) const ISSUER: &str = "https://id.example.com";

/// An issuer of tokens.
pub(crate) struct Issuer {
    key_id: &'static str,
    key: EncodingKey,
}

impl Issuer {
    /// One with a new key of this name.
    pub(crate) fn new(key_id: &'static str) -> Self {
        let pair = KeyPair::generate().unwrap();
        Self {
            key_id,
            key: EncodingKey::from_ec_der(&pair.serialize_der()),
        }
    }

    /// The key as it is published.
    pub(crate) fn published(&self) -> Value {
        let key = Jwk::from_encoding_key(&self.key, Algorithm::ES256).unwrap();
        let mut key = serde_json::to_value(key).unwrap();
        key["kid"] = json!(self.key_id);
        json!({ "keys": [key] })
    }

    /// A token of this caller, who is in these groups.
    pub(crate) fn token(&self, subject: &str, groups: &[&str]) -> String {
        self.signed(&claims(subject, groups))
    }

    /// A token with these claims.
    pub(crate) fn signed(&self, claims: &Value) -> String {
        let head = Header {
            kid: Some(self.key_id.to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        encode(&head, claims, &self.key).unwrap()
    }
}

/// Claims of this caller that hold for some minutes.
pub(crate) fn claims(subject: &str, groups: &[&str]) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    json!({
        "iss": ISSUER,
        "aud": "groupgate",
        "sub": subject,
        "exp": now.as_secs() + 600,
        "groups": groups,
    })
}

/// A token that nobody signed.
pub(crate) fn unsigned(claims: &Value) -> String {
    let part = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims))
}
