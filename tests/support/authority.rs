//! A certificate authority of a test's own, and what it signs, as files.

use std::path::Path;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;

/// A certificate authority, and a folder for its files.
pub(crate) struct Authority {
    folder: TempDir,
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate that an authority signed, and its key.
pub(crate) struct Signed {
    pub(crate) certificate: Certificate,
    pub(crate) key: KeyPair,
}

/// When what an authority signs is good.
#[derive(Clone, Copy)]
pub(crate) enum Time {
    Now,
    Past,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::of(Time::Now)
    }

    pub(crate) fn of(time: Time) -> Self {
        let mut params = params(&[], time);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "a company's own");
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            folder: TempDir::new().unwrap(),
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    /// The certificate of a server with these names or addresses.
    pub(crate) fn server(&self, names: &[&str]) -> Signed {
        self.server_of(names, Time::Now)
    }

    pub(crate) fn server_of(&self, names: &[&str], time: Time) -> Signed {
        let mut params = params(names, time);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    /// The certificate of a client.
    pub(crate) fn client(&self) -> Signed {
        self.client_of(&["groupgate"], Time::Now)
    }

    /// The certificate of a client with these names.
    pub(crate) fn client_of(&self, names: &[&str], time: Time) -> Signed {
        let mut params = params(names, time);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Signed {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Signed { certificate, key }
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    /// The folder of its files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file that holds its own certificate, made when it is asked for.
    pub(crate) fn file(&self) -> String {
        self.write("ca.pem", &self.pem())
    }

    /// A file beside it.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// The settings under which it is trusted.
    pub(crate) fn trusted(&self) -> String {
        format!("ca = {:?}\n", self.file())
    }

    /// The settings under which a client shows what it signed.
    pub(crate) fn shown(&self, client: &Signed) -> String {
        let certificate = self.write("client.pem", &client.certificate.pem());
        let key = self.write("client.key", &client.key.serialize_pem());
        shown(&certificate, &key)
    }
}

/// The settings under which a client shows the certificate in one file with the key in another.
pub(crate) fn shown(certificate: &str, key: &str) -> String {
    format!("client_certificate = {certificate:?}\nclient_key = {{ file = {key:?} }}\n")
}

impl Signed {
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.der().clone()]
    }

    pub(crate) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

/// A server's certificate that it signed itself, marked as a CA's or not.
pub(crate) fn self_signed(names: &[&str], is_ca: IsCa) -> Signed {
    let mut params = params(names, Time::Now);
    params.is_ca = is_ca;
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Signed { certificate, key }
}

fn params(names: &[&str], time: Time) -> CertificateParams {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    let (from, to) = match time {
        Time::Now => (2020, 2120),
        Time::Past => (2020, 2021),
    };
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    params
}
