//! Who asks, as every layer below the edge knows it.
//!
//! A [`Caller`] travels with the request: what it may see decides which sources there are for it,
//! who it is decides whose cursors it may use, and its credentials are what an upstream can be asked
//! with on its behalf. Each upstream derives its own credential scope from it.

mod certificate;
pub use certificate::{ClientAuthorities, ShownCertificate};

mod credentials;
pub use credentials::{Credentials, Verified};

mod hidden;
pub use hidden::{HiddenFields, HideableField};

mod name;
pub use name::is_name;

mod visible;
pub use visible::VisibleSources;

use std::fmt;
use std::net::IpAddr;

use thiserror::Error;

/// Who asks. Cheap to clone.
#[derive(Clone, Default)]
pub struct Caller {
    /// Who it is.
    pub identity: Identity,
    /// Which sources exist for it, and which of their fields.
    pub visible: VisibleSources,
    /// What upstreams may be asked with on its behalf.
    pub credentials: Credentials,
    /// The network that it asks from, if it asks over one.
    pub network: Option<IpAddr>,
}

/// Who waits in a line that is fair to each: a caller by its identity, or by its network where it has
/// none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Asker {
    identity: Identity,
    network: Option<IpAddr>,
}

impl Caller {
    /// Who it is in a line.
    pub fn asker(&self) -> Asker {
        Asker {
            identity: self.identity,
            network: match self.identity {
                Identity::Anonymous => self.network,
                Identity::Authenticated(_) => None,
            },
        }
    }
}

/// Who a caller is, as far as that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Identity {
    /// It did not authenticate: it may be anybody.
    #[default]
    Anonymous,
    /// It authenticated: a digest of who it is.
    Authenticated([u8; 32]),
}

/// A source cannot be asked on behalf of a caller: it does not exist for the caller, or the caller
/// brought no credentials that it could be asked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the source cannot be asked on behalf of this caller")]
pub struct NotVisible;

impl fmt::Debug for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Caller")
            .field("identity", &self.identity)
            .field("visible", &self.visible)
            .finish_non_exhaustive()
    }
}

impl Caller {
    /// Whether every caller gets the same answers: this one is nobody in particular and sees all.
    pub fn is_anyone(&self) -> bool {
        self.identity == Identity::Anonymous && self.visible == VisibleSources::All
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_shown_without_its_credentials() {
        assert_eq!(
            format!("{:?}", Caller::default()),
            "Caller { identity: Anonymous, visible: All, .. }"
        );
    }
}
