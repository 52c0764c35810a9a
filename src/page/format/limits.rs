//! How much a body may hold.

use bytesize::ByteSize;

/// How many times as large as `limits.page_bytes` a page may be in memory. Groups take eight to
/// twenty times as much as their text, lists of almost nothing sixty times.
pub(super) const GROWTH: u64 = 16;

/// How much a body may hold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How deep lists and objects, or elements, may be nested.
    pub(super) depth: u32,
    /// How much memory all of them may take.
    pub(super) room: ByteSize,
}

impl Bounds {
    /// So deep, and so much memory as a page of `page_bytes` may take.
    pub const fn new(depth: u32, page_bytes: ByteSize) -> Self {
        Self {
            depth,
            room: ByteSize(page_bytes.as_u64().saturating_mul(GROWTH)),
        }
    }

    #[cfg(test)]
    pub(super) fn deep(depth: u32) -> Self {
        Self {
            depth,
            ..Self::default()
        }
    }
}

impl Default for Bounds {
    /// For what comes from no upstream with limits of its own.
    fn default() -> Self {
        Self::new(128, ByteSize::mib(64))
    }
}
