//! Signatures over a text of the upstream's choice, in a header of its own shape.
//!
//! Vendors vary in what they sign and how they write it down, so all of it is the adapter's: the
//! text, the hash function, the encoding, the date and the header.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::digest::InvalidLength;
use hmac::{KeyInit, Mac};
use http::Request;
use http::header::HeaderValue;
use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use super::signing_text::SigningValues;
use super::{AuthError, host};
use crate::hex::hex;
use crate::plan::auth::sensitive;
use crate::plan::{DateHeader, Encoding, Hash, Hmac};
use crate::upstream::extensions::SignedText;

impl Hmac {
    pub(super) fn sign(
        &self,
        request: &mut Request<Bytes>,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        let date = match &self.date {
            Some(date) => date.write(request, now)?,
            None => String::new(),
        };
        let (value, signed) = self.header_value(request, &date)?;
        request.headers_mut().insert(&self.header_name, value);
        request.extensions_mut().insert(signed);
        Ok(())
    }

    /// The value of the header that carries the signature, and what was signed.
    fn header_value(
        &self,
        request: &Request<Bytes>,
        date: &str,
    ) -> Result<(HeaderValue, SignedText), AuthError> {
        let unsigned = SigningValues {
            method: request.method().as_str(),
            path: request.uri().path(),
            query: request.uri().query().unwrap_or_default(),
            date,
            body_hash: &self.encode(&digest(self.hash, request.body())),
            host: &host(request)?,
            key_id: self.key_id.expose(),
            signature: "",
        };
        let string_to_sign = self.string_to_sign.render(&unsigned);
        let signature = mac(
            self.hash,
            self.key.expose().as_bytes(),
            string_to_sign.as_bytes(),
        )
        .map_err(|error| AuthError::Signer(error.to_string()))?;
        let value = self.header.render(&SigningValues {
            signature: &self.encode(&signature),
            ..unsigned
        });
        let value = sensitive(value).map_err(|_| AuthError::Header(self.header_name.clone()))?;
        Ok((value, SignedText(string_to_sign)))
    }

    fn encode(&self, bytes: &[u8]) -> String {
        match self.encoding {
            Encoding::Hex => hex(bytes),
            Encoding::Base64 => STANDARD.encode(bytes),
        }
    }
}

impl DateHeader {
    /// Puts the date into its header, and returns it as it stands there.
    fn write(&self, request: &mut Request<Bytes>, now: Timestamp) -> Result<String, AuthError> {
        let text = strtime::format(&self.format, &now.to_zoned(TimeZone::UTC))
            .map_err(|error| AuthError::Date(error.to_string()))?;
        let value =
            HeaderValue::try_from(&text).map_err(|_| AuthError::Header(self.header.clone()))?;
        request.headers_mut().insert(&self.header, value);
        Ok(text)
    }
}

/// The HMAC of a text (RFC 2104). A key of any length is allowed, though the type does not say so.
fn mac(hash: Hash, key: &[u8], text: &[u8]) -> Result<Vec<u8>, InvalidLength> {
    fn of<M: Mac + KeyInit>(key: &[u8], text: &[u8]) -> Result<Vec<u8>, InvalidLength> {
        let mac = <M as KeyInit>::new_from_slice(key)?;
        Ok(mac.chain_update(text).finalize().into_bytes().to_vec())
    }

    match hash {
        Hash::Sha1 => of::<hmac::Hmac<Sha1>>(key, text),
        Hash::Sha256 => of::<hmac::Hmac<Sha256>>(key, text),
        Hash::Sha512 => of::<hmac::Hmac<Sha512>>(key, text),
    }
}

fn digest(hash: Hash, body: &[u8]) -> Vec<u8> {
    match hash {
        Hash::Sha1 => Sha1::digest(body).to_vec(),
        Hash::Sha256 => Sha256::digest(body).to_vec(),
        Hash::Sha512 => Sha512::digest(body).to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::plan::Auth;
    use crate::upstream::auth::tests::{get, resolve, signed};

    /// RFC 4231, sections 4.2 to 4.8 (without 4.6, which is truncated); RFC 2202, section 3 for
    /// SHA-1.
    #[rstest]
    #[case::case_1(&[0x0b; 20], b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
        "b617318655057264e28bc0b6fb378c8ef146be00")]
    #[case::case_2(
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
    )]
    #[case::case_3(&[0xaa; 20], &[0xdd; 50],
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb",
        "125d7342b9ac11cd91a39af48aa17b4f63f175d3")]
    #[case::case_6(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
        "")]
    #[case::case_7(&[0xaa; 131], b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58",
        "")]
    fn the_published_test_vectors_hold(
        #[case] key: &[u8],
        #[case] text: &[u8],
        #[case] sha256: &str,
        #[case] sha512: &str,
        #[case] sha1: &str,
    ) {
        let sign = |hash| hex(&mac(hash, key, text).unwrap());
        assert_eq!(sign(Hash::Sha256), sha256);
        assert_eq!(sign(Hash::Sha512), sha512);
        if !sha1.is_empty() {
            assert_eq!(sign(Hash::Sha1), sha1);
        }
    }

    fn hmac(rest: &str) -> Auth {
        resolve(&format!(
            "type = 'hmac'\nkey_id = {{ env = 'KEY' }}\nsecret = {{ env = 'SECRET' }}\n{rest}"
        ))
        .unwrap()
    }

    #[test]
    fn the_signature_covers_what_the_template_names() {
        let auth = hmac(
            r#"string_to_sign = "{method}\n{path}\n{query}\n{date}\n{host}\n{body_hash}"
               header = "EXAMPLE Credential:{key_id}, Signature={signature}"
               date = { header = "x-example-date", format = "%Y%m%dT%H%M%SZ" }"#,
        );
        let request = signed(&auth, get("https://example.com:8443/a%20b?q=%2B&p"));
        assert_eq!(request.headers()["x-example-date"], "20150830T123600Z");
        // As Python's hmac says of the six lines.
        assert_eq!(
            request.headers()["authorization"].to_str().unwrap(),
            "EXAMPLE Credential:AKIDEXAMPLE, Signature=\
             0234c128426893bb99a4331b13a0c513a6ad86a3be9716cdb80c283956f3482a"
        );
    }

    #[test]
    fn header_hash_encoding_and_date_are_the_adapters() {
        let auth = hmac(
            r#"string_to_sign = "{body_hash}"
               header = "{body_hash}:{signature}:{date}"
               header_name = "X-Signature"
               hash = "sha1"
               encoding = "base64"
               date = { header = "date", format = "%a, %d %b %Y %H:%M:%S GMT" }"#,
        );
        let request = signed(&auth, get("https://example.com/"));
        assert_eq!(request.headers()["date"], "Sun, 30 Aug 2015 12:36:00 GMT");
        assert_eq!(
            request.headers()["x-signature"].to_str().unwrap(),
            "2jmj7l5rSw0yVb/vlWAYkK/YBwk=:zI9duFLVLLZJtJIdQhP14BA/L5Y=:Sun, 30 Aug 2015 12:36:00 GMT"
        );
    }
}
