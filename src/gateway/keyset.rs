//! Keyset pagination: where a page ended, as the sort keys of its last row.
//!
//! A [`SeekKey`] holds the row's keys and not its index, so it keeps its meaning when the row is
//! deleted, when others are inserted around it, and on every replica.

use crate::group::Moment;
use serde::{Deserialize, Serialize};

use crate::caller::{HiddenFields, HideableField};
use crate::fold::fold;
use crate::snapshot::RowRef;

use super::filter::source_of;
use super::order::Ranked;

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SeekKey {
    name: Name,
    id: String,
    created_at: Option<Moment>,
    updated_at: Option<Moment>,
}

/// A name and its fold. Only the name is written: folds can be many times longer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
struct Name {
    raw: String,
    folded: String,
}

impl From<String> for Name {
    fn from(raw: String) -> Self {
        Self {
            folded: fold(&raw).into_owned(),
            raw,
        }
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.raw
    }
}

impl From<RowRef<'_>> for SeekKey {
    fn from(row: RowRef<'_>) -> Self {
        Self {
            name: row.name().to_owned().into(),
            id: row.id().to_owned(),
            created_at: row.created_at(),
            updated_at: row.updated_at(),
        }
    }
}

impl SeekKey {
    /// The key without these fields, which are hidden from the caller: nobody sorts by them, and what they hold must
    /// not stand in a cursor, which can be read.
    #[must_use]
    pub(super) fn without(self, hidden: HiddenFields) -> Self {
        let shown = |field, moment: Option<Moment>| moment.filter(|_| !hidden.contains(field));
        Self {
            created_at: shown(HideableField::CreatedAt, self.created_at),
            updated_at: shown(HideableField::UpdatedAt, self.updated_at),
            ..self
        }
    }

    /// How much memory the key takes besides its own value.
    pub(super) fn bytes(&self) -> usize {
        self.name.raw.len() + self.name.folded.len() + self.id.len()
    }
}

impl Ranked for SeekKey {
    fn folded_name(&self) -> &str {
        &self.name.folded
    }

    fn name(&self) -> &str {
        &self.name.raw
    }

    fn source(&self) -> &str {
        source_of(&self.id)
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Option<Moment> {
        self.created_at
    }

    fn updated_at(&self) -> Option<Moment> {
        self.updated_at
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;
    use crate::gateway::order::Sort;
    use crate::snapshot::NAME_KEY_BYTES;
    use crate::snapshot::Snapshot;
    use crate::snapshot::tests::group;

    #[test]
    fn a_seek_key_stands_where_its_row_stands_also_after_it_was_written_and_read() {
        // U+FDFA folds to eighteen characters, and its third byte does not fit into the key.
        let long = "\u{fdfa}".repeat(NAME_KEY_BYTES);
        let mut group = group("a", "1:2", &long);
        group.created_at = Some("9999-12-30T22:00:00.123456789Z".parse().unwrap());
        let snapshot = Snapshot::new("a".into(), vec![group]);
        let key = SeekKey::from(snapshot.row(0));
        let read: SeekKey = postcard::from_bytes(&postcard::to_stdvec(&key).unwrap()).unwrap();
        assert_eq!(read, key);
        assert_eq!(read.created_at(), snapshot.row(0).created_at());
        assert_eq!(
            Sort::default().compare(&read, &snapshot.row(0)),
            Ordering::Equal
        );
    }
}
