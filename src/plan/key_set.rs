//! The keys of an issuer of tokens (RFC 7517), as it publishes them.
//!
//! Each key verifies the algorithms of its own kind and no others: a public key is never taken for a
//! shared secret. What of a set cannot be used is passed over, as the RFC asks for, so that an issuer
//! may add keys of new kinds.

use std::fmt;

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::TokenAlgorithm;

/// How large a set may be.
pub const LARGEST_KEY_SET: usize = 256 << 10;

/// How many keys a set may hold. Issuers have a handful.
const MOST_KEYS: usize = 100;

/// The shortest modulus of an RSA key, in bytes.
const SHORTEST_MODULUS: usize = 256;

/// The shortest shared secret: as long as the shortest hash (RFC 7518, section 3.2).
const SHORTEST_SECRET: usize = 32;

/// The keys that can verify tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySet(Vec<VerificationKey>);

/// A key that can verify tokens. It is not shown, for it may be a shared secret.
#[derive(Clone, PartialEq, Eq)]
pub struct VerificationKey(Jwk);

/// Why a text is no set of keys.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeySetError {
    /// It is too large.
    #[error("is larger than {} KiB", LARGEST_KEY_SET >> 10)]
    TooLarge,
    /// It is no JSON, or no object with a list of keys.
    #[error("is no JSON Web Key Set, `{{ \"keys\": [ ... ] }}`")]
    Malformed,
    /// It has too many keys.
    #[error("holds {0} keys, and {MOST_KEYS} are the most that are read")]
    TooMany(usize),
    /// There are keys, and none of them can be used.
    #[error("holds no key that verifies {0}")]
    Unusable(String),
}

/// A set as it is published.
#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads those keys of a set that verify any of these algorithms.
    pub fn read(text: &[u8], algorithms: &[TokenAlgorithm]) -> Result<Self, KeySetError> {
        if text.len() > LARGEST_KEY_SET {
            return Err(KeySetError::TooLarge);
        }
        let published: Published =
            serde_json::from_slice(text).map_err(|_| KeySetError::Malformed)?;
        if published.keys.len() > MOST_KEYS {
            return Err(KeySetError::TooMany(published.keys.len()));
        }
        let keys = published.keys.into_iter();
        let keys = keys.filter_map(|key| VerificationKey::read(key).ok());
        let usable = |key: &VerificationKey| algorithms.iter().any(|one| key.verifies(*one));
        let keys: Vec<_> = keys.filter(usable).collect();
        if keys.is_empty() {
            let names: Vec<_> = algorithms.iter().map(ToString::to_string).collect();
            return Err(KeySetError::Unusable(names.join(", ")));
        }
        Ok(Self(keys))
    }

    /// The keys, in the order of the set.
    pub fn keys(&self) -> &[VerificationKey] {
        &self.0
    }
}

impl VerificationKey {
    fn read(mut key: Value) -> Result<Self, serde_json::Error> {
        if let Some(key) = key.as_object_mut() {
            // Nothing is made of them, and one that is malformed spoils no key.
            key.retain(|name, _| !name.starts_with("x5"));
            let named = key.get("alg").and_then(Value::as_str);
            // The crate knows one of the two names that this one has.
            if named.and_then(TokenAlgorithm::named) == Some(TokenAlgorithm::EdDSA) {
                key.insert("alg".to_owned(), "EdDSA".into());
            }
        }
        serde_json::from_value(key).map(Self)
    }

    /// What the issuer calls it.
    pub fn id(&self) -> Option<&str> {
        self.0.common.key_id.as_deref()
    }

    /// Whether it verifies signatures of this algorithm: by its kind, and by what its issuer says it is
    /// for.
    pub fn verifies(&self, algorithm: TokenAlgorithm) -> bool {
        let common = &self.0.common;
        let is_for_signatures = match &common.public_key_use {
            None | Some(PublicKeyUse::Signature) => true,
            Some(PublicKeyUse::Encryption | PublicKeyUse::Other(_)) => false,
        };
        let operations = common.key_operations.as_ref();
        let may_verify = operations.is_none_or(|all| all.contains(&KeyOperations::Verify));
        let algorithm: Algorithm = algorithm.into();
        let is_meant =
            (common.key_algorithm).is_none_or(|one| one == KeyAlgorithm::from(algorithm));
        is_for_signatures && may_verify && is_meant && self.is_of_the_kind(algorithm)
    }

    fn is_of_the_kind(&self, algorithm: Algorithm) -> bool {
        use Algorithm as A;
        match &self.0.algorithm {
            AlgorithmParameters::RSA(_) => {
                matches!(
                    algorithm,
                    A::RS256 | A::RS384 | A::RS512 | A::PS256 | A::PS384 | A::PS512
                ) && self.modulus_length() >= SHORTEST_MODULUS
            }
            AlgorithmParameters::EllipticCurve(key) => {
                let curve = &key.curve;
                (algorithm == A::ES256 && *curve == EllipticCurve::P256)
                    || (algorithm == A::ES384 && *curve == EllipticCurve::P384)
            }
            AlgorithmParameters::OctetKeyPair(key) => {
                algorithm == A::EdDSA && key.curve == EllipticCurve::Ed25519
            }
            AlgorithmParameters::OctetKey(_) => {
                matches!(algorithm, A::HS256 | A::HS384 | A::HS512)
                    && self.secret_length() >= SHORTEST_SECRET
            }
            AlgorithmParameters::Other(_) | _ => false,
        }
    }

    fn modulus_length(&self) -> usize {
        match self.decoding_key().as_ref().map(DecodingKey::kind) {
            Some(DecodingKeyKind::RsaModulusExponent { n, .. }) => {
                n.len() - n.iter().take_while(|byte| **byte == 0).count()
            }
            Some(DecodingKeyKind::SecretOrDer(_)) | None => 0,
        }
    }

    fn secret_length(&self) -> usize {
        let key = self.decoding_key();
        let secret = key.as_ref().and_then(|key| key.try_get_as_bytes().ok());
        secret.map_or(0, <[u8]>::len)
    }

    /// The key itself; `None` where its parts are malformed.
    pub fn decoding_key(&self) -> Option<DecodingKey> {
        DecodingKey::from_jwk(&self.0).ok()
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("VerificationKey")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

impl From<TokenAlgorithm> for Algorithm {
    fn from(algorithm: TokenAlgorithm) -> Self {
        match algorithm {
            TokenAlgorithm::RS256 => Self::RS256,
            TokenAlgorithm::RS384 => Self::RS384,
            TokenAlgorithm::RS512 => Self::RS512,
            TokenAlgorithm::PS256 => Self::PS256,
            TokenAlgorithm::PS384 => Self::PS384,
            TokenAlgorithm::PS512 => Self::PS512,
            TokenAlgorithm::ES256 => Self::ES256,
            TokenAlgorithm::ES384 => Self::ES384,
            TokenAlgorithm::EdDSA => Self::EdDSA,
            TokenAlgorithm::HS256 => Self::HS256,
            TokenAlgorithm::HS384 => Self::HS384,
            TokenAlgorithm::HS512 => Self::HS512,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const ALL: [TokenAlgorithm; 5] = [
        TokenAlgorithm::RS256,
        TokenAlgorithm::ES256,
        TokenAlgorithm::ES384,
        TokenAlgorithm::EdDSA,
        TokenAlgorithm::HS256,
    ];

    fn rsa(bytes: usize) -> Value {
        use base64::Engine as _;
        let modulus = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(vec![0xff; bytes]);
        json!({ "kty": "RSA", "kid": "r", "n": modulus, "e": "AQAB" })
    }

    fn ec(curve: &str) -> Value {
        json!({ "kty": "EC", "kid": "e", "crv": curve, "x": "AAAA", "y": "AAAA" })
    }

    fn with(mut key: Value, name: &str, value: Value) -> Value {
        key[name] = value;
        key
    }

    fn verified(key: Value) -> Vec<TokenAlgorithm> {
        let text = json!({ "keys": [key] }).to_string();
        let set = KeySet::read(text.as_bytes(), &ALL);
        let keys = set.map_or(Vec::new(), |set| set.0);
        ALL.into_iter()
            .filter(|one| keys.iter().any(|key| key.verifies(*one)))
            .collect()
    }

    #[rstest]
    #[case::rsa(rsa(256), &[TokenAlgorithm::RS256])]
    #[case::a_short_rsa_key(rsa(128), &[])]
    #[case::p256(ec("P-256"), &[TokenAlgorithm::ES256])]
    #[case::p384(ec("P-384"), &[TokenAlgorithm::ES384])]
    #[case::p521(ec("P-521"), &[])]
    #[case::ed25519(json!({ "kty": "OKP", "crv": "Ed25519", "x": "AAAA" }), &[TokenAlgorithm::EdDSA])]
    #[case::of_the_newer_name(
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "AAAA", "alg": "Ed25519" }),
        &[TokenAlgorithm::EdDSA]
    )]
    #[case::of_the_older_name(
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "AAAA", "alg": "EdDSA" }),
        &[TokenAlgorithm::EdDSA]
    )]
    #[case::x25519(json!({ "kty": "OKP", "crv": "X25519", "x": "AAAA" }), &[])]
    #[case::a_secret(json!({ "kty": "oct", "k": "A".repeat(43) }), &[TokenAlgorithm::HS256])]
    #[case::a_short_secret(json!({ "kty": "oct", "k": "A".repeat(20) }), &[])]
    #[case::for_encryption(with(rsa(256), "use", json!("enc")), &[])]
    #[case::for_signatures(with(rsa(256), "use", json!("sig")), &[TokenAlgorithm::RS256])]
    #[case::only_signs(with(rsa(256), "key_ops", json!(["sign"])), &[])]
    #[case::for_another_algorithm(with(rsa(256), "alg", json!("PS512")), &[])]
    #[case::bad_chain(with(rsa(256), "x5c", json!(7)), &[TokenAlgorithm::RS256])]
    #[case::unknown_kind(json!({ "kty": "AKP", "alg": "ML-DSA-44" }), &[])]
    #[case::no_key(json!(7), &[])]
    fn a_key_verifies_the_algorithms_of_its_kind(
        #[case] key: Value,
        #[case] expected: &[TokenAlgorithm],
    ) {
        assert_eq!(verified(key), expected);
    }

    #[test]
    fn keys_that_cannot_be_used_spoil_no_others() {
        let text = json!({ "keys": [7, { "kty": "AKP" }, rsa(256)] }).to_string();
        let set = KeySet::read(text.as_bytes(), &ALL).unwrap();
        let ids: Vec<_> = set.keys().iter().map(VerificationKey::id).collect();
        assert_eq!(ids, [Some("r")]);
    }

    #[rstest]
    #[case::not_json("<html>".to_owned(), KeySetError::Malformed)]
    #[case::a_list("[]".to_owned(), KeySetError::Malformed)]
    #[case::one_key(rsa(256).to_string(), KeySetError::Malformed)]
    #[case::nested(format!(r#"{{"keys":{}"#, "[".repeat(100_000)), KeySetError::Malformed)]
    #[case::empty(r#"{"keys":[]}"#.to_owned(), KeySetError::Unusable("RS256, ES256, ES384, EdDSA, HS256".to_owned()))]
    #[case::many(json!({ "keys": vec![0; 101] }).to_string(), KeySetError::TooMany(101))]
    #[case::huge(" ".repeat(LARGEST_KEY_SET + 1), KeySetError::TooLarge)]
    fn what_is_no_set_of_keys_is_told(#[case] text: String, #[case] expected: KeySetError) {
        assert_eq!(KeySet::read(text.as_bytes(), &ALL), Err(expected));
    }

    #[test]
    fn a_shared_secret_is_not_shown() {
        let text = json!({ "keys": [{ "kty": "oct", "kid": "s", "k": "A".repeat(43) }] });
        let set = KeySet::read(text.to_string().as_bytes(), &ALL).unwrap();
        assert_eq!(
            format!("{set:?}"),
            r#"KeySet([VerificationKey { id: Some("s"), .. }])"#
        );
    }
}
