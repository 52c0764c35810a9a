//! How a snapshot's groups lie in memory: a few large buffers, and rows that say which stretch of
//! them is what.
//!
//! A group each in an allocation of its own would cost more than the groups. What many rows share,
//! such as a status, is kept once.

use std::ops::Range;

use crate::group::{JsonSource, Moment};

use super::packed_pieces::PackedPieces;
use super::stretch::Stretch;

/// How many bytes of a name take part in the order. Names that agree so far are ordered by source
/// and id. A bound is needed because a cursor carries the name it stands at.
pub const NAME_KEY_BYTES: usize = 384;

/// What stands for the length of a text that a group does not have, and for the number of one that it does
/// not share.
pub(super) const ABSENT: u32 = u32::MAX;

/// What stands for the length of a folded name that is the name itself, and written once.
pub(super) const SAME: u16 = u16::MAX;

/// What stands behind the fold of a whole name. No fold has it, and so no search looks for it: the fold would make
/// it small.
pub(super) const NAME_END: u8 = b'Z';

/// Which stretches one group takes, and what of it needs no text. A million of these are kept, so of texts that
/// follow each other there is one start, and a length of each. An id is at most 512 bytes behind a name of an
/// upstream, and a name in rows has a bound as well, so that two bytes do for their lengths.
#[derive(Debug, Clone, Copy)]
#[repr(Rust, packed(4))]
pub(super) struct Row {
    /// The group, packed.
    pub(super) packed: Stretch,
    pub(super) members: Stretch,
    /// Where its own texts begin. They stand in this order: description, id, name, folded name, external id.
    pub(super) text: u64,
    pub(super) description: u32,
    pub(super) external_id: u32,
    /// The number of a text that rows share.
    pub(super) status: u32,
    /// The same.
    pub(super) organization_id: u32,
    /// [`Moment::NONE`] if it is not known.
    pub(super) created_at: Moment,
    /// The same.
    pub(super) updated_at: Moment,
    pub(super) id: u16,
    pub(super) name: u16,
    pub(super) folded: u16,
    pub(super) deleted: bool,
    /// Whether the name is longer than its key. Then the fold of the whole name stands before that of the description,
    /// with [`NAME_END`] behind it, and counts as a part of it.
    pub(super) is_cut: bool,
}

impl Row {
    /// All of its own texts.
    #[inline]
    pub(super) fn texts(&self) -> Range<usize> {
        let start = self.text as usize;
        start..start + self.text_length()
    }

    /// The same of a row that was read and may say anything.
    pub(super) fn checked_texts(&self) -> Option<Range<usize>> {
        let start = usize::try_from(self.text).ok()?;
        Some(start..start.checked_add(self.text_length())?)
    }

    #[inline]
    pub(super) fn description(&self) -> Option<Range<usize>> {
        let start = self.text as usize;
        (self.description != ABSENT).then(|| start..start + self.description as usize)
    }

    #[inline]
    pub(super) fn id(&self) -> Range<usize> {
        let start = self.text as usize + length(self.description);
        start..start + usize::from(self.id)
    }

    #[inline]
    pub(super) fn name(&self) -> Range<usize> {
        let start = self.id().end;
        start..start + usize::from(self.name)
    }

    #[inline]
    pub(super) fn folded(&self) -> Range<usize> {
        let name = self.name();
        match self.folded {
            SAME => name,
            folded => name.end..name.end + usize::from(folded),
        }
    }

    #[inline]
    pub(super) fn external_id(&self) -> Option<Range<usize>> {
        let start = self.folded().end;
        (self.external_id != ABSENT).then(|| start..start + self.external_id as usize)
    }

    /// What searches look at, in the order of the text. A name that is cut they do not look at: it stands whole beside
    /// the description.
    #[inline]
    pub(super) fn searched(&self) -> impl Iterator<Item = Range<usize>> {
        let folded = (!self.is_cut).then(|| self.folded());
        self.description().into_iter().chain(folded)
    }

    #[inline]
    fn text_length(&self) -> usize {
        let folded = if self.folded == SAME { 0 } else { self.folded };
        let always = usize::from(self.id) + usize::from(self.name) + usize::from(folded);
        length(self.description) + always + length(self.external_id)
    }
}

/// How long a text is that may be absent.
#[inline]
const fn length(length: u32) -> usize {
    if length == ABSENT { 0 } else { length as usize }
}

/// The buffers that rows say stretches of.
pub(super) struct Buffers {
    /// What the JSON of the groups has of their source.
    pub(super) json_source: JsonSource,
    /// The groups, packed.
    pub(super) packed: PackedPieces,
    pub(super) text: String,
    pub(super) members: Vec<u32>,
    /// The texts that rows share, each once.
    pub(super) shared: Vec<Stretch>,
}

impl Buffers {
    /// How much memory they take.
    pub(super) fn bytes(&self) -> usize {
        self.packed.bytes()
            + self.text.len()
            + self.members.len() * size_of::<u32>()
            + self.shared.len() * size_of::<Stretch>()
    }

    /// The text with this number that rows share, unless it is [`ABSENT`].
    #[inline]
    pub(super) fn shared(&self, number: u32) -> Option<&str> {
        let stretch = self.shared.get(number as usize)?;
        Some(&self.text[stretch.range()])
    }
}

/// The stretch of a name that takes part in the order.
pub fn name_key(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_KEY_BYTES)]
}
