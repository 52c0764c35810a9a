//! The certificate that a client has shown.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// A certificate that a client has shown and has the key of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCertificate {
    /// The certificate.
    pub der: CertificateDer<'static>,
    /// What was shown with it, up to one of the authorities.
    pub intermediates: Vec<CertificateDer<'static>>,
    /// What vouched for it when its connection began.
    pub authorities: ClientAuthorities,
}

/// Which CAs vouch for certificates of clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAuthorities(Arc<[CertificateDer<'static>]>);

impl ClientAuthorities {
    /// Those in a file of certificates, however they are ordered there. What is no certificate is none.
    pub fn in_pem(pem: &str) -> Self {
        let certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
        let mut certificates: Vec<_> = certificates.filter_map(Result::ok).collect();
        certificates.sort_unstable_by(|one, other| one.as_ref().cmp(other.as_ref()));
        certificates.dedup();
        Self(certificates.into())
    }

    /// Their certificates.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_the_same_in_any_order_and_with_any_comment() {
        let pem = || rcgen::generate_simple_self_signed([]).unwrap().cert.pem();
        let [one, other] = [pem(), pem()];
        let both = ClientAuthorities::in_pem(&format!("{one}{other}"));
        let again = ClientAuthorities::in_pem(&format!("# of 2026\n{other}{one}\n{other}"));
        assert_eq!(both, again);
        assert_eq!(both.certificates().len(), 2);
        assert_ne!(both, ClientAuthorities::in_pem(&one));
    }
}
