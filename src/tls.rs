//! TLS: which CAs we trust, and our own certificates.
//!
//! The system's certificates are read once, and only if an upstream uses HTTPS: if all use plain
//! HTTP or have CAs of their own, a system without certificates suffices. A server must always prove
//! the host name in the URL: nothing here can turn that off.

pub(crate) mod server;

use std::fmt;
use std::sync::{Arc, OnceLock};

use hyper_rustls::ConfigBuilderExt;
use jiff::Timestamp;
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    CertificateError as Fault, ClientConfig, ConfigBuilder, Error, InconsistentKeys, RootCertStore,
    WantsVerifier,
};
use thiserror::Error;
use x509_parser::prelude::X509Certificate;

use crate::plan::{ClientIdentity, PemFile, SecretValue};
use crate::problem::{KeyPath, Problem};

/// The trust of all connections: the system's certificates, read when they are needed.
#[derive(Debug, Default)]
pub struct Tls(OnceLock<Result<ClientConfig, TlsSetupError>>);

/// Why no certificates are available.
#[derive(Debug, Clone, Error)]
#[error("the system's trusted certificates cannot be used")]
pub struct TlsSetupError(#[from] rustls::Error);

/// What is wrong with a certificate file or a key.
#[derive(Debug, Error)]
pub(crate) enum CertificateError {
    #[error("holds no certificate")]
    None,
    #[error(
        "is not complete PEM: certificate {0} is cut off or holds characters that PEM does not allow"
    )]
    Broken(usize),
    #[error("holds a certificate that cannot be read, number {0}: {1}")]
    Unreadable(usize, Error),
    #[error("holds only certificates that have expired")]
    Expired,
    #[error("cannot be used: {0}")]
    Unusable(Error),
    #[error("holds no private key that can be read")]
    NoKey,
    #[error("holds a key that cannot be used ({0}) with the certificate")]
    BadKey(Error),
    #[error("holds a key that does not belong to the certificate")]
    OtherKey,
}

impl CertificateError {
    /// The problem at `at` with certificates that were read from `place`, such as "the file `ca.pem`".
    pub(crate) fn in_file(&self, at: KeyPath, place: &dyn fmt::Display) -> Problem {
        let help = match self {
            Self::Expired => "ask for the CA's new certificate",
            Self::None
            | Self::Broken(_)
            | Self::Unreadable(..)
            | Self::Unusable(_)
            | Self::NoKey
            | Self::BadKey(_)
            | Self::OtherKey => {
                "write certificates in PEM, `-----BEGIN CERTIFICATE-----`; `openssl x509 -inform \
                 der -in FILE` prints that of one which is not"
            }
        };
        Problem::new(at, format!("{place} {self}")).with_help(help)
    }

    /// The problem with a client certificate or its key, which stand in the table at `table`.
    pub(crate) fn in_identity(&self, table: &KeyPath, identity: &ClientIdentity) -> Problem {
        let ClientIdentity { certificate, key } = identity;
        let certificate = (table.join("client_certificate"), certificate as _);
        self.in_pair(certificate, (table.join("client_key"), key))
    }

    /// The problem with a certificate or its key: where each is named, and where it was read.
    pub(crate) fn in_pair(
        &self,
        (at_certificate, certificate): (KeyPath, &dyn fmt::Display),
        (at_key, key): (KeyPath, &dyn fmt::Display),
    ) -> Problem {
        match self {
            Self::NoKey => Problem::new(at_key, format!("{key} {self}")).with_help(
                "write a key in PEM, `-----BEGIN PRIVATE KEY-----`; `openssl pkey` takes the \
                 encryption off one that has some",
            ),
            Self::BadKey(_) | Self::OtherKey => {
                Problem::new(at_key, format!("{key} {self} in {certificate}")).with_help(
                    "the two are made together: the certificate names the public half of its key",
                )
            }
            Self::None
            | Self::Broken(_)
            | Self::Unreadable(..)
            | Self::Unusable(_)
            | Self::Expired => self.in_file(at_certificate, certificate),
        }
    }
}

impl Tls {
    /// The configuration of connections. Copies share their sessions.
    pub fn config(&self) -> Result<ClientConfig, TlsSetupError> {
        self.0.get_or_init(system_trust).clone()
    }

    /// A system without certificates.
    #[cfg(test)]
    pub(crate) fn unavailable() -> Self {
        let reason = rustls::Error::General("no certificates were found".to_owned());
        Self(OnceLock::from(Err(TlsSetupError(reason))))
    }
}

fn system_trust() -> Result<ClientConfig, TlsSetupError> {
    let config = builder()?.try_with_platform_verifier()?;
    Ok(config.with_no_client_auth())
}

/// TLS that trusts no server, where none is spoken.
pub(crate) fn trust_nobody() -> Result<ClientConfig, TlsSetupError> {
    let builder = builder()?.with_root_certificates(RootCertStore::empty());
    Ok(builder.with_no_client_auth())
}

/// TLS that trusts only the CAs in a PEM file.
pub(crate) fn trust_only(pem: &[u8], now: Timestamp) -> Result<ClientConfig, CertificateError> {
    let mut roots = RootCertStore::empty();
    let mut expired = RootCertStore::empty();
    for (index, certificate) in certificates(pem)?.into_iter().enumerate() {
        // The dates of roots are not checked when a server's certificate is verified.
        let store = if has_expired(&certificate, now) {
            &mut expired
        } else {
            &mut roots
        };
        store
            .add(certificate)
            .map_err(|error| CertificateError::Unreadable(index + 1, error))?;
    }
    if roots.is_empty() {
        return Err(CertificateError::Expired);
    }
    let builder = builder().map_err(CertificateError::Unusable)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// What is wrong with a file of CAs at any time; whether they have expired is not asked.
pub(crate) fn check_trust(file: &PemFile) -> Result<(), CertificateError> {
    trust_only(&file.pem, Timestamp::UNIX_EPOCH).map(drop)
}

/// A certificate with its chain and its key.
pub(crate) fn identity(identity: &ClientIdentity) -> Result<Arc<CertifiedKey>, CertificateError> {
    certified_key(&identity.certificate.pem, &identity.key)
}

fn certified_key(pem: &[u8], key: &SecretValue) -> Result<Arc<CertifiedKey>, CertificateError> {
    let chain = certificates(pem)?;
    let key = key.expose().as_bytes();
    // The reason is left out: it may quote the file.
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| CertificateError::NoKey)?;
    let identity = CertifiedKey::from_der(chain, key, &provider());
    let identity = identity.map_err(|error| {
        if error == Error::InconsistentKeys(InconsistentKeys::KeyMismatch) {
            CertificateError::OtherKey
        } else if matches!(error, Error::InvalidCertificate(_)) {
            CertificateError::Unreadable(1, error)
        } else {
            CertificateError::BadKey(error)
        }
    })?;
    Ok(Arc::new(identity))
}

/// The same TLS, with a client certificate for servers that ask for one. It shares no sessions: a
/// resumed one might be another client's.
pub(crate) fn with_client_certificate(
    mut tls: ClientConfig,
    identity: Arc<CertifiedKey>,
) -> ClientConfig {
    tls.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(identity));
    tls.resumption = Resumption::default();
    tls
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Error> {
    ClientConfig::builder_with_provider(Arc::new(provider())).with_safe_default_protocol_versions()
}

fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let mut certificates = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let number = certificates.len() + 1;
        certificates.push(certificate.map_err(|_| CertificateError::Broken(number))?);
    }
    if certificates.is_empty() {
        return Err(CertificateError::None);
    }
    Ok(certificates)
}

/// Whether a certificate has expired. Nothing else is checked: the dates are verified first.
fn has_expired(certificate: &CertificateDer<'_>, now: Timestamp) -> bool {
    let Ok(parsed) = ParsedCertificate::try_from(certificate) else {
        return false;
    };
    let since_epoch = now.as_duration().unsigned_abs();
    let result = verify_server_cert_signed_by_trust_anchor(
        &parsed,
        &RootCertStore::empty(),
        &[],
        UnixTime::since_unix_epoch(since_epoch),
        provider().signature_verification_algorithms.all,
    );
    matches!(
        result,
        Err(Error::InvalidCertificate(
            Fault::Expired | Fault::ExpiredContext { .. }
        ))
    )
}

/// When a certificate ends. That of one without an end is the last second of the year 9999 (RFC 5280, section 4.1.2.5),
/// which is later than any timestamp.
pub(crate) fn end(certificate: &X509Certificate<'_>) -> Timestamp {
    let seconds = certificate.validity().not_after.timestamp();
    let bounds = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    Timestamp::from_second(seconds.clamp(bounds.0, bounds.1)).unwrap_or(Timestamp::MAX)
}
