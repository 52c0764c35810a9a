//! An issuer of tokens, for tests.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

use crate::plan::{ClaimPointer, Jwt, KeySet, KeySource, TokenAlgorithm};

/// What time it is.
pub(crate) const NOW: i64 = 1_800_000_000;

/// The present moment.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// One key of an issuer.
#[derive(Clone)]
pub(crate) struct SigningKey {
    pub(crate) id: &'static str,
    pub(crate) algorithm: Algorithm,
    pub(crate) key: EncodingKey,
    /// The public half, where the crate does not tell it.
    pub(crate) public: Option<String>,
}

/// A key of each kind.
pub(crate) static RSA: LazyLock<SigningKey> = LazyLock::new(|| {
    let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    // The key inside of PKCS #8, which is what the crate reads.
    let key = EncodingKey::from_rsa_der(&pair.serialize_der()[26..]);
    SigningKey {
        id: "rsa",
        algorithm: Algorithm::RS256,
        key,
        public: None,
    }
});

pub(crate) static EC: LazyLock<SigningKey> = LazyLock::new(|| ec("ec"));

/// Another key of the same kind.
pub(crate) static OTHER_EC: LazyLock<SigningKey> = LazyLock::new(|| ec("other"));

pub(crate) static ED: LazyLock<SigningKey> = LazyLock::new(|| {
    let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    SigningKey {
        id: "ed",
        algorithm: Algorithm::EdDSA,
        key: EncodingKey::from_ed_der(&pair.serialize_der()),
        public: Some(encoded(pair.public_key_raw())),
    }
});

pub(crate) static SECRET: LazyLock<SigningKey> = LazyLock::new(|| SigningKey {
    id: "secret",
    algorithm: Algorithm::HS256,
    key: EncodingKey::from_secret(&[7; 32]).unwrap(),
    public: None,
});

fn ec(id: &'static str) -> SigningKey {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    SigningKey {
        id,
        algorithm: Algorithm::ES256,
        key: EncodingKey::from_ec_der(&pair.serialize_der()),
        public: None,
    }
}

impl SigningKey {
    /// The key as its issuer publishes it.
    pub(crate) fn published(&self) -> Value {
        let mut key = if let Some(public) = &self.public {
            json!({ "kty": "OKP", "crv": "Ed25519", "x": public })
        } else {
            let key = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
            serde_json::to_value(key).unwrap()
        };
        key["kid"] = json!(self.id);
        // Many issuers do not say it.
        key.as_object_mut().unwrap().remove("alg");
        key
    }

    /// A token with this head and these claims.
    pub(crate) fn sign(&self, head: &str, claims: &str) -> String {
        let signed = format!("{}.{}", encoded(head), encoded(claims));
        let signature = crypto::sign(signed.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{signed}.{signature}")
    }

    /// A token with these claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.sign(&self.head().to_string(), &claims.to_string())
    }

    /// The head of its tokens.
    pub(crate) fn head(&self) -> Value {
        json!({ "alg": format!("{:?}", self.algorithm), "kid": self.id, "typ": "JWT" })
    }
}

/// A part of a token.
pub(crate) fn encoded(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

/// Claims that are accepted.
pub(crate) fn claims() -> Value {
    json!({
        "iss": "https://id.example.com",
        "aud": ["other", "groupgate"],
        "sub": "anna",
        "iat": NOW,
        "exp": NOW + 300,
        "groups": ["finance"],
    })
}

/// These claims, and one of another value; without it where that is null.
pub(crate) fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    let members = claims.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    claims
}

/// A set of keys as it is published.
pub(crate) fn published(keys: &[&SigningKey]) -> String {
    let keys: Vec<_> = keys.iter().map(|key| key.published()).collect();
    json!({ "keys": keys }).to_string()
}

/// The keys of a set.
pub(crate) fn key_set(keys: &[&SigningKey]) -> KeySet {
    KeySet::read(published(keys).as_bytes(), &algorithms()).unwrap()
}

/// What tokens may be signed with.
pub(crate) fn algorithms() -> Vec<TokenAlgorithm> {
    vec![
        TokenAlgorithm::RS256,
        TokenAlgorithm::PS256,
        TokenAlgorithm::ES256,
        TokenAlgorithm::EdDSA,
        TokenAlgorithm::HS256,
    ]
}

/// Rules by which [`claims`] are accepted.
pub(crate) fn rules(keys: KeySource) -> Jwt {
    Jwt {
        issuer: "https://id.example.com".to_owned(),
        audiences: vec!["groupgate".to_owned()],
        keys,
        algorithms: algorithms(),
        identity: ClaimPointer::subject(),
        leeway: std::time::Duration::from_mins(1),
    }
}

impl SigningKey {
    /// A key that is a shared secret.
    pub(crate) fn of_secret(id: &'static str, secret: &[u8]) -> Self {
        Self {
            id,
            algorithm: Algorithm::HS256,
            key: EncodingKey::from_secret(secret).unwrap(),
            public: None,
        }
    }
}
