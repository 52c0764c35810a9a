//! The certificate that a client has shown.

use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};

/// A certificate that a client has shown and has the key of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCertificate {
    /// The certificate.
    pub der: CertificateDer<'static>,
    /// What vouched for it when its connection began.
    pub authorities: ClientAuthorities,
}

/// Which CAs vouch for certificates of clients: a digest of their PEM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAuthorities([u8; 32]);

impl ClientAuthorities {
    /// Those in a file of certificates.
    pub fn in_pem(pem: &str) -> Self {
        Self(Sha256::digest(pem).into())
    }
}
