//! Who asks, and with which values, encoded without a secret in it.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256, Sha512};
use x509_parser::oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::encoding::{CanonicalTable, CanonicalValue};
use super::request;
use crate::config::secret::SecretError;
use crate::config::upstream::{Auth, ClientKeys, Connection, Request, SignedAssertion, Text};
use crate::config::{Secret, SecretReader, Upstream};
use crate::hex::hex;
use crate::plan::LoginLocation;

/// The key of all hashes here. Its number is the encoding's version.
const KEY: &[u8] = b"groupgate account 1";

/// Encodes the account of an upstream, of its secrets what these make of them.
pub(super) fn of(
    upstream: &Upstream,
    secrets: &Secrets<'_>,
) -> Result<CanonicalValue, SecretError> {
    let request = |request: &Request| secrets.request(request);
    let total = upstream.pagination.total_call();
    let continuation = upstream.continuation.as_ref();
    // A tenant may be named anywhere in a request, so all of it counts.
    let account = CanonicalTable::default()
        .put("base_url", &upstream.base_url)
        .put("request", &request(&upstream.request)?)
        .put("continuation", &continuation.map(request).transpose()?)
        .put("headers", &secrets.headers(&upstream.headers)?)
        .put(
            "total",
            &total.map(|call| request(&call.request)).transpose()?,
        )
        .put(
            "lookup",
            &upstream.pushdown.lookup().map(request).transpose()?,
        );
    let related: BTreeMap<_, _> = (upstream.related_requests().into_iter())
        .map(|(keys, related)| Ok((keys.join("."), request(related)?)))
        .collect::<Result<_, SecretError>>()?;
    let account = (account.put("related", &related)).put("values", &login_values(&upstream.auth));
    let account = match &upstream.account {
        Some(name) => account.put("named", name),
        None => account
            .put("auth", &secrets.auth(&upstream.auth)?)
            .put("certificate", &secrets.certificate(&upstream.connection)?),
    };
    Ok(CanonicalValue::Table(account))
}

/// Where the values stand that a login and those before it return: one of them may name the tenant that is asked
/// for, also where the account has a name.
fn login_values(auth: &Auth) -> BTreeMap<String, LoginLocation> {
    let Auth::TokenExchange(auth) = auth else {
        return BTreeMap::new();
    };
    let earlier = auth.chain.iter().flat_map(|(name, step)| {
        let values = login_values(step).into_iter();
        values.map(move |(value, location)| (format!("{name}.{value}"), location))
    });
    earlier.chain(auth.values.clone()).collect()
}

/// The hash that takes the place of a secret, and that an account is.
pub(super) fn keyed_hash(bytes: &[u8]) -> [u8; 32] {
    // SHA-512 brings the key to the block of HMAC-SHA256.
    let mut hmac = Hmac::<Sha256>::new(&Sha512::digest(KEY));
    hmac.update(bytes);
    hmac.finalize().into_bytes().into()
}

/// What stands for a secret.
pub(super) enum Secrets<'a> {
    /// The hash of what it is.
    Hashed(&'a SecretReader<'a>),
    /// Where it is.
    Named,
}

impl Secrets<'_> {
    fn secret(&self, secret: &Secret) -> Result<CanonicalValue, SecretError> {
        Ok(match self {
            Self::Hashed(reader) => hashed(reader.read(secret)?.expose_secret().as_bytes()),
            Self::Named => CanonicalValue::Text(secret.to_string()),
        })
    }

    fn text(&self, text: &Text) -> Result<CanonicalValue, SecretError> {
        request::text(text, &|secret| self.secret(secret))
    }

    fn request(&self, request: &Request) -> Result<CanonicalTable, SecretError> {
        request::encode(request, &|secret| self.secret(secret))
    }

    fn headers(
        &self,
        headers: &BTreeMap<String, Text>,
    ) -> Result<BTreeMap<String, CanonicalValue>, SecretError> {
        request::texts(headers, &|secret| self.secret(secret))
    }

    /// Who the scheme says that we are.
    fn auth(&self, auth: &Auth) -> Result<Option<CanonicalTable>, SecretError> {
        let scheme = |name: &str| CanonicalTable::default().put("type", name);
        Ok(Some(match auth {
            Auth::None => return Ok(None),
            Auth::Bearer(auth) => scheme("bearer").put("token", &self.secret(&auth.token)?),
            Auth::Basic(auth) => scheme("basic").put("username", &self.text(&auth.username)?),
            Auth::ApiKey(auth) => scheme("api_key").put("key", &self.secret(&auth.key)?),
            // Which of a login's secrets is a name and which a password, nothing says.
            Auth::TokenExchange(auth) => {
                let table = scheme("token_exchange").put("request", &self.request(&auth.request)?);
                let chain = auth.chain.iter();
                let chain = chain.map(|(name, step)| Ok((name.clone(), self.auth(step)?)));
                let chain: BTreeMap<_, _> = chain.collect::<Result<_, SecretError>>()?;
                table
                    .put("base_url", &auth.base_url)
                    .put("chain", &chain)
                    .put("token", &auth.token)
                    .put("cookies", &auth.cookies)
            }
            Auth::Oauth2ClientCredentials(auth) => {
                self.client(scheme("oauth2_client_credentials"), &auth.client())?
            }
            Auth::Oauth2Password(auth) => self
                .client(scheme("oauth2_password"), &auth.client())?
                .put("username", &self.text(&auth.username)?),
            // It may be another one after a rotation, but nothing else says who we are.
            Auth::Oauth2RefreshToken(auth) => self
                .client(scheme("oauth2_refresh_token"), &auth.client())?
                .put("refresh_token", &self.secret(&auth.refresh_token)?),
            Auth::Oauth2JwtBearer(auth) => self
                .client(scheme("oauth2_jwt_bearer"), &auth.client())?
                .put("assertion", &self.assertion(&auth.assertion)?),
            Auth::Forward(auth) => {
                let table = scheme("forward").put("headers", &auth.headers);
                if auth.optional_headers.is_empty() {
                    table
                } else {
                    table.put("optional_headers", &auth.optional_headers)
                }
            }
            Auth::TokenExchangeCaller(auth) => self
                .client(scheme("token_exchange_caller"), &auth.client())?
                .put("subject_token_type", &auth.subject_token_type),
            Auth::AwsSigv4(auth) => scheme("aws_sigv4")
                .put("region", &auth.region)
                .put("service", &auth.service)
                .put("access_key", &self.secret(&auth.access_key)?),
            Auth::Hmac(auth) => scheme("hmac").put("key_id", &self.secret(&auth.key_id)?),
            Auth::HttpMessageSignatures(auth) => {
                scheme("http_message_signatures").put("key_id", &self.text(&auth.key_id)?)
            }
            Auth::Digest(auth) => scheme("digest").put("username", &self.text(&auth.username)?),
        }))
    }

    /// Who the client of a token endpoint is, and what it asks for.
    fn client(
        &self,
        table: CanonicalTable,
        keys: &ClientKeys<'_>,
    ) -> Result<CanonicalTable, SecretError> {
        let id = keys.client_id.map(|id| self.text(id)).transpose()?;
        let parameters = keys.parameters.iter();
        let parameters = parameters.map(|(name, text)| Ok((name.clone(), self.text(text)?)));
        let parameters: BTreeMap<_, _> = parameters.collect::<Result<_, SecretError>>()?;
        Ok(table
            .put("token_url", keys.token_url)
            .put("client_id", &id)
            .put("audience", &keys.audience.map(str::to_owned))
            .put("resource", &keys.resource.map(str::to_owned))
            .put("scope", &keys.scope.map(str::to_owned))
            .put("parameters", &parameters))
    }

    /// Whom a signed token is about. Its key may be rotated, unless only its file says who signs.
    fn assertion(&self, assertion: &SignedAssertion) -> Result<CanonicalTable, SecretError> {
        let text = |text: &Option<Text>| text.as_ref().map(|text| self.text(text)).transpose();
        let claims = request::claims(&assertion.claims, &|secret| self.secret(secret))?;
        let table = CanonicalTable::default()
            .put("issuer", &text(&assertion.issuer)?)
            .put("subject", &text(&assertion.subject)?)
            .put("claims", &claims);
        Ok(match assertion.issuer {
            Some(_) => table,
            None => table.put("key", &self.secret(&assertion.private_key)?),
        })
    }

    /// The certificate that we show.
    fn certificate(&self, connection: &Connection) -> Result<Option<CanonicalValue>, SecretError> {
        let Some(path) = connection.client_certificate.as_deref() else {
            return Ok(None);
        };
        Ok(Some(match self {
            Self::Hashed(reader) => {
                let pem = reader.file(path)?;
                named_by(&pem).unwrap_or_else(|| hashed(&pem))
            }
            Self::Named => CanonicalValue::Text(path.display().to_string()),
        }))
    }
}

/// Who a certificate says that we are. One that is renewed says the same, with another key, number and time.
/// `None` where it names nobody, or cannot be read.
fn named_by(pem: &[u8]) -> Option<CanonicalValue> {
    let der = CertificateDer::from_pem_slice(pem).ok()?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    let mut extensions = certificate.extensions().iter();
    let names = extensions.find(|extension| extension.oid == OID_X509_EXT_SUBJECT_ALT_NAME);
    if certificate.subject().iter_rdn().next().is_none() && names.is_none() {
        return None;
    }
    let table = CanonicalTable::default()
        .put("issuer", &hashed(certificate.issuer().as_raw()))
        .put("subject", &hashed(certificate.subject().as_raw()))
        .put("names", &names.map(|names| hashed(names.value)));
    Some(CanonicalValue::Table(table))
}

fn hashed(bytes: &[u8]) -> CanonicalValue {
    CanonicalValue::Table(CanonicalTable::default().put("hash", &hex(&keyed_hash(bytes))))
}
