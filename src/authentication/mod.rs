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
mod remembered;
mod token_callers;
mod tokens;

#[cfg(test)]
mod testing;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use serde_json::Value;
use sha2::{Digest, Sha256};
use strum::IntoStaticStr;
use tokio::time::Instant;

use crate::caller::{Caller, Credentials, Identity, ShownCertificate, Verified};
use crate::clock::WallClock;
use crate::observe::Observers;
use crate::plan::{CallerGrant, Callers, Rate};

use api_keys::KeyTable;
use certificate_callers::CertificateCallers;
use credentials::{API_KEY, Presented};
use token_callers::TokenCallers;

/// The first bytes of what an identity is a hash of. Another encoding gets another number.
const IDENTITY_ENCODING: &[u8] = b"groupgate caller 1\0";

/// Finds out who asks.
#[derive(Debug)]
pub struct Authenticator {
    required: bool,
    anonymous: Arc<KnownCaller>,
    keys: KeyTable,
    tokens: Option<Arc<TokenCallers>>,
    certificates: Option<CertificateCallers>,
}

/// How a caller showed who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum CredentialKind {
    /// It brought nothing.
    Anonymous,
    /// With an API key.
    Key,
    /// With a token.
    Token,
    /// With a client certificate.
    Certificate,
}

/// A caller as its credentials and grants have it.
#[derive(Debug)]
pub struct KnownCaller {
    /// The caller; where it asks from is not known.
    caller: Caller,
    /// How it showed who it is.
    pub kind: CredentialKind,
    /// The names of its grants.
    pub grants: Box<[String]>,
    /// How many requests it may make, if its grants limit them.
    pub rate: Option<Rate>,
}

/// What becomes of a request.
#[expect(missing_debug_implementations, reason = "a future shows nothing")]
pub enum Recognition {
    /// It is answered as one of this caller.
    Known(Arc<KnownCaller>),
    /// It is not answered.
    Refused(RefusedCredentials),
    /// That is known once something has been fetched.
    Awaited(AwaitedCaller),
}

/// Waits for what shows who asks, until then at the latest.
pub type AwaitedCaller = Box<
    dyn FnOnce(Instant) -> BoxFuture<'static, Result<Arc<KnownCaller>, RefusedCredentials>> + Send,
>;

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum RefusedCredentials {
    /// It brought no credentials.
    Missing,
    /// It brought some that are not accepted. Nobody is told why.
    Invalid,
    /// It brought a token that its issuer has signed and that has ended: a new one is wanted.
    Ended,
    /// Its token cannot be verified at the moment. It may be good.
    Unavailable {
        /// When it is worth trying again.
        retry_after: Duration,
    },
}

impl CredentialKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The digest of who a caller is that showed it in this way: the same in every process and release.
    fn identity(self, name: &str) -> Identity {
        if self == Self::Anonymous {
            return Identity::Anonymous;
        }
        let mut digest = Sha256::new_with_prefix(IDENTITY_ENCODING);
        digest.update(self.as_str());
        digest.update([0]);
        digest.update(name);
        Identity::Authenticated(digest.finalize().into())
    }
}

impl RefusedCredentials {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl KnownCaller {
    /// A caller who showed in this way to be `name`, with grants of these names.
    fn new(kind: CredentialKind, name: &str, grants: &[String], callers: &Callers) -> Self {
        let verified = Verified {
            id: name.to_owned(),
            claims: Value::Null,
            token: None,
            forwarded: HeaderMap::new(),
        };
        Self::verified(kind, name, verified, grants, callers)
    }

    /// The same of one of whom more is known. Cursors are bound to its `name`.
    fn verified(
        kind: CredentialKind,
        name: &str,
        verified: Verified,
        grants: &[String],
        callers: &Callers,
    ) -> Self {
        let given: Vec<&CallerGrant> = callers.granted(grants).collect();
        let identity = kind.identity(name);
        Self {
            caller: Caller {
                identity,
                visible: visible_of(&given),
                credentials: match identity {
                    Identity::Anonymous => Credentials::default(),
                    Identity::Authenticated(_) => Credentials::of(verified),
                },
                network: None,
            },
            kind,
            grants: grants.into(),
            rate: rate_of(&given),
        }
    }

    /// How much memory what it may see takes.
    fn bytes(&self) -> usize {
        let grants = self.grants.iter();
        let grants = grants.map(|name| size_of::<String>() + name.len());
        size_of::<Self>() + grants.sum::<usize>() + self.caller.visible.bytes()
    }

    /// The caller, asking from this network.
    pub fn at(&self, network: IpAddr) -> Caller {
        Caller {
            network: Some(network),
            ..self.caller.clone()
        }
    }

    /// Whether a header of its `request` may go to upstreams. A key is for groupgate alone: who has it is
    /// this caller.
    pub fn forwards(&self, name: &HeaderName, request: &HeaderMap) -> bool {
        let is_key = *name == API_KEY
            || (*name == AUTHORIZATION
                && self.kind == CredentialKind::Key
                && !request.contains_key(API_KEY));
        !is_key
    }

    /// Who it is.
    pub const fn identity(&self) -> Identity {
        self.caller.identity
    }
}

impl Authenticator {
    /// Knows the callers of a plan. `observers` are told of tokens. What `before` has fetched for equal settings
    /// stays. Must be called within a tokio runtime, in which the keys of tokens are fetched.
    pub fn new(callers: &Callers, observers: &Observers, before: Option<&Self>) -> Self {
        let anonymous =
            KnownCaller::new(CredentialKind::Anonymous, "", &callers.anonymous, callers);
        let before = before.and_then(|before| before.tokens.as_deref());
        let tokens = callers.jwt.as_ref();
        let certificates = callers.certificates.as_ref();
        Self {
            required: callers.required,
            anonymous: Arc::new(anonymous),
            keys: KeyTable::new(callers),
            tokens: tokens
                .map(|rules| Arc::new(TokenCallers::new(rules, callers, observers, before))),
            certificates: certificates
                .map(|rules| CertificateCallers::new(rules, callers, WallClock::system())),
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
