//! Who is the same person in a list of people: the one rule for lists in a record, and for lists of their own.
//!
//! Two entries with one id are one person, whatever addresses they have. An entry without an id is whoever has its
//! address, by the fold in which addresses are compared. People with ids of their own may share an address. So
//! how many people there are never depends on the order in which they came.

use std::collections::HashMap;
use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::fold::fold;

use super::{GroupPerson, ReadRow, ReadText};

/// So many hashes are compared one by one. More are looked up.
const FEW: usize = 8;

/// The columns of a row that is a person.
const ID: usize = 0;
const EMAIL: usize = 1;

/// An entry of a list of people.
pub(crate) trait Person {
    /// The id of the account.
    fn id(&self) -> Option<&str>;

    /// Its email address.
    fn email(&self) -> Option<&str>;

    /// Takes over what it lacks of another entry of the same person.
    fn complete(&mut self, other: Self);
}

impl Person for GroupPerson<'_> {
    fn id(&self) -> Option<&str> {
        self.id.as_ref().map(|id| &*id.text)
    }

    fn email(&self) -> Option<&str> {
        self.email.as_ref().map(|email| &*email.text)
    }

    fn complete(&mut self, other: Self) {
        self.id = self.id.take().or(other.id);
        self.email = self.email.take().or(other.email);
    }
}

/// Of a list of its own. What else it holds, such as the group, is the same in all entries that are compared.
impl Person for ReadRow {
    fn id(&self) -> Option<&str> {
        text(self, ID)
    }

    fn email(&self) -> Option<&str> {
        text(self, EMAIL)
    }

    fn complete(&mut self, mut other: Self) {
        for (own, other) in self.iter_mut().zip(&mut other) {
            *own = own.take().or(other.take());
        }
    }
}

fn text(row: &ReadRow, column: usize) -> Option<&str> {
    let value = row.get(column)?.as_ref();
    value.map(|ReadText { text, .. }| &**text)
}

/// Makes one of the entries from `start` on that are the same person, and says how many are dropped. The first stays,
/// with what the others say besides.
pub(crate) fn merge_same<P: Person>(people: &mut Vec<P>, start: usize) -> u64 {
    let Some(list) = people.get(start..).filter(|list| may_repeat(list)) else {
        return 0;
    };
    let persons = persons(list);
    let entries = people.split_off(start);
    let all = entries.len();
    let mut places = vec![None; all];
    for (entry, person) in entries.into_iter().zip(persons) {
        let place = places[person].and_then(|place: usize| people.get_mut(place));
        if let Some(first) = place {
            first.complete(entry);
        } else {
            places[person] = Some(people.len());
            people.push(entry);
        }
    }
    (start + all - people.len()) as u64
}

/// Of each entry, one that stands for its person.
fn persons<P: Person>(list: &[P]) -> Vec<usize> {
    let (mut ids, mut emails) = (HashMap::new(), HashMap::new());
    let mut persons: Vec<_> = (0..list.len()).collect();
    for (place, entry) in list.iter().enumerate() {
        if let Some(id) = entry.id() {
            let person = *ids.entry(id).or_insert(place);
            persons[place] = person;
            if let Some(email) = entry.email() {
                emails.entry(fold(email)).or_insert(person);
            }
        }
    }
    for (place, entry) in list.iter().enumerate() {
        if let (None, Some(email)) = (entry.id(), entry.email()) {
            persons[place] = *emails.entry(fold(email)).or_insert(place);
        }
    }
    persons
}

/// Whether two entries may be the same person. Of most lists nobody is, which few hashes tell.
fn may_repeat<P: Person>(list: &[P]) -> bool {
    if list.len() < 2 {
        return false;
    }
    let mut seen = Hashes::of_so_many(list.len());
    let mut is_any_without_id = false;
    for entry in list {
        let hash = match (entry.id(), entry.email()) {
            (Some(id), _) => hash(id),
            (None, Some(email)) => {
                is_any_without_id = true;
                email_hash(email)
            }
            (None, None) => continue,
        };
        if !seen.insert(hash) {
            return true;
        }
    }
    let has_seen =
        |entry: &P| (entry.email()).is_some_and(|email| seen.contains(email_hash(email)));
    is_any_without_id
        && list
            .iter()
            .any(|entry| entry.id().is_some() && has_seen(entry))
}

/// An upstream can foresee it, and gains nothing by that: entries whose hashes collide are compared.
fn hash(text: &str) -> u64 {
    FixedState::default().hash_one(text)
}

/// Other than that of an id of the same text.
fn email_hash(email: &str) -> u64 {
    !hash(&fold(email))
}

/// A set of hashes.
enum Hashes {
    Few([u64; FEW], usize),
    Many(HashTable<u64>),
}

impl Hashes {
    /// Room for so many.
    fn of_so_many(count: usize) -> Self {
        if count <= FEW {
            Self::Few([0; FEW], 0)
        } else {
            Self::Many(HashTable::with_capacity(count))
        }
    }

    /// Adds one, and says whether it is new.
    fn insert(&mut self, hash: u64) -> bool {
        if self.contains(hash) {
            return false;
        }
        match self {
            Self::Few(hashes, len) => {
                hashes[*len] = hash;
                *len += 1;
            }
            Self::Many(hashes) => {
                hashes.insert_unique(hash, hash, |known| *known);
            }
        }
        true
    }

    fn contains(&self, hash: u64) -> bool {
        match self {
            Self::Few(hashes, len) => hashes[..*len].contains(&hash),
            Self::Many(hashes) => hashes.find(hash, |known| *known == hash).is_some(),
        }
    }
}

#[cfg(test)]
mod tests;
