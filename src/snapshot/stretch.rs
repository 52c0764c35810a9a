//! A stretch of a buffer.

use std::ops::Range;

/// A stretch of one of the buffers, packed: every row has two.
#[derive(Debug, Clone, Copy)]
#[repr(Rust, packed(4))]
pub(super) struct Stretch {
    pub(super) start: u64,
    pub(super) length: u32,
}

impl Stretch {
    #[inline]
    pub(super) const fn between(start: usize, end: usize) -> Self {
        Self {
            start: start as u64,
            length: (end - start) as u32,
        }
    }

    /// One as long that begins elsewhere.
    #[inline]
    pub(super) const fn at(self, start: usize) -> Self {
        Self {
            start: start as u64,
            ..self
        }
    }

    #[inline]
    pub(super) fn range(self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.length as usize
    }

    /// The same of a stretch that was read and may say anything.
    pub(super) fn checked_range(self) -> Option<Range<usize>> {
        let start = usize::try_from(self.start).ok()?;
        Some(start..start.checked_add(self.length as usize)?)
    }
}
