//! How a snapshot's groups lie in memory: a few large buffers, and rows that say which stretch of
//! them is what.
//!
//! A group each in an allocation of its own would cost more than the groups. What many rows share,
//! such as a status, is kept once.

use std::ops::Range;

use crate::group::Moment;
use bytes::Bytes;

/// How many bytes of a name take part in the order. Names that agree so far are ordered by source
/// and id. A bound is needed because a cursor carries the name it stands at.
pub const NAME_KEY_BYTES: usize = 384;

/// A stretch of one of the buffers. Every row has nine, so they are packed.
#[derive(Debug, Clone, Copy)]
#[repr(Rust, packed(4))]
pub(super) struct Stretch {
    pub(super) start: u64,
    pub(super) length: u32,
}

impl Stretch {
    /// What an absent text is: a stretch that no text can have.
    pub(super) const ABSENT: Self = Self {
        start: u64::MAX,
        length: 0,
    };

    #[inline]
    pub(super) const fn between(start: usize, end: usize) -> Self {
        Self {
            start: start as u64,
            length: (end - start) as u32,
        }
    }

    /// The same stretch of a buffer in which all that begins at `from` begins at `to`.
    #[inline]
    pub(super) fn moved(self, from: Self, to: usize) -> Self {
        if self.is_absent() {
            return self;
        }
        Self {
            start: self.start - from.start + to as u64,
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

    #[inline]
    pub(super) const fn is_absent(self) -> bool {
        self.start == Self::ABSENT.start
    }
}

/// Which stretches one group takes, and what of it needs no text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) json: Stretch,
    pub(super) id: Stretch,
    pub(super) name: Stretch,
    pub(super) folded: Stretch,
    pub(super) description: Stretch,
    pub(super) status: Stretch,
    pub(super) organization_id: Stretch,
    pub(super) external_id: Stretch,
    pub(super) members: Stretch,
    /// [`Moment::NONE`] if it is not known.
    pub(super) created_at: Moment,
    /// The same.
    pub(super) updated_at: Moment,
    pub(super) deleted: bool,
}

impl Row {
    /// What searches look at, in the order of the text.
    #[inline]
    pub(super) fn searched(&self) -> impl Iterator<Item = Stretch> {
        let stretches = [self.description, self.folded].into_iter();
        stretches.filter(|stretch| !stretch.is_absent())
    }

    /// What a group need not have.
    pub(super) const fn may_be_absent(&self) -> [Stretch; 4] {
        [
            self.description,
            self.status,
            self.organization_id,
            self.external_id,
        ]
    }
}

/// The buffers that rows say stretches of.
pub(super) struct Buffers {
    /// The groups' JSON, one after the other in default order.
    pub(super) json: Bytes,
    pub(super) text: String,
    pub(super) members: Vec<u64>,
}

impl Buffers {
    /// How much memory they take.
    pub(super) fn bytes(&self) -> usize {
        self.json.len() + self.text.len() + self.members.len() * size_of::<u64>()
    }

    #[inline]
    pub(super) fn text(&self, stretch: Stretch) -> Option<&str> {
        (!stretch.is_absent()).then(|| &self.text[stretch.range()])
    }
}

/// The stretch of a name that takes part in the order.
pub fn name_key(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_KEY_BYTES)]
}
