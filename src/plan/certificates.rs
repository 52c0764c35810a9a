//! Which client certificates tell who asks.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::caller::ClientAuthorities;

/// Which client certificates tell who asks, and what their callers are granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificates {
    /// Which of its names says who asks.
    pub identity: CertificateName,
    /// What must vouch for it, also in a connection that was open before.
    pub authorities: ClientAuthorities,
    /// The grants of each name. A caller with another name has none.
    pub names: BTreeMap<String, Vec<String>>,
}

/// Which name in a certificate says who asks. A certificate must have exactly one of that kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CertificateName {
    /// The URI among the alternative names, such as `spiffe://example.com/billing`.
    SanUri,
    /// The DNS name among the alternative names.
    SanDns,
    /// The common name of the subject.
    SubjectCn,
}

impl CertificateName {
    /// A name of this kind as it is compared: DNS names are the same in either case (RFC 4343).
    pub fn canonical(self, name: &str) -> String {
        match self {
            Self::SanDns => name.to_ascii_lowercase(),
            Self::SanUri | Self::SubjectCn => name.to_owned(),
        }
    }
}
