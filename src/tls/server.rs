//! TLS as a server speaks it to callers.

use std::sync::Arc;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::plan::{SecretValue, ServerTls};

use super::{CertificateError, certificates, certified_key, end, provider};

/// What is spoken inside TLS, the best first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// TLS 1.2 and 1.3 with this certificate. It resumes no session of another configuration, and takes no
/// early data, which could be replayed.
pub(crate) fn config(tls: &ServerTls) -> Result<Arc<ServerConfig>, CertificateError> {
    let builder = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(CertificateError::Unusable)?;
    let builder = match &tls.client_ca {
        Some(client_ca) => builder.with_client_cert_verifier(client_verifier(client_ca)?),
        None => builder.with_no_client_auth(),
    };
    let pair = certified(&tls.certificate, &tls.key)?;
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(Arc::new(config))
}

/// A certificate with its chain and its key.
pub(crate) fn certified(
    certificate: &SecretValue,
    key: &SecretValue,
) -> Result<Arc<CertifiedKey>, CertificateError> {
    certified_key(certificate.expose().as_bytes(), key)
}

/// Whether the certificate itself has expired: nobody who verifies it can connect.
pub(crate) fn has_expired(tls: &ServerTls, now: Timestamp) -> bool {
    let chain = certificates(tls.certificate.expose().as_bytes());
    chain.is_ok_and(|chain| {
        chain
            .first()
            .is_some_and(|own| super::has_expired(own, now))
    })
}

/// When the first certificate of each file ends, in seconds since 1970.
pub(crate) fn ends(tls: &ServerTls) -> Vec<(&'static str, u64)> {
    let files = [
        ("server", Some(&tls.certificate)),
        ("client_ca", tls.client_ca.as_ref()),
    ];
    let end = |pem: &SecretValue| {
        let all = certificates(pem.expose().as_bytes()).ok()?;
        let ends = all
            .iter()
            .filter_map(|one| Some(end(&X509Certificate::from_der(one).ok()?.1)));
        ends.min()
    };
    let ends = files
        .into_iter()
        .filter_map(|(of, pem)| Some((of, end(pem?)?)));
    ends.map(|(of, end)| (of, u64::try_from(end.as_second()).unwrap_or(0)))
        .collect()
}

/// What vouches for callers that show a certificate. Nobody has to.
pub(crate) fn client_verifier(
    client_ca: &SecretValue,
) -> Result<Arc<dyn ClientCertVerifier>, CertificateError> {
    vouching(certificates(client_ca.expose().as_bytes())?)
}

/// The same of CAs that were read.
pub(crate) fn vouching(
    authorities: impl IntoIterator<Item = CertificateDer<'static>>,
) -> Result<Arc<dyn ClientCertVerifier>, CertificateError> {
    let mut roots = RootCertStore::empty();
    for (index, authority) in authorities.into_iter().enumerate() {
        roots
            .add(authority)
            .map_err(|error| CertificateError::Unreadable(index + 1, error))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider()))
        .allow_unauthenticated()
        .build()
        .map_err(|error| CertificateError::Unusable(rustls::Error::General(error.to_string())))
}
