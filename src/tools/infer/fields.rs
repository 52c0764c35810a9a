//! Which part of a record is which field of a group.
//!
//! Names come first, then values: a name in the vocabulary whose values fit is taken. Where no name
//! matches, values alone make a guess that is never more than "not sure".

use crate::plan::{Path, RelatedList};

use super::choose::{ChosenColumns, by_name, choose, covered, paths_value};
use super::columns::{Column, Columns};
use super::guess::{Confidence, ProposedLine, table};
use super::identity::{IdentityGuess, keyed, listed};
use super::part::SampleValue;
use super::records::{RecordGuess, children};
use super::vocabulary::{FieldType, FieldWords, SCALARS, subjects_of};
use super::{people, times};

/// Where the id of a record is.
pub(super) fn id_paths(columns: &Columns<'_>, records: &RecordGuess<'_>) -> Vec<Path> {
    let (id, _) = id_and_name(columns, records, &subjects(columns, records));
    id.paths
}

fn subjects(columns: &Columns<'_>, records: &RecordGuess<'_>) -> Vec<String> {
    [records.subjects.clone(), subjects_of(columns)].concat()
}

fn id_and_name(
    columns: &Columns<'_>,
    records: &RecordGuess<'_>,
    subjects: &[String],
) -> (IdentityGuess, IdentityGuess) {
    if records.is_keyed {
        return keyed(columns, subjects);
    }
    let (id, name) = listed(columns, subjects);
    let mut all = records.pages.iter().flatten().peekable();
    // A list of ids alone, whose details say the rest.
    let is_plain = all.peek().is_some() && all.all(|record| !record.is_object());
    if is_plain && !columns.all.is_empty() {
        let id = IdentityGuess::at(".", "the list has nothing but ids");
        return (id, name);
    }
    (id, name)
}

/// The people who stand in the records themselves, list by list.
pub(super) fn people_within<'a>(
    columns: &Columns<'a>,
    records: &RecordGuess<'a>,
) -> Vec<Vec<SampleValue<'a>>> {
    people::within(columns, &subjects(columns, records))
}

/// The lines of `fields`, the id first. People that come in lists of their own are left out.
pub(super) fn guess(
    columns: &Columns<'_>,
    records: &RecordGuess<'_>,
    elsewhere: &[RelatedList],
) -> Vec<ProposedLine> {
    let subjects = &subjects(columns, records);
    let mut taken: Vec<_> = children(columns).into_iter().collect();
    let (id, name) = id_and_name(columns, records, subjects);
    taken.extend(id.paths.iter().chain(&name.paths).cloned());
    let mut lines = vec![id.line("id"), name.line("name")];
    for words in &SCALARS {
        let mut barred = taken.clone();
        if words.key == "description" {
            barred.extend(copies(columns, &name.paths));
        }
        if let Some(chosen) = choose(words, columns, subjects, &barred) {
            taken.extend(chosen.paths());
            lines.push(scalar_line(words, &chosen, columns));
        }
    }
    let people = people::guess(columns, subjects, &mut taken);
    let is_elsewhere = |line: &ProposedLine| {
        let mut lists = elsewhere.iter();
        lists.any(|list| line.is_of(list.into()))
    };
    lines.extend(people.into_iter().filter(|line| !is_elsewhere(line)));
    lines.extend(times::guess(columns, subjects, &mut taken));
    lines.extend(unmapped(columns, &taken));
    lines
}

/// The columns that repeat the name in every record: they are no description.
fn copies(columns: &Columns<'_>, name: &[Path]) -> Vec<Path> {
    let is_name = |column: &&Column<'_>| name == [column.path.clone()];
    let Some(name) = columns.all.iter().find(is_name) else {
        return Vec::new();
    };
    let same = columns
        .all
        .iter()
        .filter(|column| column.texts().eq(name.texts()));
    same.map(|column| column.path.clone()).collect()
}

fn scalar_line(
    words: &FieldWords,
    chosen: &ChosenColumns<'_, '_>,
    columns: &Columns<'_>,
) -> ProposedLine {
    let filled = covered(&chosen.columns);
    let confidence = match (chosen.is_weak, filled) {
        (false, 1..) => Confidence::Clear,
        (false, 0) | (true, 1..) => Confidence::Likely,
        (true, 0) => Confidence::NotSure,
    };
    let why = by_name(chosen, columns);
    if words.holds == FieldType::Word && is_boolean(chosen) {
        let path = paths_value(&chosen.paths());
        let values = table([("true", "active".into()), ("false", "inactive".into())]);
        let value = table([("path", path), ("values", values)]);
        return ProposedLine::likely(words.key, value, &format!("{why}; true or false"));
    }
    ProposedLine::guess(words.key, paths_value(&chosen.paths()), confidence, &why)
}

fn is_boolean(chosen: &ChosenColumns<'_, '_>) -> bool {
    let mut texts = chosen
        .columns
        .iter()
        .flat_map(|column| column.texts())
        .peekable();
    texts.peek().is_some() && texts.all(|(_, text)| text.parse::<bool>().is_ok())
}

/// How many of the members that no field takes are named.
const NAMED: usize = 12;

/// The members that no field takes.
fn unmapped(columns: &Columns<'_>, taken: &[Path]) -> Option<ProposedLine> {
    let is_taken = |column: &Column<'_>| {
        taken.iter().any(|path| {
            let first = path.segments().first();
            first.is_some_and(|first| first == column.names[0])
        })
    };
    let left: Vec<_> = columns
        .all
        .iter()
        .filter(|column| column.names.len() == 1 && !is_taken(column))
        .map(|column| format!("`{}`", column.names[0]))
        .collect();
    if left.is_empty() {
        return None;
    }
    let named = left[..left.len().min(NAMED)].join(", ");
    let more = match left.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(ProposedLine::remark(format!(
        "No field takes {named}{more}: kept under `attributes`."
    )))
}
