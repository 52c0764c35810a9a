//! Who asks, as every layer below the edge knows it.
//!
//! A [`Caller`] travels with the request: what it may see decides which sources there are for it,
//! who it is decides whose cursors it may use, and its credentials are what an upstream can be asked
//! with on its behalf. Each upstream derives its own credential scope from it.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;

/// The first bytes of what [`VisibleSources::digest`] hashes. Another encoding gets another number.
const VISIBLE_ENCODING: &[u8] = b"groupgate visible sources 1\0";

/// Who asks. Cheap to clone.
#[derive(Clone, Default)]
pub struct Caller {
    /// Who it is.
    pub identity: Identity,
    /// Which sources exist for it.
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

/// Which sources a caller may see. One that it may not see does not exist for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum VisibleSources {
    /// Every source, those added later included.
    #[default]
    All,
    /// These sources.
    Only(SourceSet),
}

/// A set of source names, shared by its clones.
#[derive(Debug, Clone)]
pub struct SourceSet(Arc<Names>);

#[derive(Debug)]
struct Names {
    names: BTreeSet<Box<str>>,
    digest: [u8; 32],
}

/// What upstreams may be asked with on a caller's behalf. Empty: no auth scheme forwards a caller's
/// headers yet. It has no `Debug`, for it is the place for secrets.
#[derive(Clone, Default)]
#[expect(
    missing_debug_implementations,
    reason = "what is shown by nothing can be logged by nobody"
)]
pub struct Credentials(());

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

impl VisibleSources {
    /// These sources and no others.
    pub fn only<Name: Into<Box<str>>>(names: impl IntoIterator<Item = Name>) -> Self {
        let names: BTreeSet<_> = names.into_iter().map(Into::into).collect();
        let mut digest = Sha256::new_with_prefix(VISIBLE_ENCODING);
        for name in &names {
            digest.update((name.len() as u64).to_be_bytes());
            digest.update(name.as_bytes());
        }
        let digest = digest.finalize().into();
        Self::Only(SourceSet(Arc::new(Names { names, digest })))
    }

    /// Whether `source` exists for the caller.
    pub fn allows(&self, source: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(set) => set.0.names.contains(source),
        }
    }

    /// What stands for the set: the same in every process and every release, and different for
    /// every other set. `None` of all sources.
    pub fn digest(&self) -> Option<&[u8; 32]> {
        match self {
            Self::All => None,
            Self::Only(set) => Some(&set.0.digest),
        }
    }
}

impl PartialEq for SourceSet {
    fn eq(&self, other: &Self) -> bool {
        self.0.digest == other.0.digest
    }
}

impl Eq for SourceSet {}

impl Hash for SourceSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.digest.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_sees_what_is_in_its_set_and_nothing_else() {
        let some = VisibleSources::only(["a", "b"]);
        assert!(some.allows("a") && some.allows("b") && !some.allows("c"));
        assert!(VisibleSources::All.allows("c"));
        assert!(!VisibleSources::only::<&str>([]).allows("a"));
    }

    #[test]
    fn equal_sets_are_equal_in_whatever_order_they_were_named() {
        let set = VisibleSources::only(["a", "b"]);
        assert_eq!(set, VisibleSources::only(["b", "a", "b"]));
        for other in [&["ab"][..], &["a"], &["a", "b", "c"], &[]] {
            assert_ne!(set, VisibleSources::only(other.iter().copied()));
        }
        assert_ne!(set, VisibleSources::All);
    }

    #[test]
    fn the_digest_of_a_set_is_the_same_in_every_release() {
        let digest = VisibleSources::only(["directory", "wiki"]);
        let digest = digest.digest().map(|digest| crate::hex::hex(digest));
        assert_eq!(
            digest.as_deref(),
            Some("cfeae1769f1ea375b701fd22b418594fba052fb6a80dccc84dca4a75d56342f3")
        );
        assert_eq!(VisibleSources::All.digest(), None);
    }

    #[test]
    fn a_caller_is_shown_without_its_credentials() {
        assert_eq!(
            format!("{:?}", Caller::default()),
            "Caller { identity: Anonymous, visible: All, .. }"
        );
    }
}
