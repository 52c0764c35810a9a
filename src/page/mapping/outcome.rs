//! The outcome of a record: a group, or why it is skipped.

use thiserror::Error;

use crate::group::{Group, ReadRow, row_bytes};
use crate::page::format::{FormatError, Node};
use crate::plan::RelatedList;
use crate::snapshot::{GroupPage, SOURCE_ID_BYTES};

/// Why a record is not a group. The rest of its page is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Skip {
    /// The id is missing, empty, a list or an object.
    #[error("it has no id")]
    NoId,
    /// The name is missing, empty, a list or an object.
    #[error("it has no name")]
    NoName,
    /// The id does not fit a cursor.
    #[error("its id is longer than {SOURCE_ID_BYTES} bytes")]
    LongId,
    /// None of the fields that are read has a value.
    #[error("it has none of the values that are read of it")]
    NoValue,
    /// It is something else than a group, by `records.only`.
    #[error("`records.only` leaves it out")]
    LeftOut,
    /// It lacks what `records.only` looks at.
    #[error("`records.only` leaves it out: it has nothing at the path that is compared")]
    Unmarked,
}

impl Skip {
    /// The key that says where the value stands that is missing, if that is one.
    pub(crate) const fn key(self) -> Option<&'static str> {
        match self {
            Self::NoId => Some("fields.id"),
            Self::NoName => Some("fields.name"),
            Self::LongId | Self::NoValue | Self::LeftOut | Self::Unmarked => None,
        }
    }

    /// What it says of a record, with what that has: names, never values.
    pub(crate) fn of(self, record: Node<'_>) -> String {
        let key = self
            .key()
            .map_or_else(String::new, |key| format!(" (`{key}`)"));
        match self {
            Self::NoId | Self::NoName | Self::NoValue | Self::Unmarked => {
                format!("{self}{key}; it {}", record.holds())
            }
            Self::LongId | Self::LeftOut => self.to_string(),
        }
    }

    /// Whether `records.only` leaves the record out: it was not expected to be a group.
    pub const fn is_left_out(self) -> bool {
        match self {
            Self::LeftOut | Self::Unmarked => true,
            Self::NoId | Self::NoName | Self::LongId | Self::NoValue => false,
        }
    }
}

/// What becomes of the group of a record that `records.only` leaves out: where records say what has changed, one may
/// be of a group that was listed before and belongs there no more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LeftOutRecord {
    /// Nothing: it was never listed.
    #[default]
    SaysNothing,
    /// It is taken out of the list, if the record has what is compared.
    RemovesMarked,
    /// It is taken out of the list.
    Removes,
}

impl LeftOutRecord {
    /// Whether the group of a record is taken out that is skipped for this reason.
    pub(super) const fn removes(self, skip: Skip) -> bool {
        match self {
            Self::SaysNothing => false,
            Self::RemovesMarked => matches!(skip, Skip::LeftOut),
            Self::Removes => skip.is_left_out(),
        }
    }
}

/// What the records of a page have become.
#[derive(Debug)]
pub struct MappedPage {
    /// The groups.
    pub groups: GroupPage,
    /// What was read of records that become no groups, where the list is not one of groups.
    pub rows: Vec<ReadRow>,
    /// Which of the records are no groups, and why.
    pub skipped: Vec<(usize, Skip)>,
    /// How many of the groups are none, because `records.only` leaves their records out.
    pub left_out: u64,
    /// Timestamps that are null because they could not be parsed; they are kept in `attributes`.
    pub unparsed_timestamps: u64,
    /// Items of lists of people that gave neither an id nor an email address.
    pub unread_people: u64,
    /// Items of lists of people that were left out because they have nothing at the path that `only` compares.
    pub unmarked_people: u64,
    /// What the page is to other lists that it brings too.
    pub brought: Vec<BroughtPage>,
}

/// What a page is to another list that it brings too.
#[derive(Debug)]
pub struct BroughtPage {
    /// Which list.
    pub list: RelatedList,
    /// What its records have become there.
    pub mapped: Result<MappedPage, FormatError>,
}

impl MappedPage {
    /// How many records there are, nested ones among them.
    pub fn records(&self) -> usize {
        self.groups.rows().len() + self.rows.len() + self.skipped.len()
    }

    /// Whether the page brings this list beside its own.
    #[cfg(feature = "probe")]
    pub(crate) fn brings(&self, list: RelatedList) -> bool {
        self.brought.iter().any(|page| page.list == list)
    }

    /// How much memory the rows take, those of other lists among them.
    pub(crate) fn row_bytes(&self) -> u64 {
        let brought = self.brought.iter();
        let brought = brought.filter_map(|page| page.mapped.as_ref().ok());
        let others: u64 = brought.map(Self::row_bytes).sum();
        others + self.rows.iter().map(row_bytes).sum::<u64>()
    }

    /// The outcome of each record, in order, the groups read back from their JSON: for whoever shows a few.
    pub fn outcomes(&self) -> Vec<Result<Group, Skip>> {
        let mut groups = self.groups.rows().filter_map(|row| row.group().ok());
        let mut skipped = self.skipped.iter().peekable();
        let outcomes = (0..self.records()).filter_map(|record| {
            match skipped.next_if(|(index, _)| *index == record) {
                Some((_, skip)) => Some(Err(*skip)),
                None => groups.next().map(Ok),
            }
        });
        outcomes.collect()
    }
}
