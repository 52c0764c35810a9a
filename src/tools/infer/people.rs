//! Members, admins and guests: lists of people inside a record.

use std::borrow::Cow;

use toml_edit::{Array, Value};

use crate::plan::Path;

use super::choose::{ChosenColumns, choose, paths_value};
use super::columns::{Column, Columns};
use super::guess::{Confidence, ProposedLine};
use super::listed_kind::ListedKind;
use super::names::{plain, singular};
use super::part::{SampleValue, record_path};
use super::shape::is_email;
use super::vocabulary::{PEOPLE, PERSON_EMAIL, PERSON_ID, PeopleWords, rank_in};

pub(super) fn guess(
    columns: &Columns<'_>,
    subjects: &[String],
    taken: &mut Vec<Path>,
) -> Vec<ProposedLine> {
    let mut lines = Vec::new();
    for words in &PEOPLE {
        if let Some((path, line)) = people(words, columns, subjects, taken) {
            taken.push(path);
            lines.push(line);
        }
    }
    lines
}

fn people(
    words: &PeopleWords,
    columns: &Columns<'_>,
    subjects: &[String],
    taken: &[Path],
) -> Option<(Path, ProposedLine)> {
    let list = list_of(words, columns, subjects, taken)?;
    let line = list.line(words.key);
    Some((list.path, line))
}

fn list_of<'a>(
    words: &PeopleWords,
    columns: &Columns<'a>,
    subjects: &[String],
    taken: &[Path],
) -> Option<PeopleGuess<'a>> {
    let mut named: Vec<_> = columns
        .all
        .iter()
        .filter(|column| !taken.contains(&column.path))
        .filter_map(|column| Some((rank_in(words.names, false, column, subjects)?, column)))
        .filter_map(|(rank, column)| Some((rank, list(columns, column)?)))
        .collect();
    named.sort_by_key(|(rank, list)| (list.items.is_empty(), *rank));
    named.into_iter().next().map(|(_, list)| list)
}

/// The people who are listed in records, role by role.
pub(super) fn within<'a>(columns: &Columns<'a>, subjects: &[String]) -> Vec<Vec<SampleValue<'a>>> {
    let lists = PEOPLE.iter();
    let lists = lists.filter_map(|words| list_of(words, columns, subjects, &[]));
    lists.map(|list| list.items).collect()
}

/// The ids of people, as far as they have any.
pub(super) fn ids(items: &[SampleValue<'_>]) -> Vec<String> {
    let is_plain = !items.is_empty() && items.iter().all(|item| !item.is_object());
    if is_plain {
        let texts = items.iter().filter_map(|item| item.text());
        let texts = texts.filter(|text| !is_email(text));
        return texts.map(Cow::into_owned).collect();
    }
    let columns = Columns::of(items);
    let id = id_of(&columns);
    let texts = id.iter().flat_map(|id| &id.columns);
    let texts = texts.flat_map(|column| column.texts());
    texts.map(|(_, text)| text.into_owned()).collect()
}

/// The lines of `fields` for a list of people.
pub(super) fn person_lines(items: &[SampleValue<'_>]) -> Vec<ProposedLine> {
    let (keys, confidence, why) = if items.is_empty() {
        (vec![("id", either())], Confidence::NotSure, EMPTY)
    } else {
        keys(items)
    };
    let keys = keys.into_iter();
    keys.map(|(key, value)| ProposedLine::guess(key, value, confidence, why))
        .collect()
}

/// Why it is unknown what an item is.
const EMPTY: &str = "all lists are empty, so the shape of an item is unknown";

/// The id of an item whose shape is unknown.
fn either() -> Value {
    let either: Array = ["id", "."].into_iter().collect();
    either.into()
}

/// A list of people that was found.
struct PeopleGuess<'a> {
    path: Path,
    form: ListForm,
    items: Vec<SampleValue<'a>>,
}

/// How the list is written.
enum ListForm {
    /// As a list.
    Plain,
    /// As an object whose members are the people, each under its id.
    Keyed,
    /// As one text.
    Text(&'static str),
}

/// The list in a column, or in the only member of the objects there.
fn list<'a>(columns: &Columns<'a>, column: &Column<'a>) -> Option<PeopleGuess<'a>> {
    let cells: Vec<_> = column
        .cells
        .iter()
        .map(|(_, part)| *part)
        .filter(|part| !part.is_null())
        .collect();
    let is_xml = cells.iter().any(|part| part.is_xml());
    if let Some(inner) = inner(columns, column) {
        let parts = inner.cells.iter();
        let items = parts.flat_map(|(_, part)| items(*part)).collect();
        return Some(PeopleGuess::new(&inner.path, ListForm::Plain, items));
    }
    if !is_xml && cells.iter().any(|part| part.items().is_some()) {
        // One value without a list around it is a list of one.
        let items = cells
            .into_iter()
            .flat_map(|part| part.items().unwrap_or_else(|| vec![part]))
            .collect();
        return Some(PeopleGuess::new(&column.path, ListForm::Plain, items));
    }
    if is_xml {
        return xml_list(column, &cells);
    }
    if !cells.is_empty() && cells.iter().all(|part| is_keyed(*part)) {
        let members = cells.iter().flat_map(|part| part.members());
        let items = members.map(|(_, member)| member).collect();
        return Some(PeopleGuess::new(&column.path, ListForm::Keyed, items));
    }
    let separator = [",", ";"].into_iter().find(|separator| {
        let mut texts = column.texts();
        texts.any(|(_, text)| text.contains(separator))
    })?;
    let form = ListForm::Text(separator);
    let is_text = column.is_scalar();
    is_text.then(|| PeopleGuess::new(&column.path, form, Vec::new()))
}

/// Repeated elements are the list; an empty element is around one that the samples do not show.
fn xml_list<'a>(column: &Column<'a>, cells: &[SampleValue<'a>]) -> Option<PeopleGuess<'a>> {
    let filled: Vec<_> = cells.iter().flat_map(|part| items(*part)).collect();
    if filled.iter().any(|item| item.is_object()) || filled.len() > cells.len() {
        return Some(PeopleGuess::new(&column.path, ListForm::Plain, filled));
    }
    let last = column.names.last()?;
    let one = singular(&plain(last));
    if !filled.is_empty() || one == plain(last) {
        return None;
    }
    let names: Vec<_> = column.names.iter().copied().chain([one.as_str()]).collect();
    let path = record_path(&names)?;
    Some(PeopleGuess::new(&path, ListForm::Plain, Vec::new()))
}

fn items(part: SampleValue<'_>) -> Vec<SampleValue<'_>> {
    part.items().unwrap_or_default()
}

/// The one list in the objects of a column: XML's elements inside of one, JSON's `{ "data": [] }`.
fn inner<'c, 'a>(columns: &'c Columns<'a>, column: &Column<'a>) -> Option<&'c Column<'a>> {
    let is_around = |(_, part): &(usize, SampleValue<'a>)| {
        let is_one = part.items().is_none_or(|items| items.len() < 2);
        part.is_null() || (is_one && (part.is_object() || part.is_xml()))
    };
    if !column.cells.iter().all(is_around) {
        return None;
    }
    let mut lists = columns.below(column).filter(|below| {
        let is_attribute = below.names.last().is_some_and(|name| name.starts_with('@'));
        !is_attribute && below.cells.iter().all(|(_, part)| part.items().is_some())
    });
    let first = lists.next()?;
    // Several lists, or XML's elements of different names, are one person, not a list of them.
    lists.next().is_none().then_some(first)
}

/// Whether members look like people under their ids: objects, or true.
fn is_keyed(part: SampleValue<'_>) -> bool {
    let members = part.members();
    let is_person = |member: SampleValue<'_>| member.is_object() || member.boolean().is_some();
    members.len() > 1 && members.into_iter().all(|(_, member)| is_person(member))
}

impl<'a> PeopleGuess<'a> {
    fn new(path: &Path, form: ListForm, items: Vec<SampleValue<'a>>) -> Self {
        Self {
            path: path.clone(),
            form,
            items,
        }
    }

    /// The line of the field: where the list is, and the keys of its items.
    fn line(&self, key: &str) -> ProposedLine {
        let (keys, confidence, why) = match self.form {
            ListForm::Keyed => (
                vec![("keyed", true.into()), ("id", "$key".into())],
                Confidence::Likely,
                "an object whose members are the people",
            ),
            ListForm::Text(separator) => (
                vec![("split", separator.into()), ("id", ".".into())],
                Confidence::Likely,
                "a list in one text",
            ),
            ListForm::Plain if self.items.is_empty() => {
                let value = self.value(vec![("id", either())]);
                return ProposedLine::not_sure(key, value, &format!("by its name, but {EMPTY}"));
            }
            ListForm::Plain => keys(&self.items),
        };
        let why = format!("by its name; {why}");
        ProposedLine::guess(key, self.value(keys), confidence, &why)
    }

    fn value(&self, keys: Vec<(&str, Value)>) -> Value {
        let each = ("each", self.path.to_string().into());
        Value::InlineTable([each].into_iter().chain(keys).collect())
    }
}

/// What names a person in the items of a list.
fn keys(items: &[SampleValue<'_>]) -> (Vec<(&'static str, Value)>, Confidence, &'static str) {
    if items.iter().all(|item| !item.is_object()) {
        let is_address = |item: &SampleValue<'_>| item.text().is_some_and(|text| is_email(&text));
        let (part, why) = if items.iter().all(is_address) {
            ("email", "a list of e-mail addresses")
        } else {
            ("id", "a list of plain values")
        };
        return (vec![(part, ".".into())], Confidence::Clear, why);
    }
    let (columns, subjects) = (Columns::of(items), ListedKind::People.subjects());
    let email = choose(&PERSON_EMAIL, &columns, &subjects, &[]);
    let email = email.filter(|email| !email.is_empty());
    let id = id_of(&columns);
    let (confidence, why) = match (&id, &email) {
        (Some(id), _) => (id.confidence, id.why),
        (None, Some(email)) => (sure(email), OBJECTS),
        (None, None) => {
            let why = "a list of objects, but none of their members looks like an id";
            return (vec![("id", "id".into())], Confidence::NotSure, why);
        }
    };
    let id = id.map(|id| ("id", paths_value(&id.paths())));
    let email = email.map(|email| ("email", paths_value(&email.paths())));
    let keys = id.into_iter().chain(email).collect();
    (keys, confidence, why)
}

/// Why a list is one of people.
const OBJECTS: &str = "a list of objects";

fn sure(chosen: &ChosenColumns<'_, '_>) -> Confidence {
    if chosen.is_weak {
        Confidence::Likely
    } else {
        Confidence::Clear
    }
}

/// Where the id of a person is.
struct IdGuess<'c, 'a> {
    columns: Vec<&'c Column<'a>>,
    confidence: Confidence,
    why: &'static str,
}

impl IdGuess<'_, '_> {
    fn paths(&self) -> Vec<Path> {
        let columns = self.columns.iter();
        columns.map(|column| column.path.clone()).collect()
    }
}

/// The id of people in records side by side: by its name, or the only id that is in all of them, such as `to/id` in a
/// list of references.
fn id_of<'c, 'a>(columns: &'c Columns<'a>) -> Option<IdGuess<'c, 'a>> {
    let named = choose(&PERSON_ID, columns, &ListedKind::People.subjects(), &[]);
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        return Some(IdGuess {
            confidence: sure(&named),
            columns: named.columns,
            why: OBJECTS,
        });
    }
    let is_id = |column: &&Column<'_>| {
        let last = column.names.last();
        let is_named = last.is_some_and(|name| PERSON_ID.strong.contains(&plain(name)));
        is_named && column.is_scalar() && column.filled() == columns.records
    };
    let mut ids = columns.all.iter().filter(is_id);
    let only = ids.next().filter(|_| ids.next().is_none())?;
    Some(IdGuess {
        columns: vec![only],
        confidence: Confidence::Likely,
        why: "a list of objects, and the only id in them",
    })
}
