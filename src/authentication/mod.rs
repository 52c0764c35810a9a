//! Who asks: what a request brings to show it, and what its caller is granted.
//!
//! An [`Authenticator`] is made from the plan, one for each generation. What it can decide at once it does
//! at once, so that a ready answer stays one for a caller who is known.

mod api_keys;
pub use api_keys::{hash_of_key, new_key};

mod certificate_callers;
mod certificates;

mod credentials;

mod grants;
pub use grants::{rate_of, visible_of};

mod key_set;

mod known_caller;
pub use known_caller::{CredentialKind, KnownCaller};

mod recognition;
pub use recognition::{AwaitedCaller, Recognition};

mod refused;
pub use refused::RefusedCredentials;

mod remembered;
mod token_callers;
mod tokens;

#[cfg(test)]
pub(crate) mod testing;

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use crate::caller::ShownCertificate;
use crate::clock::WallClock;
use crate::observe::Observers;
use crate::plan::Callers;

use api_keys::KeyTable;
use certificate_callers::CertificateCallers;
use credentials::{API_KEY, Presented, only_word};
use remembered::Remembered;
use token_callers::TokenCallers;

/// Finds out who asks.
#[derive(Debug)]
pub struct Authenticator {
    required: bool,
    anonymous: Arc<KnownCaller>,
    keys: KeyTable,
    tokens: Option<Arc<TokenCallers>>,
    certificates: Option<CertificateCallers>,
}

impl Authenticator {
    /// Knows the callers of a plan, and remembers `room` bytes of what they bring. `observers` are told of tokens.
    /// What `before` has fetched for equal settings stays. Must be called within a tokio runtime, in which the keys
    /// of tokens are fetched.
    pub fn new(callers: &Callers, room: u64, observers: &Observers, before: Option<&Self>) -> Self {
        let anonymous =
            KnownCaller::new(CredentialKind::Anonymous, "", &callers.anonymous, callers);
        let before = before.and_then(|before| before.tokens.as_deref());
        let tokens = callers.jwt.as_ref();
        let certificates = callers.certificates.as_ref();
        let room = match (tokens, certificates) {
            (Some(_), Some(_)) => room / 2,
            _ => room,
        };
        Self {
            required: callers.required,
            anonymous: Arc::new(anonymous),
            keys: KeyTable::new(callers),
            tokens: tokens
                .map(|rules| Arc::new(TokenCallers::new(rules, callers, observers, room, before))),
            certificates: certificates
                .map(|rules| CertificateCallers::new(rules, callers, room, WallClock::system())),
        }
    }

    /// Who asks, by the headers of a request; where they say nothing, by the certificate of its connection.
    pub fn authenticate(
        &self,
        headers: &HeaderMap,
        certificate: Option<&ShownCertificate>,
    ) -> Recognition {
        let certificate = certificate.zip(self.certificates.as_ref());
        let known = match (Presented::in_headers(headers), certificate) {
            (Err(refusal), _) => return Recognition::Refused(refusal),
            (Ok(Some(Presented::Bearer(secret))), _) => return self.by_bearer(secret),
            (Ok(Some(Presented::Key(secret))), _) => self.keys.find(secret),
            (Ok(None), Some((certificate, callers))) => callers.recognize(certificate),
            (Ok(None), None) if self.required => {
                return Recognition::Refused(RefusedCredentials::Missing);
            }
            (Ok(None), None) => Some(Arc::clone(&self.anonymous)),
        };
        known.map_or(
            Recognition::Refused(RefusedCredentials::Invalid),
            Recognition::Known,
        )
    }

    /// Forgets what was verified: another takes its place, with as much room.
    pub(crate) fn forget(&self) {
        self.remembered().for_each(Remembered::forget);
    }

    /// How many bytes are remembered.
    #[cfg(test)]
    pub(crate) fn weighed(&self) -> u64 {
        self.remembered().map(Remembered::weighed).sum()
    }

    fn remembered(&self) -> impl Iterator<Item = &Remembered<Arc<KnownCaller>>> {
        let tokens = self.tokens.iter().map(|tokens| tokens.all());
        let certificates = self.certificates.iter().map(CertificateCallers::all);
        tokens.chain(certificates)
    }

    /// Whether a header of a request of this caller may go to upstreams. A key is for groupgate alone: who has it
    /// is its caller.
    pub fn forwards(&self, known: &KnownCaller, name: &HeaderName, request: &HeaderMap) -> bool {
        if *name != AUTHORIZATION {
            return *name != API_KEY;
        }
        if request.contains_key(API_KEY) {
            only_word(request).is_some_and(|word| self.keys.find(word).is_none())
        } else {
            known.kind != CredentialKind::Key
        }
    }

    /// Who brings this key or token. One that is remembered comes first: it costs the least.
    fn by_bearer(&self, secret: &[u8]) -> Recognition {
        let tokens = self.tokens.as_ref();
        let known = tokens.and_then(|tokens| tokens.remembered(secret));
        match (known.or_else(|| self.keys.find(secret)), tokens) {
            (Some(known), _) => Recognition::Known(known),
            (None, Some(tokens)) => tokens.recognize(secret),
            (None, None) => Recognition::Refused(RefusedCredentials::Invalid),
        }
    }
}

#[cfg(test)]
mod tests;
