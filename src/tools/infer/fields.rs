//! Which part of a record is which field of a group.
//!
//! Names come first, then values: a name in the vocabulary whose values fit is taken. Where no name
//! matches, values alone make a guess that is never more than "not sure".

use crate::plan::Path;

use super::choose::{ChosenColumns, by_name, choose, covered, paths_value};
use super::columns::{Column, Columns};
use super::guess::{Confidence, ProposedLine, table};
use super::identity::{keyed, listed};
use super::records::{RecordGuess, children};
use super::vocabulary::{FieldType, FieldWords, SCALARS, subjects_of};
use super::{people, times};

/// The lines of `fields`, the id first.
pub(super) fn guess(columns: &Columns<'_>, records: &RecordGuess<'_>) -> Vec<ProposedLine> {
    let subjects = &[records.subjects.clone(), subjects_of(columns)].concat();
    let mut taken: Vec<_> = children(columns).into_iter().collect();
    let (id, name) = if records.is_keyed {
        keyed(columns, subjects)
    } else {
        listed(columns, subjects)
    };
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
    lines.extend(people::guess(columns, subjects, &mut taken));
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
