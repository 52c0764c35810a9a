//! One `[upstreams.NAME]` block, with what is decided of it elsewhere in the file.

use crate::config::{Cache, Upstream};
use crate::problem::KeyPath;

/// A block as it is written.
#[derive(Clone, Copy)]
pub(super) struct WrittenUpstream<'a> {
    pub(super) name: &'a str,
    pub(super) upstream: &'a Upstream,
    /// What holds where the block says nothing of freshness.
    pub(super) cache: &'a Cache,
    /// The keys of the file that could not be read, and hold stand-ins.
    pub(super) unread: &'a [KeyPath],
}
