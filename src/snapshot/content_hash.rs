//! What the rows of a snapshot are, as a hash.

use std::fmt;

use blake3::Hasher;

use crate::hex::hex;

/// What the rows of a snapshot are, whatever walk or replica brought them: equal lists have equal
/// hashes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(pub(super) [u8; 16]);

impl ContentHash {
    /// The hash of rows, given packed.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut digest = ContentDigest::default();
        for row in rows {
            digest.update(row);
        }
        digest.finish()
    }

    /// The hash's bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// The hash of rows that come piece by piece, packed.
#[derive(Default)]
pub(super) struct ContentDigest(Hasher);

impl ContentDigest {
    pub(super) fn update(&mut self, packed: &[u8]) {
        self.0.update(packed);
    }

    pub(super) fn finish(self) -> ContentHash {
        let mut hash = ContentHash([0; 16]);
        hash.0.copy_from_slice(&self.0.finalize().as_bytes()[..16]);
        hash
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex(&self.0))
    }
}
