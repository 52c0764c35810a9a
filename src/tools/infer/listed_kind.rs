//! What the items of a list are.

use std::fmt;

use crate::plan::RelatedList;

use super::choose::{choose, covered};
use super::columns::Columns;
use super::names::{NameHint, plain, singular};
use super::vocabulary::{PEOPLE, PERSON_EMAIL, PERSON_ID};
use super::words::WordList;

/// What the items of a list are. It reads as a word for several of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ListedKind {
    #[default]
    Groups,
    People,
    Partitions,
}

/// Words for what groups stand under.
pub(super) const PARTITIONS: WordList = WordList(
    "org organization organisation tenant workspace project account domain realm customer company \
     enterprise site namespace",
);

/// Words for a person, which the members of a record may begin with.
const PERSON: [&str; 4] = ["user", "member", "person", "account"];

impl ListedKind {
    /// What a list that belongs to that of groups is of.
    pub(super) const fn of(list: RelatedList) -> Self {
        match list {
            RelatedList::Partitions => Self::Partitions,
            RelatedList::Users
            | RelatedList::Members
            | RelatedList::Admins
            | RelatedList::Guests => Self::People,
            RelatedList::Details => Self::Groups,
        }
    }

    /// What the name of a list says about what is in it.
    pub(super) fn hint(self, name: &str) -> NameHint {
        let word = plain(name);
        let is_own = match self {
            Self::Groups => return NameHint::of(name),
            Self::People => PEOPLE.iter().any(|words| words.names.contains(&word)),
            Self::Partitions => PARTITIONS.contains(&singular(&word)),
        };
        match NameHint::of(name) {
            _ if is_own => NameHint::Sought,
            NameHint::Sought => NameHint::Others,
            NameHint::Others if self == Self::Partitions => NameHint::Unknown,
            hint @ (NameHint::Others | NameHint::Unknown | NameHint::Anything) => hint,
        }
    }

    /// Words for one item, which the names of its members may begin with.
    pub(super) fn subjects(self) -> Vec<String> {
        match self {
            Self::Groups | Self::Partitions => Vec::new(),
            Self::People => PERSON.map(str::to_owned).to_vec(),
        }
    }

    /// What every item has, where it is one of these.
    pub(super) const fn needs(self) -> &'static str {
        match self {
            Self::Groups => "an id and a name",
            Self::People => "an id or an e-mail address",
            Self::Partitions => "an id or a name",
        }
    }
}

/// In how many records of how many a person is named.
pub(super) fn named_people(columns: &Columns<'_>) -> (usize, usize) {
    let subjects = ListedKind::People.subjects();
    let find = |words| choose(words, columns, &subjects, &[]);
    let found = [find(&PERSON_ID), find(&PERSON_EMAIL)];
    let found = found.iter().flatten().flat_map(|chosen| &chosen.columns);
    let found: Vec<_> = found.copied().collect();
    (covered(&found), columns.records)
}

impl fmt::Display for ListedKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Groups => "groups",
            Self::People => "people",
            Self::Partitions => "partitions",
        })
    }
}
