//! How much a body may hold.

use bytesize::ByteSize;

use crate::plan::Limits;

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
    /// As much as `limits` allow.
    pub fn of(limits: &Limits) -> Self {
        Self {
            depth: limits.depth,
            room: ByteSize(limits.page_bytes.as_u64().saturating_mul(GROWTH)),
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
    /// As much as the defaults allow.
    fn default() -> Self {
        Self::of(&Limits::default())
    }
}
