//! Which snapshot: upstream, shape, account, scope and filters.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::hex::hex;
use crate::plan::{Account, Shape};
use crate::upstream::Adapter;
use crate::upstream::pushdown::Pushed;

/// What [`CatalogKey::name`] hashes begins with. Another encoding gets another number.
const NAME_ENCODING: &[u8] = b"groupgate catalog key 1\n";

/// What stands for a caller's scope.
pub(super) type ScopeDigest = [u8; 32];

/// On whose behalf an upstream is asked. Part of every catalog key, so that forgetting it does not
/// compile.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The gateway's own account: every caller sees what it sees.
    Shared,
    /// One caller's own account, by the digest of the credentials that came with the request.
    Caller(ScopeDigest),
}

/// Which snapshot, in memory and on disk. Every part is a value of its own, never joined text:
/// another shape, another account or another caller is another key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CatalogKey {
    pub(super) upstream: Arc<str>,
    pub(super) shape: Shape,
    pub(super) account: Account,
    pub(super) scope: Scope,
    /// The filters that the upstream was asked with; none for the whole list.
    pub(super) filters: Pushed,
}

/// Without shape and account: few keys differ in nothing else, and every request hashes some.
impl Hash for CatalogKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.upstream.hash(state);
        self.scope.hash(state);
        self.filters.hash(state);
    }
}

impl CatalogKey {
    /// The key of what the gateway's own account sees.
    pub(super) fn shared(adapter: &Adapter) -> Self {
        Self {
            upstream: Arc::clone(adapter.name()),
            shape: adapter.shape(),
            account: adapter.account(),
            scope: Scope::Shared,
            filters: Pushed::NONE,
        }
    }

    /// Whether the lists of both are of one upstream and seen with the same eyes, and only shaped otherwise.
    pub(super) fn differs_in_shape_only(&self, other: &Self) -> bool {
        self.shape != other.shape
            && *self
                == Self {
                    shape: self.shape,
                    ..other.clone()
                }
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.filters.bytes()
    }

    /// What it is called outside of this process: a digest, for its parts may be long or odd. `None`
    /// of what never leaves the process: callers' own lists, and what single queries brought.
    pub(super) fn name(&self) -> Option<String> {
        if self.scope != Scope::Shared || !self.filters.is_none() {
            return None;
        }
        let mut digest = Sha256::new_with_prefix(NAME_ENCODING);
        // Of all parts but the last the length is known, so that no two keys are hashed alike.
        digest.update(self.shape.as_bytes());
        digest.update(self.account.as_bytes());
        digest.update(self.upstream.as_bytes());
        Some(hex(&digest.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_key_is_the_same_in_every_release_and_only_shared_lists_have_one() {
        let key = CatalogKey {
            upstream: "directory".into(),
            shape: Shape::default(),
            account: Account::default(),
            scope: Scope::Shared,
            filters: Pushed::NONE,
        };
        insta::assert_snapshot!(key.name().unwrap(), @"d090116cd068e7e431631913208e6b0cf99f252cf73e647a205e76897930a35f");
        let of_a_caller = CatalogKey {
            scope: Scope::Caller([7; 32]),
            ..key.clone()
        };
        assert_eq!(of_a_caller.name(), None);
        let of_another = CatalogKey {
            upstream: "wiki".into(),
            ..key.clone()
        };
        assert_ne!(of_another.name(), key.name());
    }
}
