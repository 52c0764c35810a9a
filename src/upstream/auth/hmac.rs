//! Signatures over a text of the upstream's choice, in a header or query of its own shape.
//!
//! Vendors vary in what they sign and how they write it down, so all of it is the adapter's: the
//! text, the canonical request that it names by its hash, the keys that are derived, the hash function, the
//! encoding, the date and the place. AWS Signature Version 4 is one of the things that it can say.

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
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use super::signing_text::SigningValues;
use super::{AuthError, canonical, host, query};
use crate::hex::hex;
use crate::plan::auth::sensitive;
use crate::plan::{DatePlace, Encoding, Hash, Hmac, SignaturePlace};
use crate::upstream::extensions::SignedText;

impl Hmac {
    pub(super) fn sign(
        &self,
        request: &mut Request<Bytes>,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        self.sign_with(request, now, &hex(&rand::random::<[u8; 16]>()))
    }

    fn sign_with(
        &self,
        request: &mut Request<Bytes>,
        now: Timestamp,
        nonce: &str,
    ) -> Result<(), AuthError> {
        if self.has_strict_query {
            *request.uri_mut() = query::strict(request.uri())?;
        }
        if let SignaturePlace::Query(parameters) = &self.place {
            let names = parameters.iter().map(|(name, _)| name.as_str());
            *request.uri_mut() = query::without(request.uri(), &names.collect::<Vec<_>>())?;
        }
        let moment = SigningTime::of(self, now)?;
        if let Some(date) = &self.date {
            match &date.place {
                DatePlace::Header(name) => {
                    let value = HeaderValue::try_from(&moment.date);
                    let value = value.map_err(|_| AuthError::Header(name.clone()))?;
                    request.headers_mut().insert(name, value);
                }
                DatePlace::Query(name) => {
                    *request.uri_mut() = query::with_parameter(request.uri(), name, &moment.date)?;
                }
            }
        }
        let mut values = SigningValues {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            date: moment.date,
            short_date: moment.short_date,
            body_hash: self.encode(&digest(self.hash, request.body())),
            host: host(request)?,
            key_id: self.key_id.expose().to_owned(),
            signed_headers: canonical::names(&self.signed_headers),
            nonce: nonce.to_owned(),
            ..SigningValues::default()
        };
        values.query = request.uri().query().unwrap_or_default().to_owned();
        for (name, text) in &self.headers {
            let value = sensitive(text.render(&values));
            let value = value.map_err(|_| AuthError::Header(name.clone()))?;
            request.headers_mut().insert(name, value);
        }
        if let SignaturePlace::Query(parameters) = &self.place {
            for (name, text) in parameters.iter().filter(|(_, text)| !text.has_signature()) {
                let value = text.render(&values);
                *request.uri_mut() = query::with_parameter(request.uri(), name, &value)?;
            }
        }
        self.complete(request, &mut values)?;
        self.put(request, &values)
    }

    /// Adds what is canonical of a request that lacks only the signature, and the signature.
    fn complete(
        &self,
        request: &mut Request<Bytes>,
        values: &mut SigningValues,
    ) -> Result<(), AuthError> {
        request
            .uri()
            .query()
            .unwrap_or_default()
            .clone_into(&mut values.query);
        values.canonical_path = canonical::path(request.uri().path());
        values.canonical_query = canonical::query(&values.query);
        values.canonical_headers = canonical::headers(request, &self.signed_headers)?;
        let mut signed = String::new();
        if let Some(canonical_request) = &self.canonical_request {
            let text = canonical_request.render(values);
            values.canonical_hash = self.encode(&digest(self.hash, text.as_bytes()));
            signed.push_str(&text);
            signed.push_str("\n\n");
        }
        let string_to_sign = self.string_to_sign.render(values);
        let signature = self
            .key(values)
            .and_then(|key| mac(self.hash, &key, string_to_sign.as_bytes()));
        let signature = signature.map_err(|error| AuthError::Signer(error.to_string()))?;
        values.signature = self.encode(&signature);
        signed.push_str(&string_to_sign);
        request.extensions_mut().insert(SignedText(signed));
        Ok(())
    }

    /// The key that signs: the secret, or the last of a chain of keys, each of which signs a text for the next.
    fn key(&self, values: &SigningValues) -> Result<Vec<u8>, InvalidLength> {
        // That it can be read was checked when the plan was made.
        let secret = self
            .key_encoding
            .bytes_of(self.key.expose())
            .unwrap_or_default();
        let secret = [self.key_prefix.as_bytes(), &secret].concat();
        self.derived_key.iter().try_fold(secret, |key, text| {
            mac(self.hash, &key, text.render(values).as_bytes())
        })
    }

    fn put(&self, request: &mut Request<Bytes>, values: &SigningValues) -> Result<(), AuthError> {
        match &self.place {
            SignaturePlace::Header { name, value } => {
                let value = sensitive(value.render(values));
                let value = value.map_err(|_| AuthError::Header(name.clone()))?;
                request.headers_mut().insert(name, value);
            }
            SignaturePlace::Query(parameters) => {
                for (name, text) in parameters.iter().filter(|(_, text)| text.has_signature()) {
                    let value = text.render(values);
                    *request.uri_mut() = query::with_parameter(request.uri(), name, &value)?;
                }
            }
        }
        Ok(())
    }

    fn encode(&self, bytes: &[u8]) -> String {
        match self.encoding {
            Encoding::Hex => hex(bytes),
            Encoding::Base64 => STANDARD.encode(bytes),
        }
    }
}

/// The time of signing, as it is written.
#[derive(Default)]
struct SigningTime {
    date: String,
    short_date: String,
}

impl SigningTime {
    fn of(hmac: &Hmac, now: Timestamp) -> Result<Self, AuthError> {
        let Some(date) = &hmac.date else {
            return Ok(Self::default());
        };
        let now = now.to_zoned(TimeZone::UTC);
        let write = |format: &str| {
            strtime::format(format, &now).map_err(|error| AuthError::Date(error.to_string()))
        };
        Ok(Self {
            date: write(&date.format)?,
            short_date: date
                .short_format
                .as_deref()
                .map_or(Ok(String::new()), write)?,
        })
    }
}

/// The HMAC of a text (RFC 2104). A key of any length is allowed, though the type does not say so.
fn mac(hash: Hash, key: &[u8], text: &[u8]) -> Result<Vec<u8>, InvalidLength> {
    fn of<M: Mac + KeyInit>(key: &[u8], text: &[u8]) -> Result<Vec<u8>, InvalidLength> {
        let mac = <M as KeyInit>::new_from_slice(key)?;
        Ok(mac.chain_update(text).finalize().into_bytes().to_vec())
    }

    match hash {
        Hash::Md5 => of::<hmac::Hmac<Md5>>(key, text),
        Hash::Sha1 => of::<hmac::Hmac<Sha1>>(key, text),
        Hash::Sha256 => of::<hmac::Hmac<Sha256>>(key, text),
        Hash::Sha512 => of::<hmac::Hmac<Sha512>>(key, text),
    }
}

fn digest(hash: Hash, body: &[u8]) -> Vec<u8> {
    match hash {
        Hash::Md5 => Md5::digest(body).to_vec(),
        Hash::Sha1 => Sha1::digest(body).to_vec(),
        Hash::Sha256 => Sha256::digest(body).to_vec(),
        Hash::Sha512 => Sha512::digest(body).to_vec(),
    }
}

#[cfg(test)]
mod tests;
