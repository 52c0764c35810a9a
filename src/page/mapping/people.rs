//! Lists of people in a record: objects or scalars, one or many, keyed by id, or joined in a text.

use std::borrow::Cow;
use std::cell::Cell;

use crate::group::{GroupPerson, GroupText};
use crate::json::push_text;
use crate::page::format::{MemberName, Node};
use crate::plan::path::Anchor;
use crate::plan::{Field, People, PeopleKind};

use super::item::Item;
use super::outcome::Skip;
use super::record_filter::left_out;
use super::unmapped::{MappedList, remaining_items, unmapped};

/// What was found where people are.
#[derive(Debug)]
pub(super) struct FoundPeople<'p> {
    /// Whether the record has a list.
    pub(super) is_listed: bool,
    /// A part of the record that holds nothing else, where there is no list.
    pub(super) taken: Option<&'p [String]>,
    /// The list.
    pub(super) left: Option<MappedList<'p>>,
    /// How many items gave neither an id nor an email address.
    pub(super) unread: u64,
    /// How many items lack what `only` compares.
    pub(super) unmarked: u64,
}

impl People {
    /// Adds the people of the lists of a record to others; `None` if there is none.
    pub(super) fn read<'a>(
        &'a self,
        record: Node<'a>,
        lists: impl Iterator<Item = Node<'a>>,
        simple: Option<&SimplePerson<'a>>,
        people: &mut Vec<GroupPerson<'a>>,
    ) -> Option<FoundPeople<'a>> {
        let mut lists = lists.peekable();
        if lists.peek().is_none() {
            return self.nobody(record);
        }
        let start = people.len();
        let mut is_listed = false;
        let mut is_whole = true;
        let (mut unread, mut unmarked) = (0, 0);
        for list in lists.filter(|list| !list.is_null()) {
            is_listed = true;
            let before = people.len();
            let items = match &self.kind {
                PeopleKind::List if list.is_empty() => 0,
                PeopleKind::List if list.is_list() => {
                    is_whole &= self.all(list.items().map(Item::Plain), simple, people);
                    list.len()
                }
                PeopleKind::List => {
                    is_whole &= self.all(std::iter::once(Item::Plain(list)), simple, people);
                    1
                }
                PeopleKind::Keyed => {
                    let Some(entries) = list.entries() else {
                        people.truncate(start);
                        return None;
                    };
                    let items = entries.iter().map(|(key, node)| Item::Keyed(key, *node));
                    is_whole &= self.all(items, None, people);
                    entries.len()
                }
                PeopleKind::Text(split) => {
                    is_whole &= self.in_text(list, split, people);
                    is_whole &= list.list().into_iter().all(Node::holds_only_text);
                    0
                }
            };
            let (left_out, lacking) = self.left_out(list);
            unmarked += lacking;
            let expected = items.saturating_sub(left_out);
            unread += expected.saturating_sub(people.len() - before) as u64;
        }
        Some(FoundPeople {
            is_listed,
            taken: None,
            left: self.path().map(|path| (path, (!is_whole).then_some(self))),
            unread,
            unmarked,
        })
    }

    /// How many items of a list are no people, by what is declared of them, and how many of those lack what is
    /// compared.
    fn left_out(&self, list: Node<'_>) -> (usize, u64) {
        let (mut all, mut lacking) = (0, 0);
        let Some(only) = &self.only else {
            return (all, lacking);
        };
        let mut count = |item: Item<'_>| {
            if let Some(skip) = left_out(only, item) {
                all += 1;
                lacking += u64::from(skip == Skip::Unmarked);
            }
        };
        match &self.kind {
            PeopleKind::List => list
                .list()
                .into_iter()
                .map(Item::Plain)
                .for_each(&mut count),
            PeopleKind::Keyed => {
                let items = list.members().map(|(key, node)| Item::Keyed(key, node));
                items.for_each(&mut count);
            }
            PeopleKind::Text(_) => {}
        }
        (all, lacking)
    }

    fn is_left_out(&self, item: Item<'_>) -> bool {
        let only = self.only.as_ref();
        only.is_some_and(|only| left_out(only, item).is_some())
    }

    /// No people if XML has the element around their list, else `None`.
    fn nobody(&self, record: Node<'_>) -> Option<FoundPeople<'_>> {
        let around = record.around(&self.each)?;
        let path = self.path().and_then(<[String]>::split_last);
        Some(FoundPeople {
            is_listed: !around.is_null(),
            taken: path.map(|(_, around)| around).filter(|_| around.is_empty()),
            left: None,
            unread: 0,
            unmarked: 0,
        })
    }

    /// The path of the list from the record.
    fn path(&self) -> Option<&[String]> {
        (self.each.anchor() == Anchor::Record).then(|| self.each.segments())
    }

    /// Adds the people in a text, and says whether it holds nothing else. Items that are not texts are
    /// read as they are.
    fn in_text<'a>(
        &'a self,
        list: Node<'a>,
        split: &str,
        people: &mut Vec<GroupPerson<'a>>,
    ) -> bool {
        let mut is_whole = true;
        for item in list.list() {
            let text = match item.text() {
                Some(Cow::Borrowed(text)) => Some(text),
                // A number that is not text of the page is one person.
                Some(Cow::Owned(_)) | None => None,
            };
            let pieces = text.iter().flat_map(|text| text.split(split));
            let pieces = pieces.map(str::trim).filter(|piece| !piece.is_empty());
            let other = text.is_none().then_some(Item::Plain(item));
            is_whole &= self.all(pieces.map(Item::Piece).chain(other), None, people);
        }
        is_whole
    }

    /// Adds the people among items, and says whether these hold nothing else.
    fn all<'a>(
        &'a self,
        items: impl Iterator<Item = Item<'a>>,
        simple: Option<&SimplePerson<'a>>,
        people: &mut Vec<GroupPerson<'a>>,
    ) -> bool {
        let mut is_whole = true;
        let mut taken = Vec::new();
        for item in items {
            let read = simple.and_then(|simple| simple.read(item, people));
            is_whole &= read.unwrap_or_else(|| {
                let person = self.person(item, &mut taken);
                let is_all = person.is_some() && is_whole_item(item, &taken);
                people.extend(person);
                is_all
            });
        }
        is_whole
    }

    /// The person of an item, and which paths it takes.
    fn person<'a>(
        &'a self,
        item: Item<'a>,
        taken: &mut Vec<&'a [String]>,
    ) -> Option<GroupPerson<'a>> {
        taken.clear();
        if self.is_left_out(item) {
            return None;
        }
        let mut text = |field: Option<&'a Field>| {
            let text = field?.text(item, |source| taken.extend(source.paths()));
            text.filter(|text| !text.text.is_empty())
        };
        let person = GroupPerson {
            id: text(self.id.as_ref()),
            email: text(self.email.as_ref()),
        };
        (person.id.is_some() || person.email.is_some()).then_some(person)
    }

    /// Writes what of a list no person took, and says whether that is anything. Items keep their
    /// places in it.
    pub(super) fn left(&self, list: Node<'_>, out: &mut String) -> bool {
        if list.is_empty() {
            return false;
        }
        if self.kind == PeopleKind::Keyed {
            if !list.is_object() {
                list.write(out);
                return true;
            }
            return self.left_of_keyed(list, out);
        }
        if !list.is_list() {
            return self.left_of(Item::Plain(list), list, out);
        }
        remaining_items(list.items(), out, |item, out| {
            self.left_of(Item::Plain(item), item, out)
        })
    }

    fn left_of_keyed(&self, list: Node<'_>, out: &mut String) -> bool {
        let start = out.len();
        for (key, node) in list.members() {
            let before = out.len();
            out.push(if before == start { '{' } else { ',' });
            push_text(out, key);
            out.push(':');
            if !self.left_of(Item::Keyed(key, node), node, out) {
                out.truncate(before);
            }
        }
        let is_left = out.len() > start;
        if is_left {
            out.push('}');
        }
        is_left
    }

    /// Writes what of an item its person does not take.
    fn left_of<'a>(&'a self, item: Item<'a>, node: Node<'a>, out: &mut String) -> bool {
        let is_whole = match &self.kind {
            PeopleKind::Text(split) if node.text().is_some() => {
                let is_read = self.in_text(node, split, &mut Vec::new());
                if is_read && node.is_object() {
                    return unmapped(node.written_members(), &[&[]], &[], out);
                }
                is_read
            }
            PeopleKind::Text(_) | PeopleKind::List | PeopleKind::Keyed => {
                let mut taken = Vec::new();
                let is_person = self.person(item, &mut taken).is_some();
                let is_whole = is_person && is_whole_item(item, &taken);
                if is_person && node.is_object() && !is_whole {
                    return left_of_object(node, &taken, out);
                }
                is_whole || (is_person && taken.iter().any(|path| path.is_empty()))
            }
        };
        if !is_whole {
            node.write(out);
        }
        !is_whole
    }
}

/// Whether an item holds only what its person takes.
fn is_whole_item(item: Item<'_>, taken: &[&[String]]) -> bool {
    let is_read = |path: &[&str]| taken.iter().any(|one| *one == path);
    let is_scalar = |node: Node<'_>| node.scalar_text().is_some();
    let Some(node) = item.node() else {
        return true;
    };
    if node.is_object() {
        return (node.members())
            .all(|(name, value)| is_read(std::slice::from_ref(&name)) && value.holds_only_text());
    }
    match item {
        // A key may have a value that only says "yes".
        Item::Keyed(..) => node.is_null() || node.boolean() == Some(true) || is_read(&[]),
        // Of a list one item was taken.
        Item::Plain(_) => !node.is_list() || (node.len() == 1 && node.items().all(is_scalar)),
        Item::Piece(_) => true,
    }
}

/// Writes what of an object its person does not take.
fn left_of_object(node: Node<'_>, taken: &[&[String]], out: &mut String) -> bool {
    unmapped(node.written_members(), taken, &[], out)
}

/// A person whose id and address are, without any conversion, members of its item or the item itself, as most
/// are: it is read in one pass.
pub(super) struct SimplePerson<'a> {
    /// The id's, and the address's.
    paths: [Option<&'a [String]>; 2],
    /// Where their names were last found: mostly they stand for those of the next item, too.
    known: [Cell<Option<MemberName<'a>>>; 2],
}

impl<'a> SimplePerson<'a> {
    pub(super) fn of(people: &'a People) -> Option<Self> {
        let path = |field: &'a Option<Field>| match field.as_ref().map(|field| &*field.0) {
            None => Some(None),
            Some([source]) if source.conversions.is_none() => match source.only_path() {
                Some(path @ ([] | [_])) => Some(Some(path)),
                Some(_) | None => None,
            },
            Some(_) => None,
        };
        let (id, email) = (path(&people.id)?, path(&people.email)?);
        (id != email && people.only.is_none()).then_some(Self {
            paths: [id, email],
            known: Default::default(),
        })
    }

    /// Adds the person of an item, and says whether there is one and the item holds nothing else. `None` if
    /// this is not so simple.
    fn read(&self, item: Item<'a>, people: &mut Vec<GroupPerson<'a>>) -> Option<bool> {
        let Item::Plain(node) = item else {
            return None;
        };
        let mut texts = [None, None];
        let mut is_all = true;
        let is_xml = node.is_xml();
        let mut paths = self.paths.iter();
        let item_itself = paths.position(|path| path.is_some_and(<[_]>::is_empty));
        if node.is_object() {
            if item_itself.is_some() {
                return None;
            }
            for (name, value) in node.written_members() {
                match self.place_of(name) {
                    Some(place) => texts[place] = some_text(value, &mut is_all),
                    None => is_all = false,
                }
                is_all &= !is_xml || value.holds_only_text();
            }
        } else {
            // A name may also be the number of an item of a list.
            texts[item_itself?] = some_text(node, &mut is_all);
        }
        let [id, email] = texts;
        let is_any = id.is_some() || email.is_some();
        if is_any {
            people.push(GroupPerson { id, email });
        }
        Some(is_all && is_any)
    }

    /// Which of the paths a member's name is.
    #[inline]
    fn place_of(&self, name: MemberName<'a>) -> Option<usize> {
        let is_there = |known: &Cell<Option<MemberName<'a>>>| {
            known.get().is_some_and(|known| name.is_at_place_of(known))
        };
        let known = self.known.iter().position(is_there);
        known.or_else(|| self.find(name))
    }

    #[inline(never)]
    fn find(&self, name: MemberName<'a>) -> Option<usize> {
        let mut paths = self.paths.iter();
        let place = paths.position(|path| matches!(path, Some([only]) if *only == name.text()))?;
        self.known[place].set(Some(name));
        Some(place)
    }
}

/// The text of a value, unless it is empty. One that is no text is not taken, so that it is not all that the item holds.
#[inline]
fn some_text<'a>(node: Node<'a>, is_all: &mut bool) -> Option<GroupText<'a>> {
    let text = match node.plain_text() {
        Some(text) => GroupText {
            text: Cow::Borrowed(text),
            is_plain: true,
        },
        None => rarer_text(node, is_all)?,
    };
    (!text.text.is_empty()).then_some(text)
}

#[inline(never)]
fn rarer_text<'a>(node: Node<'a>, is_all: &mut bool) -> Option<GroupText<'a>> {
    let text = node.scalar_text();
    *is_all &= text.is_some() || node.is_null() || node.is_empty();
    text.map(|(text, is_plain)| GroupText { text, is_plain })
}

#[cfg(test)]
mod tests;
