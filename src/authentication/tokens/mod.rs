//! Tokens (JWT, RFC 7519) that say who asks: verified with the keys of their issuer.
//!
//! ```text
//! token ▸ parts ▸ key set ▸ signature ▸ claims ▸ VerifiedToken
//! ```
//!
//! What a token says of itself decides nothing. The algorithm must be one that is configured and one of
//! the key's own kind, so no public key is ever taken for a shared secret (RFC 8725, section 3.1). Keys
//! come from the configured set alone, never from a token or an address in it.

mod claims;

mod parts;
use parts::TokenParts;

mod refusal;
pub(crate) use refusal::{TokenFault, TokenRefusal};

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::crypto;
use serde_json::Value;
use tokio::time::Instant;

use crate::clock::WallClock;
use crate::observe::{Event, Observers};
use crate::plan::Jwt;

use super::key_set::{IssuerKeys, KeysInForce};

/// How many keys are tried where a token names none, or several have the name.
const MOST_TRIED: usize = 8;

/// Verifies tokens by one part of a plan.
#[derive(Debug)]
pub(crate) struct TokenVerifier {
    rules: Jwt,
    keys: Arc<IssuerKeys>,
    clock: WallClock,
    observers: Observers,
}

/// What a token says that was verified.
#[derive(Debug)]
pub(crate) struct VerifiedToken {
    /// Who asks, in the words of the issuer.
    pub(crate) identity: String,
    /// All of its claims.
    pub(crate) claims: Value,
    /// How much longer it holds.
    pub(crate) holds_for: Duration,
    /// The keys that it was verified with: when others are in force, it has to be verified again.
    pub(crate) keys: u64,
}

/// What can be said of a token at once.
#[derive(Debug)]
pub(crate) enum TokenCheck {
    /// It was verified, or refused for good.
    Decided(Result<VerifiedToken, TokenRefusal>),
    /// Its key is not there, and worth being waited for.
    AwaitsKeys,
}

impl TokenVerifier {
    /// Verifies by these rules. Must be called within a tokio runtime, in which keys are fetched.
    pub(crate) fn new(rules: &Jwt, observers: Observers) -> Self {
        Self {
            keys: Arc::new(IssuerKeys::new(rules, observers.clone(), None)),
            rules: rules.clone(),
            clock: WallClock::system(),
            observers,
        }
    }

    /// Verifies by these rules with keys that come from elsewhere.
    #[cfg(test)]
    pub(super) fn with_keys(
        rules: &Jwt,
        keys: IssuerKeys,
        clock: WallClock,
        observers: Observers,
    ) -> Self {
        Self {
            rules: rules.clone(),
            keys: Arc::new(keys),
            clock,
            observers,
        }
    }

    /// Verifies by other rules from now on. Keys that were fetched for equal ones stay. Those from the same
    /// URL stay until they have been fetched by the new rules: what they are used for, each token decides.
    pub(crate) fn succeed(&self, rules: &Jwt) -> Self {
        let is_same = rules.keys == self.rules.keys && rules.algorithms == self.rules.algorithms;
        let url = self.rules.keys.url();
        let before = (url.is_some() && url == rules.keys.url()).then_some(&*self.keys);
        let keys = if is_same {
            Arc::clone(&self.keys)
        } else {
            let observers = self.observers.clone();
            Arc::new(IssuerKeys::new(rules, observers, before))
        };
        Self {
            rules: rules.clone(),
            keys,
            clock: self.clock.clone(),
            observers: self.observers.clone(),
        }
    }

    /// Who issues the tokens.
    pub(crate) fn issuer(&self) -> &str {
        &self.rules.issuer
    }

    /// The number of the keys in force. It changes when they do.
    pub(crate) fn keys_in_force(&self) -> u64 {
        self.keys.in_force().map_or(0, |keys| keys.number)
    }

    /// Verifies a token, unless it has to wait for keys.
    pub(crate) fn check(&self, token: &str) -> TokenCheck {
        match self.try_verify(token) {
            Ok(verified) => TokenCheck::Decided(self.told(verified.map_err(Into::into))),
            Err(_) if self.keys.is_fetch_due() => TokenCheck::AwaitsKeys,
            Err(missing) => TokenCheck::Decided(self.told(Err(self.without(missing)))),
        }
    }

    /// Verifies a token for which [`Self::check`] has no keys, waiting for them until then.
    pub(crate) async fn check_with_new_keys(
        &self,
        token: &str,
        until: Instant,
    ) -> Result<VerifiedToken, TokenRefusal> {
        self.keys.fetch(until).await;
        let verified = match self.try_verify(token) {
            Ok(verified) => verified.map_err(Into::into),
            Err(missing) => Err(self.without(missing)),
        };
        self.told(verified)
    }

    /// The outer error: the token's key is not there.
    fn try_verify(&self, token: &str) -> Result<Result<VerifiedToken, TokenFault>, MissingKey> {
        let parts = match parts::parts(token) {
            Ok(parts) if self.rules.algorithms.contains(&parts.algorithm) => parts,
            Ok(_) => return Ok(Err(TokenFault::Algorithm)),
            Err(fault) => return Ok(Err(fault)),
        };
        let keys = self.keys.in_force().ok_or(MissingKey::All)?;
        match is_signed(&parts, &keys) {
            None => Err(MissingKey::This),
            Some(false) if parts.key_id.is_none() => Err(MissingKey::Perhaps),
            Some(false) => Ok(Err(TokenFault::Signature)),
            Some(true) => Ok(self.verified(&parts, keys.number)),
        }
    }

    fn verified(&self, parts: &TokenParts<'_>, keys: u64) -> Result<VerifiedToken, TokenFault> {
        let claims = claims::claims(parts.claims, &self.rules, self.clock.now())?;
        Ok(VerifiedToken {
            identity: claims.identity,
            claims: claims.all,
            holds_for: claims.holds_for,
            keys,
        })
    }

    fn without(&self, missing: MissingKey) -> TokenRefusal {
        match missing {
            MissingKey::This => TokenFault::UnknownKey.into(),
            MissingKey::Perhaps => TokenFault::Signature.into(),
            MissingKey::All => TokenRefusal::Unavailable {
                retry_after: self.keys.next_fetch_in(),
            },
        }
    }

    fn told<T>(&self, outcome: Result<T, TokenRefusal>) -> Result<T, TokenRefusal> {
        let word = match &outcome {
            Ok(_) => "verified",
            Err(TokenRefusal::Invalid(fault)) => fault.as_str(),
            Err(TokenRefusal::Unavailable { .. }) => "no-keys",
        };
        self.observers.notify(&Event::TokenChecked(word));
        outcome
    }
}

/// What keeps a token from being verified.
#[derive(Debug, Clone, Copy)]
enum MissingKey {
    /// Its own key is not among those that are there.
    This,
    /// It names none, and none of those that are there made its signature.
    Perhaps,
    /// There are no keys.
    All,
}

/// Whether a key of the issuer made the signature; `None` where none is the one that it names.
fn is_signed(parts: &TokenParts<'_>, keys: &KeysInForce) -> Option<bool> {
    let named = |id: Option<&str>| match &parts.key_id {
        Some(named) => id == Some(named),
        None => true,
    };
    let candidates = keys.keys.keys().iter();
    let candidates = candidates.filter(|key| named(key.id()) && key.verifies(parts.algorithm));
    let mut is_named = false;
    for key in candidates.take(MOST_TRIED) {
        is_named = true;
        let is_signed = key.decoding_key().is_some_and(|key| {
            let algorithm = parts.algorithm.into();
            crypto::verify(parts.signature, parts.signed.as_bytes(), &key, algorithm)
                .unwrap_or(false)
        });
        if is_signed {
            return Some(true);
        }
    }
    is_named.then_some(false)
}
