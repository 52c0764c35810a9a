//! Whom a client certificate names, once TLS has verified it.

use jiff::Timestamp;
use thiserror::Error;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::caller::is_name;
use crate::plan::CertificateName;
use crate::tls::end;

/// Why a certificate that TLS has verified names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum CertificateRefusal {
    /// It cannot be read.
    #[error("the certificate cannot be read")]
    Malformed,
    /// It has none of the names that count.
    #[error("the certificate has no such name")]
    Nameless,
    /// It has several, and nobody says which one counts.
    #[error("the certificate has several such names")]
    Ambiguous,
}

/// The one name of this kind that a certificate has, and when it ends.
pub(crate) fn identity(
    certificate: &[u8],
    kind: CertificateName,
) -> Result<(String, Timestamp), CertificateRefusal> {
    let (rest, certificate) =
        X509Certificate::from_der(certificate).map_err(|_| CertificateRefusal::Malformed)?;
    if !rest.is_empty() {
        return Err(CertificateRefusal::Malformed);
    }
    let names = match kind {
        CertificateName::SubjectCn => common_names(&certificate)?,
        CertificateName::SanUri | CertificateName::SanDns => alternative_names(&certificate, kind)?,
    };
    let ends = end(&certificate);
    match names.as_slice() {
        [] => Err(CertificateRefusal::Nameless),
        [name] if is_name(name) => Ok((kind.canonical(name), ends)),
        [_] => Err(CertificateRefusal::Malformed),
        _ => Err(CertificateRefusal::Ambiguous),
    }
}

fn common_names<'a>(
    certificate: &'a X509Certificate<'_>,
) -> Result<Vec<&'a str>, CertificateRefusal> {
    let names = certificate.subject().iter_common_name();
    names
        .map(|name| name.as_str().map_err(|_| CertificateRefusal::Malformed))
        .collect()
}

fn alternative_names<'a>(
    certificate: &'a X509Certificate<'_>,
    kind: CertificateName,
) -> Result<Vec<&'a str>, CertificateRefusal> {
    // One extension that stands there twice is an error.
    let names = certificate.subject_alternative_name();
    let names = names.map_err(|_| CertificateRefusal::Malformed)?;
    let names = names.iter().flat_map(|names| &names.value.general_names);
    let mut found = Vec::new();
    for name in names {
        match (name, kind) {
            (GeneralName::URI(name), CertificateName::SanUri)
            | (GeneralName::DNSName(name), CertificateName::SanDns) => found.push(*name),
            (GeneralName::Invalid(..), _) => return Err(CertificateRefusal::Malformed),
            _ => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{CertificateParams, DnType, KeyPair, SanType};
    use rstest::rstest;

    use super::*;

    fn name(certificate: &[u8], kind: CertificateName) -> Result<String, CertificateRefusal> {
        identity(certificate, kind).map(|(name, _)| name)
    }

    const URI: &str = "spiffe://example.com/billing";

    fn certificate(common_names: &[&str], others: &[SanType]) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for name in common_names {
            params.distinguished_name.push(DnType::CommonName, *name);
        }
        params.subject_alt_names = others.to_vec();
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    fn uri(text: &str) -> SanType {
        SanType::URI(text.try_into().unwrap())
    }

    fn dns(text: &str) -> SanType {
        SanType::DnsName(text.try_into().unwrap())
    }

    #[rstest]
    #[case::uri(CertificateName::SanUri, Ok(URI))]
    #[case::dns(CertificateName::SanDns, Ok("billing.example.com"))]
    #[case::common_name(CertificateName::SubjectCn, Ok("billing"))]
    fn a_certificate_is_known_by_the_name_that_counts(
        #[case] kind: CertificateName,
        #[case] expected: Result<&str, CertificateRefusal>,
    ) {
        let certificate = certificate(&["billing"], &[uri(URI), dns("billing.example.com")]);
        let found = name(&certificate, kind);
        assert_eq!(found.as_deref(), expected.as_deref());
    }

    #[test]
    fn a_dns_name_is_the_same_in_either_case() {
        let certificate = certificate(&[], &[dns("Billing.Example.com")]);
        let found = name(&certificate, CertificateName::SanDns);
        assert_eq!(found.as_deref(), Ok("billing.example.com"));
    }

    #[rstest]
    #[case::two_uris(&[uri(URI), uri("spiffe://example.com/admin")], CertificateName::SanUri, CertificateRefusal::Ambiguous)]
    #[case::no_uri(&[dns("a.example")], CertificateName::SanUri, CertificateRefusal::Nameless)]
    #[case::no_dns(&[uri(URI)], CertificateName::SanDns, CertificateRefusal::Nameless)]
    #[case::no_common_name(&[], CertificateName::SubjectCn, CertificateRefusal::Nameless)]
    fn a_certificate_without_exactly_one_names_nobody(
        #[case] others: &[SanType],
        #[case] kind: CertificateName,
        #[case] expected: CertificateRefusal,
    ) {
        assert_eq!(name(&certificate(&[], others), kind), Err(expected));
    }

    #[test]
    fn a_name_with_control_characters_is_none() {
        let certificate = certificate(&["billing\nadmin"], &[]);
        let found = name(&certificate, CertificateName::SubjectCn);
        assert_eq!(found, Err(CertificateRefusal::Malformed));
    }

    #[test]
    fn a_certificate_without_an_end_ends_at_the_end_of_time() {
        let mut params = CertificateParams::new(["billing.example.com".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(9999, 12, 31) + Duration::from_secs(86_399);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let found = identity(certificate.der(), CertificateName::SanDns);
        assert_eq!(
            found,
            Ok((
                "billing.example.com".to_owned(),
                Timestamp::from_second(Timestamp::MAX.as_second()).unwrap()
            ))
        );
    }

    #[test]
    fn what_is_no_certificate_names_nobody() {
        let good = certificate(&["billing"], &[]);
        let longer = [&good[..], b"more"].concat();
        for broken in [&[][..], b"-----BEGIN", &good[..good.len() / 2], &longer] {
            let found = name(broken, CertificateName::SubjectCn);
            assert_eq!(found, Err(CertificateRefusal::Malformed));
        }
    }
}
