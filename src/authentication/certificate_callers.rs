//! Callers with client certificates, which TLS has verified.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::caller::{ShownCertificate, Verified};
use crate::clock::WallClock;
use crate::plan::{Callers, Certificates};

use super::certificates::identity;
use super::known_caller::{CredentialKind, KnownCaller};
use super::remembered::Remembered;

/// Certificates are verified with no keys that change while a connection is open.
const NO_KEYS: u64 = 0;

/// Knows callers by their certificates.
#[derive(Debug)]
pub(super) struct CertificateCallers {
    rules: Certificates,
    callers: Callers,
    remembered: Remembered<Arc<KnownCaller>>,
    clock: WallClock,
}

impl CertificateCallers {
    /// Knows those whose certificates have the names of these rules.
    pub(super) fn new(rules: &Certificates, callers: &Callers, clock: WallClock) -> Self {
        Self {
            rules: rules.clone(),
            callers: callers.clone(),
            remembered: Remembered::new("certificates"),
            clock,
        }
    }

    /// The caller who has shown a certificate. `None`: it names nobody, has ended since, or those who vouched
    /// for it are trusted no more.
    pub(super) fn recognize(&self, shown: &ShownCertificate) -> Option<Arc<KnownCaller>> {
        if shown.authorities != self.rules.authorities {
            return None;
        }
        let certificate = &*shown.der;
        let now = Instant::now();
        if let Some(known) = self.remembered.get(certificate, NO_KEYS, now) {
            return Some(known);
        }
        let (name, ends) = identity(certificate, self.rules.identity)
            .inspect_err(|refusal| tracing::debug!(%refusal, "a client certificate names nobody"))
            .ok()?;
        let holds_for = left(ends, self.clock.now())?;
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
}

/// How much longer a certificate holds: a connection may outlive it.
fn left(ends: Timestamp, now: Timestamp) -> Option<Duration> {
    let left = Duration::try_from(ends.duration_since(now)).ok()?;
    (!left.is_zero()).then_some(left)
}
