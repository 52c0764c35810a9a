//! Which columns hold a field: a name in the vocabulary, and values that fit.

use toml_edit::{Array, Value};

use crate::plan::Path;
use crate::snapshot::SOURCE_ID_BYTES;

use super::columns::{Column, Columns};
use super::shape::{is_email, is_reference};
use super::vocabulary::{FieldType, FieldWords, Rank};

/// The columns that were chosen for a field: the first that has a value counts.
pub(super) struct ChosenColumns<'c, 'a> {
    pub(super) columns: Vec<&'c Column<'a>>,
    pub(super) is_weak: bool,
}

impl ChosenColumns<'_, '_> {
    /// Whether every record is empty there.
    pub(super) fn is_empty(&self) -> bool {
        covered(&self.columns) == 0
    }

    pub(super) fn paths(&self) -> Vec<Path> {
        self.columns
            .iter()
            .map(|column| column.path.clone())
            .collect()
    }
}

/// The column whose name fits best and whose values fit, with others for the records that it leaves
/// empty.
pub(super) fn choose<'c, 'a>(
    words: &FieldWords,
    columns: &'c Columns<'a>,
    subjects: &[String],
    taken: &[Path],
) -> Option<ChosenColumns<'c, 'a>> {
    let mut fitting: Vec<(Rank, &Column<'_>)> = columns
        .all
        .iter()
        .filter(|column| !taken.contains(&column.path))
        .filter_map(|column| Some((words.rank(column, subjects)?, column)))
        .filter(|(_, column)| fits(words.holds, column))
        .collect();
    fitting.sort_by_key(|&(rank, column)| (column.filled() == 0, rank));
    let &(rank, first) = fitting.first()?;
    Some(ChosenColumns {
        columns: cover(first, fitting.iter().skip(1).map(|&(_, column)| column)),
        is_weak: rank.is_weak,
    })
}

/// A column, and each further one that fills records that all before it leave empty.
pub(super) fn cover<'c, 'a>(
    first: &'c Column<'a>,
    others: impl Iterator<Item = &'c Column<'a>>,
) -> Vec<&'c Column<'a>> {
    let mut chosen = vec![first];
    for other in others {
        let before = covered(&chosen);
        chosen.push(other);
        if covered(&chosen) == before {
            chosen.pop();
        }
    }
    chosen
}

/// How many records have a value in at least one of these columns.
pub(super) fn covered(columns: &[&Column<'_>]) -> usize {
    let mut records: Vec<_> = columns
        .iter()
        .flat_map(|column| column.texts())
        .map(|(record, _)| record)
        .collect();
    records.sort_unstable();
    records.dedup();
    records.len()
}

/// Whether a column's values can be what a field holds. One that is null everywhere fits anything
/// but an id or a name.
fn fits(holds: FieldType, column: &Column<'_>) -> bool {
    if !column.is_scalar() {
        return false;
    }
    let mut texts = column.texts().map(|(_, text)| text);
    let is_boolean = |text: &str| text.parse::<bool>().is_ok();
    match holds {
        FieldType::Id => texts.all(|text| text.len() <= SOURCE_ID_BYTES && !is_boolean(&text)),
        FieldType::Text => texts.all(|text| !is_boolean(&text)),
        FieldType::Email => texts.all(|text| is_email(&text)),
        FieldType::Word => texts.all(|text| text.len() <= 40),
        FieldType::Url => texts.all(|text| is_reference(&text)),
        FieldType::Picture => texts.all(|text| is_reference(&text) || !text.contains(' ')),
        FieldType::Count => {
            column.filled() > 0 && texts.all(|text| text.trim().parse::<u64>().is_ok())
        }
    }
}

/// "by its name, in 2 of 3 records".
pub(super) fn by_name(chosen: &ChosenColumns<'_, '_>, columns: &Columns<'_>) -> String {
    let names = if chosen.columns.len() > 1 {
        "by their names"
    } else {
        "by its name"
    };
    format!(
        "{names}, {}",
        how_many(covered(&chosen.columns), columns.records)
    )
}

/// "in 2 of 3 records".
pub(super) fn how_many(filled: usize, records: usize) -> String {
    match (filled, records) {
        (0, _) => "but empty in every record".to_owned(),
        (1, 1) => "in the one record".to_owned(),
        _ if filled == records => format!("in all {records} records"),
        _ => format!("in {filled} of {records} records"),
    }
}

/// One path as it is, several as a list.
pub(super) fn paths_value(paths: &[Path]) -> Value {
    match paths {
        [only] => only.to_string().into(),
        _ => Value::Array(paths.iter().map(Path::to_string).collect::<Array>()),
    }
}
