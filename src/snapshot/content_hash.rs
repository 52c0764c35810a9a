//! What the rows of a snapshot are, as a hash.

use std::cell::Cell;
use std::fmt;

use blake3::Hasher;

use crate::hex::hex;

/// How much is hashed at once: as much as is still in the cache when it has been copied, and of a length that is
/// quickly hashed. The rows themselves are short, and each is elsewhere in memory.
const HASHED: usize = 128 * 1024;

thread_local! {
    /// What rows are copied to, list after list.
    static TOGETHER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What the rows of a snapshot are, whatever walk or replica brought them: equal lists have equal
/// hashes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(pub(super) [u8; 16]);

impl ContentHash {
    /// The hash of rows, given packed.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = Hasher::new();
        let mut together = TOGETHER.take();
        for row in rows {
            together.extend_from_slice(row);
            let whole = together.len() / HASHED * HASHED;
            if whole > 0 {
                hasher.update(&together[..whole]);
                together.drain(..whole);
            }
        }
        hasher.update(&together);
        let mut hash = Self([0; 16]);
        hash.0.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        if together.capacity() <= 2 * HASHED {
            together.clear();
            TOGETHER.set(together);
        }
        hash
    }

    /// The hash's bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex(&self.0))
    }
}
