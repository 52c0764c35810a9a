//! Callers with client certificates, which TLS has verified.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::server::danger::ClientCertVerifier;
use serde_json::Value;
use tokio::time::Instant;

use crate::caller::{ShownCertificate, Verified};
use crate::clock::WallClock;
use crate::plan::{Callers, Certificates};
use crate::tls::server::vouching;

use super::certificates::identity;
use super::known_caller::{CredentialKind, KnownCaller};
use super::remembered::Remembered;

/// Certificates are verified with no keys that change while a connection is open.
const NO_KEYS: u64 = 0;

/// Knows callers by their certificates.
#[derive(Debug)]
pub(super) struct CertificateCallers {
    rules: Certificates,
    /// What certificates are verified with that were shown under other authorities. Without it, they are refused.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    callers: Callers,
    remembered: Remembered<Arc<KnownCaller>>,
    clock: WallClock,
}

impl CertificateCallers {
    /// Knows those whose certificates have the names of these rules, and remembers `room` bytes of them.
    pub(super) fn new(
        rules: &Certificates,
        callers: &Callers,
        room: u64,
        clock: WallClock,
    ) -> Self {
        Self {
            rules: rules.clone(),
            // The plan was refused if they could not be used.
            verifier: vouching(rules.authorities.certificates().iter().cloned()).ok(),
            callers: callers.clone(),
            remembered: Remembered::new("certificates", room),
            clock,
        }
    }

    /// What was verified.
    pub(super) const fn all(&self) -> &Remembered<Arc<KnownCaller>> {
        &self.remembered
    }

    /// The caller who has shown a certificate. `None`: it names nobody, has ended since, or those who vouched
    /// for it are trusted no more.
    pub(super) fn recognize(&self, shown: &ShownCertificate) -> Option<Arc<KnownCaller>> {
        let certificate = &*shown.der;
        let remembered = (self.remembered).get(certificate, NO_KEYS, Instant::now());
        if remembered.is_some() {
            return remembered;
        }
        let now = self.clock.now();
        if shown.authorities != self.rules.authorities && !self.vouches_for(shown, now) {
            return None;
        }
        let (name, ends) = identity(certificate, self.rules.identity)
            .inspect_err(|refusal| tracing::debug!(%refusal, "a client certificate names nobody"))
            .ok()?;
        let holds_for = left(ends, now)?;
        let none = Vec::new();
        let grants = self.rules.names.get(&name).unwrap_or(&none);
        let verified = Verified {
            id: name.clone(),
            claims: Value::Null,
            token: None,
            forwarded: HeaderMap::new(),
        };
        let known = KnownCaller::verified(
            CredentialKind::Certificate,
            &name,
            verified,
            grants,
            &self.callers,
        );
        let known = Arc::new(known);
        let bytes = known.bytes();
        (self.remembered).put(certificate, Arc::clone(&known), bytes, NO_KEYS, holds_for);
        Some(known)
    }

    /// Whether the authorities vouch for a certificate that was verified by others: in a connection that began
    /// before they were in force.
    fn vouches_for(&self, shown: &ShownCertificate, now: Timestamp) -> bool {
        let since = Duration::try_from(now.as_duration()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(since);
        let verify = |verifier: &Arc<dyn ClientCertVerifier>| {
            verifier.verify_client_cert(&shown.der, &shown.intermediates, now)
        };
        let verified = self.verifier.as_ref().map(verify);
        matches!(verified, Some(Ok(_)))
    }
}

/// How much longer a certificate holds: a connection may outlive it.
fn left(ends: Timestamp, now: Timestamp) -> Option<Duration> {
    let left = Duration::try_from(ends.duration_since(now)).ok()?;
    (!left.is_zero()).then_some(left)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;
    use crate::caller::ClientAuthorities;
    use crate::config::testing::plan;
    use crate::plan::CertificateName;

    /// A certificate that ends with the year 2030, and vouches for itself.
    fn shown() -> ShownCertificate {
        let mut params = CertificateParams::new(["billing.example.com".to_owned()]).unwrap();
        params.not_after = date_time_ymd(2031, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        ShownCertificate {
            der: certificate.der().clone(),
            intermediates: Vec::new(),
            authorities: ClientAuthorities::in_pem(&certificate.pem()),
        }
    }

    /// Callers with certificates of these authorities, who are granted so many sources, at this moment.
    fn callers(authorities: &ClientAuthorities, sources: usize, now: &str) -> CertificateCallers {
        let sources: Vec<_> = (0..sources)
            .map(|number| format!("source-{number}"))
            .collect();
        let callers = plan(&format!(
            "callers.required = false\ngrants.all.sources = {sources:?}"
        ));
        let rules = Certificates {
            identity: CertificateName::SanDns,
            authorities: authorities.clone(),
            names: [("billing.example.com".to_owned(), vec!["all".to_owned()])].into(),
        };
        let clock = WallClock::fixed(now.parse().unwrap());
        CertificateCallers::new(&rules, &callers.callers.unwrap(), 1 << 20, clock)
    }

    #[tokio::test(start_paused = true)]
    async fn a_certificate_that_ends_in_an_open_connection_is_known_until_then() {
        let shown = shown();
        let known = |now| {
            callers(&shown.authorities, 1, now)
                .recognize(&shown)
                .is_some()
        };
        assert!(known("2030-12-31T23:59:59Z"));
        assert!(!known("2031-01-01T00:00:00Z"));
        // It is not remembered for longer.
        let callers = callers(&shown.authorities, 1, "2030-12-31T23:59:50Z");
        callers.recognize(&shown).unwrap();
        let remembered = || (callers.remembered).get(&shown.der, NO_KEYS, Instant::now());
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(remembered().is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(remembered().is_none());
    }

    #[test]
    fn what_is_remembered_counts_what_its_caller_may_see() {
        let shown = shown();
        let weighed = |sources| {
            let callers = callers(&shown.authorities, sources, "2030-01-01T00:00:00Z");
            callers.recognize(&shown).unwrap();
            callers.remembered.weighed()
        };
        assert!(weighed(1000) >= weighed(1) + 999 * "source-0".len() as u64);
    }

    #[test]
    fn a_certificate_that_others_vouched_for_is_verified_anew() {
        let (shown, other) = (self::shown(), self::shown());
        let found = |authorities: &ClientAuthorities, shown: &ShownCertificate| {
            let callers = callers(authorities, 1, "2030-01-01T00:00:00Z");
            callers.recognize(shown).is_some()
        };
        assert!(!found(&other.authorities, &shown));
        let before = ShownCertificate {
            authorities: other.authorities.clone(),
            ..shown.clone()
        };
        assert!(found(&shown.authorities, &before));
        assert!(!found(&ClientAuthorities::in_pem(""), &shown));
    }
}
