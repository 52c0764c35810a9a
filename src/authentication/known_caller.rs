//! A caller who is known, and by what.

use std::net::IpAddr;

use http::HeaderMap;
use serde_json::Value;
use sha2::{Digest, Sha256};
use strum::IntoStaticStr;

use crate::caller::{Caller, Credentials, Identity, Verified};
use crate::plan::{CallerGrant, Callers, Rate};

use super::grants::{rate_of, visible_of};

/// The first bytes of what an identity is a hash of. Another encoding gets another number.
const IDENTITY_ENCODING: &[u8] = b"groupgate caller 1\0";

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
    pub(super) caller: Caller,
    /// How it showed who it is.
    pub kind: CredentialKind,
    /// The names of its grants.
    pub grants: Box<[String]>,
    /// How many requests it may make, if its grants limit them.
    pub rate: Option<Rate>,
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

impl KnownCaller {
    /// A caller who showed in this way to be `name`, with grants of these names.
    pub(super) fn new(
        kind: CredentialKind,
        name: &str,
        grants: &[String],
        callers: &Callers,
    ) -> Self {
        let verified = Verified {
            id: name.to_owned(),
            claims: Value::Null,
            token: None,
            forwarded: HeaderMap::new(),
        };
        Self::verified(kind, name, verified, grants, callers)
    }

    /// The same of one of whom more is known. Cursors are bound to its `name`.
    pub(super) fn verified(
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

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let grants = self.grants.iter();
        let grants = grants.map(|name| size_of::<String>() + name.len());
        let shown = self
            .caller
            .credentials
            .verified()
            .map_or(0, Verified::bytes);
        size_of::<Self>() + grants.sum::<usize>() + self.caller.visible.bytes() + shown
    }

    /// The caller, asking from this network.
    pub fn at(&self, network: IpAddr) -> Caller {
        Caller {
            network: Some(network),
            ..self.caller.clone()
        }
    }

    /// Who it is.
    pub const fn identity(&self) -> Identity {
        self.caller.identity
    }
}
