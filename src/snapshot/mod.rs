//! The immutable, normalized result of one walk, laid out for queries.
//!
//! Rows stand in the default order (folded name, name, source, id). Each group's JSON is rendered
//! once, into one buffer, so that a page is cut from memory; what filters and sorts look at stands
//! beside it in one text buffer. Nothing here is ever changed: a refresh makes a new snapshot.

mod counts;
mod layout;
mod member;
mod row;

pub use counts::Counts;
pub use member::MemberKey;
pub use row::RowRef;

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::fold::fold;
use crate::group::Group;

use layout::{Layout, Row, Stretch};

/// How many bytes of a name take part in the order. Names that agree so far are ordered by source
/// and id. A bound is needed because a cursor carries the name it stands at.
pub const NAME_KEY_BYTES: usize = 384;

/// How long a source's id of a group may be, for the same reason.
pub const SOURCE_ID_BYTES: usize = 512;

/// The whole group list of one upstream and credential scope.
pub struct Snapshot {
    source: Arc<str>,
    rows: Vec<Row>,
    json: Bytes,
    text: String,
    members: Vec<u64>,
    by_id: Vec<u32>,
    hash: ContentHash,
}

/// What the rows of a snapshot are, whatever walk or replica brought them: equal lists have equal
/// hashes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash([u8; 16]);

impl ContentHash {
    /// The hash of rows, given as their JSON.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut digest = Sha256::new();
        for row in rows {
            digest.update(row);
        }
        let mut hash = Self([0; 16]);
        hash.0.copy_from_slice(&digest.finalize()[..16]);
        hash
    }

    /// The hash's bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(formatter, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl Snapshot {
    /// Normalizes the order of `groups` and lays them out. Ids must be unique; the walk sees to
    /// that.
    pub fn new(source: Arc<str>, groups: Vec<Group>) -> Self {
        let mut keyed: Vec<_> = groups
            .into_iter()
            .map(|group| {
                let key = name_key(&group.name).len();
                (fold(&group.name[..key]).into_owned(), key, group)
            })
            .collect();
        keyed.sort_unstable_by(
            |(left_fold, left_key, left), (right_fold, right_key, right)| {
                left_fold
                    .cmp(right_fold)
                    .then_with(|| left.name[..*left_key].cmp(&right.name[..*right_key]))
                    .then_with(|| left.id.cmp(&right.id))
            },
        );
        let mut layout = Layout::default();
        let rows = keyed
            .iter()
            .map(|(folded, _, group)| layout.row(folded, group))
            .collect();
        let hash = ContentHash::of([&*layout.json]);
        layout.text.shrink_to_fit();
        layout.members.shrink_to_fit();
        layout.json.shrink_to_fit();
        let mut snapshot = Self {
            source,
            rows,
            json: layout.json.into(),
            text: layout.text,
            members: layout.members,
            by_id: Vec::new(),
            hash,
        };
        snapshot.by_id = snapshot.rows_by_id();
        snapshot
    }

    /// The upstream that the groups came from.
    pub const fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the upstream has no group at all.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What the content is, by which snapshots compare.
    pub const fn hash(&self) -> ContentHash {
        self.hash
    }

    /// The groups' JSON, one after the other in default order.
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// How much memory a group takes in a snapshot at least: walks need not go on once the groups
    /// that they have take more than there is.
    pub fn least_bytes(group: &Group) -> usize {
        let mut counter = Counter(0);
        let rendered = serde_json::to_writer(&mut counter, group);
        debug_assert!(rendered.is_ok(), "a group always renders");
        counter.0 + size_of::<Row>()
    }

    /// How much memory the snapshot takes.
    pub fn bytes(&self) -> usize {
        self.json.len()
            + self.text.len()
            + self.members.len() * size_of::<u64>()
            + self.rows.len() * size_of::<Row>()
            + self.by_id.len() * size_of::<u32>()
            + size_of::<Self>()
    }

    /// The row at `index`, in default order.
    ///
    /// # Panics
    ///
    /// When there is no such row.
    pub fn row(&self, index: usize) -> RowRef<'_> {
        RowRef {
            snapshot: self,
            row: &self.rows[index],
        }
    }

    /// The index of the row with this normalized id.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.by_id
            .binary_search_by(|&row| self.row(row as usize).id().cmp(id))
            .ok()
            .map(|place| self.by_id[place] as usize)
    }

    /// All rows, in default order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = RowRef<'_>> {
        self.rows.iter().map(|row| RowRef {
            snapshot: self,
            row,
        })
    }

    fn rows_by_id(&self) -> Vec<u32> {
        let mut rows: Vec<_> = (0..self.rows.len() as u32).collect();
        rows.sort_unstable_by_key(|&row| self.row(row as usize).id());
        rows
    }

    fn text(&self, stretch: Stretch) -> Option<&str> {
        (stretch.start != u64::MAX).then(|| &self.text[stretch.range()])
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Snapshot")
            .field("source", &self.source)
            .field("groups", &self.rows.len())
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

/// The stretch of a name that takes part in the order.
pub fn name_key(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_KEY_BYTES)]
}

/// Counts what is written to it.
struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use crate::group::Member;

    use super::*;

    /// A group with an id and a name, for tests of everything above.
    pub(crate) fn group(source: &str, id: &str, name: &str) -> Group {
        Group {
            id: format!("{source}:{id}"),
            source: source.to_owned(),
            source_id: id.to_owned(),
            name: name.to_owned(),
            description: None,
            email: None,
            status: None,
            organization_id: None,
            external_id: None,
            parent_id: None,
            path: None,
            url: None,
            logo_url: None,
            members: Vec::new(),
            admins: Vec::new(),
            guests: Vec::new(),
            member_count: None,
            created_at: None,
            updated_at: None,
            deleted_at: None,
            attributes: serde_json::Map::new(),
        }
    }

    #[test]
    fn equal_lists_have_equal_hashes_whatever_their_order() {
        let groups = vec![group("a", "1", "x"), group("a", "2", "y")];
        let turned = groups.iter().rev().cloned().collect();
        let first = Snapshot::new("a".into(), groups);
        let second = Snapshot::new("a".into(), turned);
        assert_eq!(first.hash(), second.hash());
        assert_ne!(
            first.hash(),
            Snapshot::new("a".into(), vec![group("a", "1", "x")]).hash()
        );
    }

    #[test]
    fn rows_show_what_queries_look_at() {
        let mut straße = group("a", "1", "Straße");
        straße.status = Some("active".to_owned());
        straße.description = Some("Où l'on MARCHE".to_owned());
        straße.guests = vec![Member {
            id: None,
            email: Some("Ann@Example.com".to_owned()),
        }];
        let snapshot = Snapshot::new("a".into(), vec![group("a", "2", "zoo"), straße.clone()]);
        let row = snapshot.row(0);
        assert_eq!(row.id(), "a:1");
        assert_eq!(row.name(), "Straße");
        assert_eq!(row.folded_name(), "strasse");
        assert_eq!(row.status(), Some("active"));
        assert!(row.contains("marche"));
        assert!(!row.contains("zoo"));
        assert!(row.has_member(&MemberKey::new("ANN@example.com")));
        assert!(!row.has_member(&MemberKey::new("bob@example.com")));
        assert_eq!(row.group().unwrap(), straße);
        assert_eq!(snapshot.row(1).status(), None);
    }

    #[test]
    fn every_row_is_found_by_its_id_and_nothing_else_is() {
        let groups = ["10", "9", "", "é", "1:0"]
            .map(|id| group("a", id, &format!("name of {id}")))
            .to_vec();
        let snapshot = Snapshot::new("a".into(), groups);
        for index in 0..snapshot.len() {
            assert_eq!(snapshot.find(snapshot.row(index).id()), Some(index));
        }
        for id in ["a:1", "10", "b:10", ""] {
            assert_eq!(snapshot.find(id), None);
        }
    }

    #[test]
    fn a_name_longer_than_its_key_is_searched_in_full() {
        let long = format!("{}needle", "x".repeat(NAME_KEY_BYTES));
        let snapshot = Snapshot::new("a".into(), vec![group("a", "1", &long)]);
        assert_eq!(snapshot.row(0).name().len(), NAME_KEY_BYTES);
        assert!(snapshot.row(0).contains("needle"));
    }

    #[test]
    fn a_snapshot_takes_no_less_than_its_groups_do_at_least() {
        let groups: Vec<_> = ["", "a", "Straße", &"long ".repeat(200)]
            .iter()
            .map(|name| group("a", name, name))
            .collect();
        let least: usize = groups.iter().map(Snapshot::least_bytes).sum();
        let bytes = Snapshot::new("a".into(), groups).bytes();
        assert!((bytes / 4..=bytes).contains(&least), "{least} of {bytes}");
    }
}
