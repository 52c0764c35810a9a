//! Signatures with a key of ours: of tokens (RFC 7515) and of messages (RFC 9421).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Map, Value};
use sha2::{Sha256, Sha384, Sha512};
use thiserror::Error;

use crate::plan::{KeyEncoding, PrivateKey, TokenAlgorithm};

/// Why a key cannot sign.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum SigningError {
    /// It cannot be read.
    #[error("it is no private key in PEM")]
    NoKey,
    /// It is written in another way.
    #[error("it is not written as its encoding says")]
    WrongEncoding,
    /// It is of another kind.
    #[error("it is no key for {0}")]
    WrongKind(TokenAlgorithm),
    /// The cryptography refused.
    #[error("signing failed")]
    Failed,
}

impl KeyEncoding {
    /// The key that a text stands for.
    pub(crate) fn bytes_of(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Text => Some(text.as_bytes().to_vec()),
            Self::Base64 => STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok(),
            Self::Hex => {
                let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
                let (pairs, rest) = text.as_bytes().as_chunks::<2>();
                let pairs = pairs
                    .iter()
                    .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
                rest.is_empty().then(|| pairs.collect()).flatten()
            }
        }
    }
}

impl PrivateKey {
    /// The signature of a message. ECDSA signatures are the two numbers, one after the other.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let secret = || {
            let secret = self.encoding.bytes_of(self.key.expose());
            secret.ok_or(SigningError::WrongEncoding)
        };
        match self.algorithm {
            TokenAlgorithm::HS256 => mac::<Hmac<Sha256>>(&secret()?, message),
            TokenAlgorithm::HS384 => mac::<Hmac<Sha384>>(&secret()?, message),
            TokenAlgorithm::HS512 => mac::<Hmac<Sha512>>(&secret()?, message),
            TokenAlgorithm::RS256 => self.asymmetric(SignatureScheme::RSA_PKCS1_SHA256, message),
            TokenAlgorithm::RS384 => self.asymmetric(SignatureScheme::RSA_PKCS1_SHA384, message),
            TokenAlgorithm::RS512 => self.asymmetric(SignatureScheme::RSA_PKCS1_SHA512, message),
            TokenAlgorithm::PS256 => self.asymmetric(SignatureScheme::RSA_PSS_SHA256, message),
            TokenAlgorithm::PS384 => self.asymmetric(SignatureScheme::RSA_PSS_SHA384, message),
            TokenAlgorithm::PS512 => self.asymmetric(SignatureScheme::RSA_PSS_SHA512, message),
            TokenAlgorithm::EdDSA => self.asymmetric(SignatureScheme::ED25519, message),
            TokenAlgorithm::ES256 => {
                let scheme = SignatureScheme::ECDSA_NISTP256_SHA256;
                two_numbers(&self.asymmetric(scheme, message)?, 32)
            }
            TokenAlgorithm::ES384 => {
                let scheme = SignatureScheme::ECDSA_NISTP384_SHA384;
                two_numbers(&self.asymmetric(scheme, message)?, 48)
            }
        }
    }

    /// A signed token (RFC 7515, section 3.1). `header` lacks the algorithm.
    pub(crate) fn token(
        &self,
        mut header: Map<String, Value>,
        claims: &Map<String, Value>,
    ) -> Result<String, SigningError> {
        header.insert("alg".to_owned(), self.algorithm.to_string().into());
        let part = |part: &Map<String, Value>| {
            let json = Value::Object(part.clone()).to_string();
            URL_SAFE_NO_PAD.encode(json)
        };
        let message = format!("{}.{}", part(&header), part(claims));
        let signature = self.sign(message.as_bytes())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn asymmetric(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let key = PrivateKeyDer::from_pem_slice(self.key.expose().as_bytes());
        let key = any_supported_type(&key.map_err(|_| SigningError::NoKey)?);
        let key = key.map_err(|_| SigningError::NoKey)?;
        let signer = key.choose_scheme(&[scheme]);
        let signer = signer.ok_or(SigningError::WrongKind(self.algorithm))?;
        signer.sign(message).map_err(|_| SigningError::Failed)
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Result<Vec<u8>, SigningError> {
    let mac = <M as KeyInit>::new_from_slice(key).map_err(|_| SigningError::Failed)?;
    Ok(mac.chain_update(message).finalize().into_bytes().to_vec())
}

/// The two numbers of an ECDSA signature in DER (RFC 3279, section 2.2.3), `length` bytes each (RFC 7518,
/// section 3.4).
fn two_numbers(der: &[u8], length: usize) -> Result<Vec<u8>, SigningError> {
    fn number(der: &[u8]) -> Option<(&[u8], &[u8])> {
        let (&[0x02, size], rest) = der.split_first_chunk()? else {
            return None;
        };
        rest.split_at_checked(size.into())
    }
    // Both curves stay below 128 bytes, where a length takes one byte.
    let numbers = der.strip_prefix(&[0x30]).and_then(|der| der.get(1..));
    let read = || {
        let (first, rest) = number(numbers?)?;
        let (second, _) = number(rest)?;
        let mut both = Vec::with_capacity(2 * length);
        for mut number in [first, second] {
            while let [0, rest @ ..] = number {
                number = rest;
            }
            let missing = length.checked_sub(number.len())?;
            both.extend(std::iter::repeat_n(0, missing));
            both.extend_from_slice(number);
        }
        Some(both)
    };
    read().ok_or(SigningError::Failed)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, crypto};
    use rcgen::{
        KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256,
        RsaKeySize,
    };
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::plan::SecretValue;

    fn pair(algorithm: TokenAlgorithm) -> KeyPair {
        match algorithm {
            TokenAlgorithm::ES256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
            TokenAlgorithm::ES384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
            TokenAlgorithm::EdDSA => KeyPair::generate_for(&PKCS_ED25519),
            TokenAlgorithm::RS256
            | TokenAlgorithm::RS384
            | TokenAlgorithm::RS512
            | TokenAlgorithm::PS256
            | TokenAlgorithm::PS384
            | TokenAlgorithm::PS512
            | TokenAlgorithm::HS256
            | TokenAlgorithm::HS384
            | TokenAlgorithm::HS512 => {
                KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
            }
        }
        .unwrap()
    }

    fn key(algorithm: TokenAlgorithm, text: &str) -> PrivateKey {
        PrivateKey {
            key: SecretValue::from(text),
            encoding: KeyEncoding::Text,
            algorithm,
        }
    }

    #[rstest]
    #[case(TokenAlgorithm::RS256, Algorithm::RS256)]
    #[case(TokenAlgorithm::RS384, Algorithm::RS384)]
    #[case(TokenAlgorithm::RS512, Algorithm::RS512)]
    #[case(TokenAlgorithm::PS256, Algorithm::PS256)]
    #[case(TokenAlgorithm::PS384, Algorithm::PS384)]
    #[case(TokenAlgorithm::PS512, Algorithm::PS512)]
    #[case(TokenAlgorithm::ES256, Algorithm::ES256)]
    #[case(TokenAlgorithm::ES384, Algorithm::ES384)]
    #[case(TokenAlgorithm::EdDSA, Algorithm::EdDSA)]
    #[case(TokenAlgorithm::HS256, Algorithm::HS256)]
    #[case(TokenAlgorithm::HS384, Algorithm::HS384)]
    #[case(TokenAlgorithm::HS512, Algorithm::HS512)]
    fn another_implementation_verifies_each_signature(
        #[case] ours: TokenAlgorithm,
        #[case] theirs: Algorithm,
    ) {
        let (key, public) = if ours.is_symmetric() {
            (
                key(ours, "a shared secret"),
                DecodingKey::from_secret(b"a shared secret").unwrap(),
            )
        } else {
            let pair = pair(ours);
            let public = if matches!(ours, TokenAlgorithm::ES256 | TokenAlgorithm::ES384) {
                DecodingKey::from_ec_der(pair.public_key_raw())
            } else if ours == TokenAlgorithm::EdDSA {
                DecodingKey::from_ed_der(pair.public_key_raw())
            } else {
                DecodingKey::from_rsa_der(pair.public_key_raw())
            };
            (key(ours, &pair.serialize_pem()), public)
        };
        // Numbers of a signature are shorter now and then.
        for count in 0..20 {
            let claims = Map::from_iter([("count".to_owned(), json!(count))]);
            let token = key.token(Map::new(), &claims).unwrap();
            let (message, signature) = token.rsplit_once('.').unwrap();
            let is_right = crypto::verify(signature, message.as_bytes(), &public, theirs);
            assert_eq!(is_right, Ok(true), "{token}");
            let (header, _) = message.split_once('.').unwrap();
            let header = URL_SAFE_NO_PAD.decode(header).unwrap();
            assert_eq!(header, format!("{{\"alg\":\"{ours}\"}}").as_bytes());
        }
    }

    #[rstest]
    #[case::text(KeyEncoding::Text, "key", Some(&b"key"[..]))]
    #[case::base64(KeyEncoding::Base64, "a2V5", Some(&b"key"[..]))]
    #[case::padded(KeyEncoding::Base64, "a2V5cw==", Some(&b"keys"[..]))]
    #[case::no_base64(KeyEncoding::Base64, "a key", None)]
    #[case::hex(KeyEncoding::Hex, "6B6579", Some(&b"key"[..]))]
    #[case::half_a_byte(KeyEncoding::Hex, "6b657", None)]
    #[case::no_hex(KeyEncoding::Hex, "key!", None)]
    fn a_key_is_read_as_it_is_written(
        #[case] encoding: KeyEncoding,
        #[case] text: &str,
        #[case] expected: Option<&[u8]>,
    ) {
        assert_eq!(encoding.bytes_of(text).as_deref(), expected);
    }

    #[test]
    fn a_key_of_another_kind_and_none_at_all_are_told_apart() {
        let pem = pair(TokenAlgorithm::ES256).serialize_pem();
        let sign = |algorithm, text: &str| key(algorithm, text).sign(b"").unwrap_err().to_string();
        assert_eq!(sign(TokenAlgorithm::RS256, &pem), "it is no key for RS256");
        assert_eq!(sign(TokenAlgorithm::ES384, &pem), "it is no key for ES384");
        assert_eq!(
            sign(TokenAlgorithm::ES256, "s3cret"),
            "it is no private key in PEM"
        );
    }
}
