//! What a list of groups depends on, as two digests: its shape, and the account it was read with.
//!
//! A snapshot is kept under both, in memory and on disk. Another shape or another account is another
//! key, so a list is never served for settings that would have brought another one. What only says
//! how an upstream is treated (limits, breaker, freshness, how it is reached) is in neither: whoever
//! gives an upstream more time during an outage, and starts again, still finds the list from before.
//!
//! Both are taken over a canonical encoding ([`encoding`]) in which keys at their defaults are left
//! out, so that a release with a new key still finds what an older one wrote. A test holds the
//! digests of the shipped `gateway.toml`; where it fails, every list on disk would be read anew.

mod account;
mod encoding;
mod fields;
mod paging;
mod pushdown;
mod request;
mod shape;

#[cfg(test)]
mod tests;

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::config::secret::SecretError;
use crate::config::{SecretReader, Upstream};
use crate::hex::hex;

/// What a list looks like: how it is asked for, paged and mapped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Shape([u8; 16]);

/// Whose eyes a list was seen with.
///
/// A keyed hash of the values that are sent along, secrets included, and of who asks: the public part
/// of the auth scheme where it has one (user name, client id, key id), so that rotating its secret
/// keeps the list; the token itself where there is nothing else; or, instead of either, the name that
/// the block gives the account (`account = "svc-groups"`).
///
/// The key of the hash is fixed. It cannot be drawn by each process: the list on disk must be found
/// after a restart, and replicas that share a store must agree. It only keeps these hashes apart from
/// hashes of the same secrets that are made for other purposes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Account([u8; 16]);

impl Shape {
    /// The shape of an upstream's list.
    pub fn of(upstream: &Upstream) -> Self {
        let mut hash = Sha256::new_with_prefix(b"groupgate shape 1\n");
        hash.update(shape::of(upstream).to_bytes());
        Self(half(&hash.finalize().into()))
    }

    /// The digest's bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl Account {
    /// The account that an upstream is asked with.
    pub fn of(upstream: &Upstream, secrets: &SecretReader<'_>) -> Result<Self, SecretError> {
        let encoded = account::of(upstream, secrets)?.to_bytes();
        Ok(Self(half(&account::keyed_hash(&encoded))))
    }

    /// The digest's bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// The first half of a hash: 128 bits tell any two apart.
fn half(hash: &[u8; 32]) -> [u8; 16] {
    std::array::from_fn(|at| hash[at])
}

impl fmt::Display for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex(&self.0))
    }
}

impl fmt::Display for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex(&self.0))
    }
}
