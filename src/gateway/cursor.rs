//! The token that clients get for the next page: opaque, keyset, authenticated.

use secrecy::SecretSlice;

/// Who a cursor was made for. A cursor works for nobody else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Caller {
    /// Callers are not authenticated: anybody.
    #[default]
    Anyone,
    /// One authenticated caller, by digest.
    Digest([u8; 32]),
}

/// A verified cursor.
#[derive(Debug, Clone)]
pub struct Cursor {}

/// The keys that cursors are signed and verified with: the first signs, all verify.
#[derive(Debug, Clone)]
pub struct Keys(Vec<SecretSlice<u8>>);

impl Keys {
    /// These keys; without any, a random one that ends with the process.
    pub fn new(keys: Vec<SecretSlice<u8>>) -> Self {
        Self(keys)
    }
}
