//! Which snapshot: upstream, shape, account, scope and filters.

use std::sync::Arc;

use crate::plan::digest::{Account, Shape};
use crate::upstream::Adapter;
use crate::upstream::pushdown::Pushed;

/// On whose behalf an upstream is asked. Part of every catalog key, so that forgetting it does not
/// compile.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The gateway's own account: every caller sees what it sees.
    Shared,
    /// One caller's own account, by the digest of the credentials that came with the request.
    Caller([u8; 32]),
}

/// Which snapshot: every part of the key is a value of its own, never joined text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) upstream: Arc<str>,
    pub(super) shape: Shape,
    pub(super) account: Account,
    pub(super) scope: Scope,
    /// The filters that the upstream was asked with; none for the whole list.
    pub(super) pushed: Pushed,
}

impl Key {
    /// The key of what the gateway's own account sees.
    pub(super) fn shared(adapter: &Adapter) -> Self {
        Self {
            upstream: Arc::clone(adapter.name()),
            shape: adapter.shape(),
            account: adapter.account(),
            scope: Scope::Shared,
            pushed: Pushed::NONE,
        }
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.pushed.bytes()
    }
}
