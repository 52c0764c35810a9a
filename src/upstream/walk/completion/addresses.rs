//! The addresses of many users by their ids, in little memory.

use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicBool, Ordering};

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::group::ReadRow;

/// About what a user takes beside its texts.
const USER_BYTES: usize = size_of::<User>() + 2 * size_of::<u32>() + 2;

/// The addresses of users by their ids: all texts in one.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    texts: String,
    users: Vec<User>,
    /// Where each stands, by the hash of its id.
    places: HashTable<u32>,
    state: RandomState,
    /// How many users came once more with another address.
    pub(super) contradicted: u64,
    /// How many of them have an address.
    pub(super) addressed: u64,
}

#[derive(Debug)]
struct User {
    /// Where its texts begin: the id, and then the address.
    at: usize,
    id: u32,
    /// Zero for one that has none.
    address: u32,
    /// Whether a group has named it.
    is_named: AtomicBool,
}

/// What is known of an id.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FoundUser<'a> {
    /// A user with this address, if it has any.
    User(Option<&'a str>),
    /// No user has it.
    Nobody,
}

/// About how much memory the addresses in these rows take.
pub(super) fn address_bytes(rows: &[ReadRow]) -> u64 {
    let texts = rows.iter().flatten().flatten();
    let texts: usize = texts.map(|value| value.text.len()).sum();
    (texts + rows.len() * USER_BYTES) as u64
}

impl Addresses {
    /// Those in rows of id and address. Of two users with one id the first counts, and one without an id is none.
    pub(super) fn new(rows: Vec<ReadRow>) -> Self {
        let texts = rows.iter().flatten().flatten();
        let mut own = Self {
            texts: String::with_capacity(texts.map(|value| value.text.len()).sum()),
            users: Vec::with_capacity(rows.len()),
            places: HashTable::with_capacity(rows.len()),
            ..Self::default()
        };
        for row in rows {
            let mut values = row.iter().map(|value| value.as_ref());
            let mut next = || values.next().flatten().map(|value| &*value.text);
            if let (Some(id), address) = (next(), next()) {
                own.add(id, address.unwrap_or_default());
            }
        }
        own
    }

    fn add(&mut self, id: &str, address: &str) {
        let (texts, users, state) = (&self.texts, &self.users, &self.state);
        let user = |place: &u32| users.get(*place as usize);
        let own = |place: &u32| {
            user(place)
                .and_then(|user| user.id(texts))
                .unwrap_or_default()
        };
        let hash = |place: &u32| state.hash_one(own(place));
        match (self.places).entry(state.hash_one(id), |place| own(place) == id, hash) {
            Entry::Occupied(entry) => {
                let first = user(entry.get()).and_then(|user| user.address(texts));
                self.contradicted += u64::from(first.unwrap_or_default() != address);
            }
            Entry::Vacant(entry) => {
                entry.insert(users.len() as u32);
                self.addressed += u64::from(!address.is_empty());
                self.users.push(User {
                    at: texts.len(),
                    id: id.len() as u32,
                    address: address.len() as u32,
                    is_named: AtomicBool::new(false),
                });
                self.texts.push_str(id);
                self.texts.push_str(address);
            }
        }
    }

    /// What is known of an id that a group names.
    pub(super) fn of(&self, id: &str) -> FoundUser<'_> {
        let user = |place: &u32| self.users.get(*place as usize);
        let is_it = |place: &u32| user(place).and_then(|user| user.id(&self.texts)) == Some(id);
        let found = self.places.find(self.state.hash_one(id), is_it);
        found.and_then(user).map_or(FoundUser::Nobody, |user| {
            user.is_named.store(true, Ordering::Relaxed);
            FoundUser::User(user.address(&self.texts))
        })
    }

    /// How many users there are.
    pub(super) fn len(&self) -> u64 {
        self.users.len() as u64
    }

    /// How many of them groups have named.
    pub(super) fn named(&self) -> u64 {
        let is_named = |user: &&User| user.is_named.load(Ordering::Relaxed);
        self.users.iter().filter(is_named).count() as u64
    }
}

impl User {
    fn id<'a>(&self, texts: &'a str) -> Option<&'a str> {
        texts.get(self.at..self.at + self.id as usize)
    }

    fn address<'a>(&self, texts: &'a str) -> Option<&'a str> {
        let at = self.at + self.id as usize;
        let text = texts.get(at..at + self.address as usize);
        text.filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::{ReadText, row_bytes};

    fn row(id: Option<&str>, address: Option<&str>) -> ReadRow {
        [id, address]
            .into_iter()
            .map(|text| text.map(ReadText::text))
            .collect()
    }

    #[test]
    fn the_first_user_with_an_id_counts() {
        let rows = vec![
            row(Some("1"), Some("ann@a.example")),
            row(Some("2"), None),
            row(None, Some("nobody@a.example")),
            row(Some("1"), Some("other@a.example")),
            row(Some("2"), None),
            row(Some("12"), Some("bob@a.example")),
        ];
        let users = Addresses::new(rows);
        assert_eq!(users.of("1"), FoundUser::User(Some("ann@a.example")));
        assert_eq!(users.of("2"), FoundUser::User(None));
        assert_eq!(users.of("3"), FoundUser::Nobody);
        assert_eq!(
            (users.len(), users.addressed, users.contradicted),
            (3, 2, 1)
        );
        assert_eq!(users.named(), 2);
    }

    #[test]
    fn a_user_takes_less_than_what_was_read_of_it() {
        let rows: Vec<_> = (0..10_000)
            .map(|number| {
                let id = format!("5f2f0fdd7b6c4f0e2f{number:06}");
                row(Some(&id), Some(&format!("user{number:06}@example.com")))
            })
            .collect();
        let read: u64 = rows.iter().map(row_bytes).sum();
        let counted = address_bytes(&rows);
        let users = Addresses::new(rows);
        let places = users.places.capacity() * (size_of::<u32>() + 1);
        let taken = users.texts.capacity() + users.users.capacity() * size_of::<User>() + places;
        assert!(
            taken as u64 <= counted + counted / 10,
            "{taken} of {counted}"
        );
        assert!(counted < read, "{counted} of {read}");
    }
}
