//! Groups as they came, laid out page by page: what a snapshot is put together from.
//!
//! A group is written once, when its page is read, on the thread that reads it. What comes after only
//! drops, orders and copies rows.

use std::hash::BuildHasher as _;
use std::sync::LazyLock;

use foldhash::quality::RandomState;

use crate::fold::{is_folded_ascii, push_fold};
use crate::group::{
    Group, GroupParts, GroupPerson, GroupText, JsonSource, Moment, ReadRow, row_bytes,
};

use super::layout::{ABSENT, NAME_END, Row, SAME, name_key};
use super::member::{email_hash, member_hash};
use super::packed_pieces::PackedPieces;
use super::stretch::Stretch;

/// The groups of one page, in its order.
#[derive(Debug)]
pub struct GroupPage {
    /// What stands before the ids that groups have in their source.
    id_prefix: String,
    json_source: JsonSource,
    /// Its groups, packed.
    pub(super) packed: PackedPieces,
    /// What the group that is added is packed in.
    packing: Vec<u8>,
    pub(super) text: String,
    pub(super) members: Vec<u32>,
    pub(super) rows: Vec<PageRow>,
    /// What else was read of the records of its rows, as far as anything was.
    beside: Vec<ReadRow>,
    /// Texts that several rows may share. Rows have their numbers.
    shared: Vec<Stretch>,
    repeated: usize,
}

/// One group of a page.
#[derive(Debug, Clone, Copy)]
#[repr(Rust, packed(4))]
pub(super) struct PageRow {
    /// Its stretches are those of the page.
    pub(super) row: Row,
    pub(super) id_hash: u64,
    pub(super) is_nested: bool,
    pub(super) is_repeated: bool,
    /// Whether its record says that the group has been deleted.
    pub(super) is_removed: bool,
}

/// One group of a page, as a walk looks at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageRowRef<'a> {
    pub(super) page: &'a GroupPage,
    pub(super) row: &'a PageRow,
}

/// How many bytes of a buffer are reserved ahead, at most, unless the page itself is large. The first groups of
/// a page may be of another kind than the others.
const EXPECTED: usize = 1 << 20;

/// What is reserved before anything is known of the groups of a page: for the one that is packed, and for each in bytes
/// of text and in hashes of members.
const PACKED: usize = 512;
const TEXT: usize = 128;
const MEMBERS: usize = 8;

/// How many times as long as their page groups are, at most, where room is reserved for them.
const LONGER: usize = 3;

/// How many texts of a page are looked through for one that is the same.
const SHARED: usize = 8;

impl GroupPage {
    /// A page without groups.
    pub(crate) fn new(source: &str) -> Self {
        Self {
            id_prefix: [source, ":"].concat(),
            json_source: JsonSource::of(source),
            packed: PackedPieces::default(),
            packing: Vec::new(),
            text: String::new(),
            members: Vec::new(),
            rows: Vec::new(),
            beside: Vec::new(),
            shared: Vec::new(),
            repeated: 0,
        }
    }

    /// Gets ready for so many groups, the first of a page, of which nothing is known yet.
    pub(crate) fn expect_first(&mut self, groups: usize) {
        self.packing.reserve(PACKED);
        self.text.reserve(groups * TEXT);
        self.members.reserve(groups * MEMBERS);
        self.rows.reserve(groups);
        self.shared.reserve(SHARED.min(groups));
    }

    /// Gets ready for so many more groups like those that there are, but for no more than can be expected of a
    /// page of so many `bytes`.
    pub(crate) fn expect(&mut self, more: usize, bytes: usize) {
        let most = EXPECTED.max(bytes.saturating_mul(LONGER));
        let groups = self.rows.len().max(1);
        // A bit more, for they are not all of one length.
        let by = |length: usize, size: usize| {
            let each = length / groups + length / groups / 8;
            each.saturating_mul(more).min(most / size)
        };
        self.packed.reserve(by(self.packed.len(), 1));
        self.text.reserve(by(self.text.len(), 1));
        self.members
            .reserve(by(self.members.len(), size_of::<u32>()));
        self.rows.reserve(more.min(most / size_of::<PageRow>()));
    }

    /// Adds a group with its people among these, and with these attributes, which are an object.
    pub(crate) fn push(
        &mut self,
        group: &GroupParts<'_>,
        people: &[GroupPerson<'_>],
        is_nested: bool,
        attributes: &str,
    ) {
        self.packing.clear();
        group.pack(people, attributes, &mut self.packing);
        let packed = self.packed.push(&self.packing);
        let members = self.members.len();
        for person in group.people(people) {
            if let Some(id) = &person.id {
                self.members.push(member_hash(&id.text));
            }
            if let Some(email) = &person.email {
                self.members.push(email_hash(&email.text));
            }
        }
        let mut share = |text: Option<&str>| text.map_or(ABSENT, |text| self.share(text));
        let status = share(group.status.as_ref().map(|status| &*status.text));
        let organization_id = share(group.organization_id.as_ref().map(|id| &*id.text));
        let own = self.text.len();
        let whole_name = &*group.name.text;
        let name = name_key(whole_name);
        // Searches look at the whole name, the order only at its key.
        let is_cut = name.len() < whole_name.len();
        let description = if is_cut || group.description.is_some() {
            let description = group.description.as_ref().map(|text| &*text.text);
            if is_cut {
                push_fold(&mut self.text, whole_name);
                self.text.push(char::from(NAME_END));
            }
            push_fold(&mut self.text, description.unwrap_or_default());
            (self.text.len() - own) as u32
        } else {
            ABSENT
        };
        let id = self.text.len();
        self.text.push_str(&self.id_prefix);
        self.text.push_str(&group.source_id.text);
        let name_at = self.text.len();
        self.text.push_str(name);
        let folded = self.push_folded(name);
        let external_id = group.external_id.as_ref().map_or(ABSENT, |id| {
            self.text.push_str(&id.text);
            id.text.len() as u32
        });
        let row = Row {
            packed,
            members: Stretch::between(members, self.members.len()),
            text: own as u64,
            description,
            external_id,
            status,
            organization_id,
            created_at: group.created_at.map_or(Moment::NONE, |time| time.moment),
            updated_at: group.updated_at.map_or(Moment::NONE, |time| time.moment),
            id: (name_at - id) as u16,
            name: name.len() as u16,
            folded,
            deleted: group.deleted_at.is_some(),
            is_cut,
        };
        self.rows.push(PageRow {
            row,
            id_hash: id_hash(&group.source_id.text),
            is_nested,
            is_repeated: false,
            is_removed: false,
        });
    }

    /// Writes the fold of a name behind it, unless it is the name itself, and says how long it is.
    fn push_folded(&mut self, name: &str) -> u16 {
        if is_folded_ascii(name) {
            return SAME;
        }
        let start = self.text.len();
        push_fold(&mut self.text, name);
        if self.text[start..] == *name {
            self.text.truncate(start);
            return SAME;
        }
        (self.text.len() - start) as u16
    }

    /// The last group is none: its record says that it has been deleted.
    pub(crate) fn mark_removed(&mut self) {
        if let Some(last) = self.rows.last_mut() {
            last.is_removed = true;
        }
    }

    /// Lays out that the group with this id is none any more.
    pub(crate) fn push_removed(&mut self, id: &str) {
        let group = GroupParts {
            source_id: GroupText::any(id),
            name: GroupText::any(id),
            ..GroupParts::default()
        };
        self.push(&group, &[], false, "{}");
        self.mark_removed();
    }

    /// Drops the groups whose records say that they have been deleted.
    pub(super) fn drop_removed(&mut self) {
        let rows = self.rows.iter().enumerate();
        let removed = rows.filter(|(_, row)| row.is_removed && !row.is_repeated);
        let removed: Vec<usize> = removed.map(|(index, _)| index).collect();
        self.drop_repeated(&removed);
    }

    /// Keeps what else was read of the record of the last group.
    pub(crate) fn put_beside(&mut self, row: ReadRow) {
        self.beside.push(row);
    }

    /// The number of a text that other rows may have, too.
    pub(super) fn share(&mut self, text: &str) -> u32 {
        let mut known = self.shared.iter().take(SHARED);
        let known = known.position(|known| self.text[known.range()] == *text);
        let number = known.unwrap_or_else(|| {
            let start = self.text.len();
            self.text.push_str(text);
            self.shared.push(Stretch::between(start, self.text.len()));
            self.shared.len() - 1
        });
        number as u32
    }

    /// The texts that its rows share, by their numbers.
    pub(super) fn shared_texts(&self) -> impl Iterator<Item = &str> {
        self.shared.iter().map(|shared| &self.text[shared.range()])
    }

    /// Gives back what it does not need any more, now that all of its groups are there.
    pub(crate) fn shrink(&mut self) {
        self.packing = Vec::new();
        self.packed.shrink();
        self.text.shrink_to_fit();
        self.members.shrink_to_fit();
        self.rows.shrink_to_fit();
        self.shared.shrink_to_fit();
    }

    /// How many groups there are that did not come before.
    pub const fn len(&self) -> usize {
        self.rows.len() - self.repeated
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The groups that did not come before.
    pub(super) fn distinct(&self) -> impl Iterator<Item = &PageRow> {
        self.rows.iter().filter(|row| !row.is_repeated)
    }

    /// All of its groups, in order.
    pub(crate) fn rows(&self) -> impl ExactSizeIterator<Item = PageRowRef<'_>> {
        self.rows.iter().map(|row| PageRowRef { page: self, row })
    }

    /// What else was read of the record of one of its groups.
    pub(crate) fn beside(&self, index: usize) -> Option<&ReadRow> {
        self.beside.get(index)
    }

    /// One of its groups.
    pub(crate) fn row(&self, index: usize) -> Option<PageRowRef<'_>> {
        let row = self.rows.get(index)?;
        Some(PageRowRef { page: self, row })
    }

    /// From now on these groups count as such that came before.
    pub(super) fn drop_repeated(&mut self, indexes: &[usize]) {
        for &index in indexes {
            if let Some(row) = self.rows.get_mut(index) {
                row.is_repeated = true;
            }
        }
        self.repeated += indexes.len();
    }

    /// How much memory it takes.
    pub(crate) fn bytes(&self) -> u64 {
        let rows = self.rows.capacity() * size_of::<PageRow>();
        let members = self.members.capacity() * size_of::<u32>();
        let shared = self.shared.capacity() * size_of::<Stretch>();
        let buffers = self.packed.bytes() + self.packing.capacity() + self.text.capacity();
        let beside: u64 = self.beside.iter().map(row_bytes).sum();
        (size_of::<Self>() + rows + members + shared + buffers) as u64 + beside
    }

    /// How much memory its groups take in a snapshot at least: walks need not go on once what they have
    /// takes more than there is.
    pub(crate) fn least_bytes(&self) -> u64 {
        let shared: usize = self.shared_texts().map(str::len).sum();
        let own = self.text.len() - shared;
        let members = size_of_val(self.members.as_slice());
        let rows = self.rows.len() * size_of::<Row>();
        (self.packed.len() + own + members + rows) as u64
    }
}

impl<'a> PageRowRef<'a> {
    /// The group's id in its source.
    pub(crate) fn source_id(self) -> &'a str {
        let id = &self.page.text[self.row.row.id()];
        id.get(self.page.id_prefix.len()..).unwrap_or_default()
    }

    /// The group's normalized id.
    pub(crate) fn id(self) -> &'a str {
        &self.page.text[self.row.row.id()]
    }

    /// When the group last changed.
    pub(crate) const fn updated_at(self) -> Option<Moment> {
        self.row.row.updated_at.known()
    }

    /// Whether the upstream marks the group deleted.
    pub(crate) const fn is_deleted(self) -> bool {
        self.row.row.deleted
    }

    /// Whether its record says that the group has been deleted.
    pub(crate) const fn is_removed(self) -> bool {
        self.row.is_removed
    }

    /// By which groups with one id find each other.
    pub(crate) const fn id_hash(self) -> u64 {
        self.row.id_hash
    }

    /// Whether the group came before.
    pub(crate) const fn is_repeated(self) -> bool {
        self.row.is_repeated
    }

    /// Whether its record stands below another one, and is not listed itself.
    pub(crate) const fn is_nested(self) -> bool {
        self.row.is_nested
    }

    /// The group, packed: equal for equal groups of one source.
    pub(crate) fn packed(self) -> &'a [u8] {
        self.page.packed.row(self.row.row.packed)
    }

    /// The group's JSON.
    #[cfg(test)]
    pub(crate) fn json(self) -> Vec<u8> {
        self.page.json_source.json(self.packed())
    }

    /// The group itself, read back from its JSON.
    pub(crate) fn group(self) -> Result<Group, serde_json::Error> {
        self.page.json_source.group(self.packed())
    }
}

/// The hash of an id: the same as long as the process runs, and nothing that an upstream could foresee.
pub(super) fn id_hash(source_id: &str) -> u64 {
    static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::default);
    STATE.hash_one(source_id)
}
