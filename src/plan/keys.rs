//! What a list of groups is kept under: its shape, and the account that it was read with.

use std::fmt;

use crate::hex::hex;

/// What a list looks like: how it is asked for, paged and mapped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Shape([u8; 16]);

/// The account that a list was read with.
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
    /// The shape with this digest.
    pub const fn new(digest: [u8; 16]) -> Self {
        Self(digest)
    }

    /// The digest's bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl Account {
    /// The account with this digest.
    pub const fn new(digest: [u8; 16]) -> Self {
        Self(digest)
    }

    /// The digest's bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
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
