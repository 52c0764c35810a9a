//! Builds a tape, value by value, in the order of the page, and within the memory that a page may take.

use std::borrow::Cow;

use super::repeated::{self, RepeatRule};
use super::{ENTRY, EntryKind, Tape, TapeEntry, spare, text};
use crate::page::format::limits::Bounds;

/// A tape that is being built.
#[derive(Debug)]
pub(in crate::page::format) struct TapeBuilder {
    /// How long the page's own text is.
    source: usize,
    /// How much memory there is for all but that text, and but for what is open: of that there is no more
    /// than `limits.depth` allows.
    room: usize,
    /// What the page writes in another way than it is meant.
    beside: String,
    entries: Vec<TapeEntry>,
    /// How far the page is read at least.
    reached: usize,
}

/// There is no memory for more: a page may take no more than this.
#[derive(Debug)]
pub(in crate::page::format) struct TapeFull;

/// A list or an object that is open.
#[derive(Debug)]
pub(in crate::page::format) struct OpenEntry {
    pub(in crate::page::format) kind: EntryKind,
    pub(in crate::page::format) index: usize,
    /// Where it begins in the page; 0 in formats of which nothing is verbatim.
    pub(in crate::page::format) start: u32,
    /// As in its [`TapeEntry`].
    pub(in crate::page::format) verbatim: u16,
    /// How many items or members it has so far.
    pub(in crate::page::format) count: u32,
    /// Whether a name may have come twice.
    pub(in crate::page::format) may_repeat: bool,
    /// The member that is expected next, and how many more are: those of an earlier object, which most
    /// probably has the same ones.
    expected: u32,
    expects: u32,
    /// The earlier value that the next one in it is probably like, or 0.
    model: u32,
}

impl OpenEntry {
    /// Takes note that a list has begun in an object whose members are all lists: what comes next is
    /// like what stands in such a list.
    #[inline]
    pub(in crate::page::format) const fn enter_list(&mut self) {
        if self.model > 0 {
            self.model += 1;
        }
    }
}

/// How far a name is looked for among those that are expected. Others are absent then.
const LOOK_AHEAD: u32 = 8;

/// Up to so many names are compared with each other; a table costs more.
const FEW: u32 = 16;

impl TapeBuilder {
    /// For the page of this text; `None` if it is too long for any.
    pub(in crate::page::format) fn new(source: &str, bounds: Bounds) -> Option<Self> {
        // What stands beside a text is hardly longer than it is.
        let fits = source.len() < u32::MAX as usize / 2;
        let room = usize::try_from(bounds.room.as_u64()).unwrap_or(usize::MAX);
        let room = room.saturating_sub(source.len());
        let most = room / ENTRY;
        fits.then(|| Self {
            source: source.len(),
            room,
            beside: String::new(),
            entries: match bounds.entries {
                0 => spare::entries(source.len(), most),
                expected => Vec::with_capacity(expected.min(most)),
            },
            reached: 0,
        })
    }

    /// The index of the entry that comes next.
    #[inline]
    pub(in crate::page::format) const fn next(&self) -> usize {
        self.entries.len()
    }

    #[inline]
    pub(in crate::page::format) fn push(&mut self, entry: TapeEntry) -> Result<(), TapeFull> {
        if self.entries.len() == self.entries.capacity() {
            self.grow()?;
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Pushes a name and its value.
    #[inline]
    pub(in crate::page::format) fn push_member(
        &mut self,
        member: [TapeEntry; 2],
    ) -> Result<(), TapeFull> {
        if self.entries.capacity() - self.entries.len() >= member.len() {
            self.entries.extend_from_slice(&member);
            return Ok(());
        }
        member.into_iter().try_for_each(|entry| self.push(entry))
    }

    #[inline]
    pub(in crate::page::format) fn entry_mut(&mut self, index: usize) -> Option<&mut TapeEntry> {
        self.entries.get_mut(index)
    }

    #[inline]
    fn entry(&self, index: u32) -> TapeEntry {
        let entry = self.entries.get(index as usize);
        entry.copied().unwrap_or(TapeEntry::NULL)
    }

    /// Forgets everything from an index on.
    pub(in crate::page::format) fn truncate(&mut self, index: usize) {
        self.entries.truncate(index);
    }

    /// Takes note that the page is read up to a byte, where no entry says it.
    #[inline]
    pub(in crate::page::format) const fn reach(&mut self, at: usize) {
        self.reached = at;
    }

    /// Makes room for more entries: for as many as the rest of the page will probably need.
    #[cold]
    #[inline(never)]
    fn grow(&mut self) -> Result<(), TapeFull> {
        let length = self.entries.len();
        let last = self.entries.iter().rev().take(8);
        let last = last.map(|entry| entry.start as usize);
        let read = last.filter(|start| *start < self.source).max();
        let wanted = match read.unwrap_or_default().max(self.reached) {
            0 => self.source / 64 + 16,
            // Entries so far, for so many bytes of the page.
            read => {
                let all = length as u64 * self.source as u64 / read as u64;
                (all + all / 8) as usize
            }
        };
        let wanted = wanted.max(length + length / 4 + 16);
        // While they are moved, there are those before beside them: all of the new ones must fit.
        let capacity = wanted.min(self.left() / ENTRY);
        if capacity <= length {
            return Err(TapeFull);
        }
        let more = capacity - length;
        self.entries.try_reserve_exact(more).map_err(|_| TapeFull)
    }

    /// How much memory is left.
    const fn left(&self) -> usize {
        let taken = self.entries.capacity() * ENTRY + self.beside.capacity();
        self.room.saturating_sub(taken)
    }

    /// Puts an item on a list that is there while the tape is built, and counts its memory.
    #[inline]
    pub(in crate::page::format) fn push_to<T>(
        &mut self,
        list: &mut Vec<T>,
        item: T,
    ) -> Result<(), TapeFull> {
        if list.len() == list.capacity() {
            let more = list.capacity().max(16);
            // While they are moved, there are those before beside them. Nothing is given back.
            let bytes = (list.capacity() + more) * size_of::<T>();
            if bytes > self.left() {
                return Err(TapeFull);
            }
            self.room -= bytes;
            list.reserve_exact(more);
        }
        list.push(item);
        Ok(())
    }

    /// Where the next text beside the page begins.
    #[inline]
    pub(in crate::page::format) const fn beside_start(&self) -> usize {
        self.beside.len()
    }

    /// Writes a text beside the page.
    #[inline]
    pub(in crate::page::format) fn write_beside(&mut self, text: &str) -> Result<(), TapeFull> {
        if self.beside.capacity() - self.beside.len() < text.len() {
            self.grow_beside(text.len())?;
        }
        self.beside.push_str(text);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn grow_beside(&mut self, length: usize) -> Result<(), TapeFull> {
        let capacity = (self.beside.len() + length).max(2 * self.beside.capacity());
        if capacity > self.left() {
            return Err(TapeFull);
        }
        let more = capacity - self.beside.len();
        self.beside.try_reserve_exact(more).map_err(|_| TapeFull)
    }

    /// The entry of what was written beside the page since `start`.
    pub(in crate::page::format) const fn beside_since(&self, start: usize) -> TapeEntry {
        TapeEntry {
            start: (self.source + start) as u32,
            length: (self.beside.len() - start) as u32,
            ..TapeEntry::bare(EntryKind::Text)
        }
    }

    /// Opens a list or an object that begins at a byte of the page, as a value of what it stands in.
    #[inline]
    pub(in crate::page::format) fn open(
        &mut self,
        kind: EntryKind,
        start: u32,
        parent: Option<&OpenEntry>,
    ) -> Result<OpenEntry, TapeFull> {
        let index = self.entries.len();
        self.push(TapeEntry {
            start,
            ..TapeEntry::bare(kind)
        })?;
        let mut open = OpenEntry {
            kind,
            index,
            start,
            verbatim: 0,
            count: 0,
            may_repeat: false,
            expected: 0,
            expects: 0,
            model: 0,
        };
        let model = parent.map_or(0, |parent| parent.model);
        let like = self.entry(model);
        if model > 0 && like.kind == kind && like.length > 0 {
            if kind == EntryKind::Object {
                (open.expected, open.expects) = (model + 1, like.length);
            } else {
                open.model = model + 1;
            }
        }
        Ok(open)
    }

    /// The name of the member that most probably comes next in an object.
    #[inline]
    pub(in crate::page::format) fn expected(&self, open: &OpenEntry) -> Option<&TapeEntry> {
        if open.expects == 0 {
            return None;
        }
        self.entries.get(open.expected as usize)
    }

    /// Takes note that the expected member has come.
    #[inline]
    pub(in crate::page::format) fn meet(&self, open: &mut OpenEntry) {
        open.count += 1;
        open.expects -= 1;
        open.model = open.expected + 1;
        open.expected = open.model + self.entry(open.model).span;
    }

    /// Takes note of a member's name that may be another one than was expected.
    pub(in crate::page::format) fn note(
        &self,
        open: &mut OpenEntry,
        name: TapeEntry,
        source: &str,
    ) {
        let name = text(name, source, &self.beside);
        let (before, expects) = (open.expected, open.expects);
        // Those that are expected differ, so no name repeats among some of them in their order.
        for _ in 0..expects.min(LOOK_AHEAD) {
            if text(self.entry(open.expected), source, &self.beside) == name {
                return self.meet(open);
            }
            open.expects -= 1;
            open.expected += 1;
            open.expected += self.entry(open.expected).span;
        }
        (open.expected, open.expects) = (before, expects);
        // It may be among those that were not looked at, or among more names than are compared.
        open.may_repeat |= expects > LOOK_AHEAD || open.count > FEW || self.has(open, name, source);
        // Where names are data, the value is probably like the one before.
        open.count += 1;
    }

    /// Whether an object has a member of this name so far.
    fn has(&self, open: &OpenEntry, name: &[u8], source: &str) -> bool {
        let mut next = open.index as u32 + 1;
        (0..open.count).any(|_| {
            let member = self.entry(next);
            next += 1;
            next += self.entry(next).span;
            text(member, source, &self.beside) == name
        })
    }

    /// Closes a list or an object, as a value of what it stands in. Of members with one name that count
    /// which `counts` says.
    #[inline]
    pub(in crate::page::format) fn close(
        &mut self,
        open: &mut OpenEntry,
        parent: Option<&mut OpenEntry>,
        source: &str,
        counts: RepeatRule,
    ) -> Result<(), TapeFull> {
        self.settle(open, source, counts)?;
        let span = self.entries.len() - open.index;
        if let Some(entry) = self.entries.get_mut(open.index) {
            entry.verbatim = open.verbatim;
            entry.length = open.count;
            entry.span = span as u32;
        }
        // Of those in one list, the one with the most members is the best model for others.
        if let Some(parent) = parent {
            let model = self.entry(parent.model);
            if parent.model == 0 || model.kind != open.kind || model.length <= open.count {
                parent.model = open.index as u32;
            }
        }
        Ok(())
    }

    /// Sees to it that no name comes twice in an object of which nothing else was begun since.
    #[inline]
    pub(in crate::page::format) fn settle(
        &mut self,
        open: &mut OpenEntry,
        source: &str,
        counts: RepeatRule,
    ) -> Result<(), TapeFull> {
        if open.may_repeat {
            open.may_repeat = false;
            self.settle_members(open, source, counts)?;
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn settle_members(
        &mut self,
        open: &mut OpenEntry,
        source: &str,
        counts: RepeatRule,
    ) -> Result<(), TapeFull> {
        let members = self.entries.get(open.index + 1..).unwrap_or_default();
        let count = open.count as usize;
        if repeated::to_look(count) > self.left() {
            return Err(TapeFull);
        }
        let text = |name: &TapeEntry| text(*name, source, &self.beside);
        if !repeated::may_repeat(members, count, text) {
            return Ok(());
        }
        if repeated::to_settle(members.len(), count) > self.left() {
            return Err(TapeFull);
        }
        let (members, count) = repeated::settled(members, count, text, counts);
        self.entries.truncate(open.index + 1);
        self.entries.extend(members);
        open.count = count;
        Ok(())
    }

    /// The tape of the page of this text, the one that it was begun with.
    pub(in crate::page::format) fn finish(self, source: Cow<'_, str>, is_xml: bool) -> Tape {
        Tape {
            text: match source {
                Cow::Borrowed(text) => spare::copied(text),
                Cow::Owned(text) => text,
            },
            beside: self.beside,
            entries: self.entries,
            is_xml,
            columns: None,
        }
    }
}
