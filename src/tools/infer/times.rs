//! When a group was made, changed and deleted, and how the upstream writes that down.

use toml_edit::Value;

use crate::plan::Path;

use super::choose::{cover, covered, how_many, paths_value};
use super::columns::{Column, Columns};
use super::guess::{Confidence, ProposedLine, table};
use super::shape::TimeNotation;
use super::vocabulary::{Rank, TIMES, TimeWords, rank_in};

pub(super) fn guess(
    columns: &Columns<'_>,
    subjects: &[String],
    taken: &mut Vec<Path>,
) -> Vec<ProposedLine> {
    let usual = columns
        .all
        .iter()
        .find_map(|column| format_of(column).known());
    let mut lines = Vec::new();
    for words in &TIMES {
        if let Some(line) = time(words, columns, subjects, usual, taken) {
            lines.push(line);
        }
    }
    lines
}

fn time(
    words: &TimeWords,
    columns: &Columns<'_>,
    subjects: &[String],
    usual: Option<TimeNotation>,
    taken: &mut Vec<Path>,
) -> Option<ProposedLine> {
    let mut fitting: Vec<(Option<Rank>, &Column<'_>)> = columns
        .all
        .iter()
        .filter(|column| column.is_scalar() && !taken.contains(&column.path))
        .filter_map(|column| Some((rank(words, column, subjects)?, column)))
        .collect();
    fitting
        .sort_by_key(|&(rank, column)| (format_of(column).known().is_none(), rank.is_none(), rank));
    let &(rank, first) = fitting.first()?;
    let format = format_of(first);
    let chosen = match format {
        // Only columns that write times alike can share one line.
        ColumnFormat::Known(_) => cover(
            first,
            fitting
                .iter()
                .skip(1)
                .map(|&(_, column)| column)
                .filter(|column| format_of(column) == format),
        ),
        ColumnFormat::Silent | ColumnFormat::Zero | ColumnFormat::Mixed | ColumnFormat::Unknown => {
            vec![first]
        }
    };
    let paths: Vec<_> = chosen.iter().map(|column| column.path.clone()).collect();
    let how = how_many(covered(&chosen), columns.records);
    let by = if rank.is_some() {
        "by its name"
    } else {
        "by a part of its name"
    };
    let (written, confidence, why) = match format {
        ColumnFormat::Known(known) => {
            let confidence = if rank.is_some() {
                Confidence::Certain
            } else {
                Confidence::Likely
            };
            (
                Some(known),
                confidence,
                format!("{by}, {how}; {}", known.what()),
            )
        }
        ColumnFormat::Silent => (usual, Confidence::Likely, format!("{by}, {how}")),
        ColumnFormat::Zero => {
            let epoch = usual.filter(|usual| matches!(usual, TimeNotation::EpochMs));
            let why = format!("{by}; 0 in every record, which means never");
            (
                Some(epoch.unwrap_or(TimeNotation::Epoch)),
                Confidence::Likely,
                why,
            )
        }
        ColumnFormat::Mixed | ColumnFormat::Unknown => {
            let path = first.path.to_string();
            let trouble = if format == ColumnFormat::Mixed {
                "its times have several formats: check them, and set `format`"
            } else {
                "its values are in no known time format: set `format` to a strftime pattern"
            };
            let what = format!("{}: {by}, but {trouble}", Confidence::NotSure);
            return Some(ProposedLine::suggestion(words.key, path, &what));
        }
    };
    taken.extend(paths.iter().cloned());
    Some(ProposedLine::guess(
        words.key,
        time_value(&paths, written),
        confidence,
        &why,
    ))
}

/// How well a name fits; `Some(None)` where only a part of it does, and the values are times.
#[expect(
    clippy::option_option,
    reason = "no fit, a fit by a part and a fit with a rank are three things"
)]
fn rank(words: &TimeWords, column: &Column<'_>, subjects: &[String]) -> Option<Option<Rank>> {
    if let Some(rank) = rank_in(words.strong, false, column, subjects) {
        return Some(Some(rank));
    }
    let names = column.plain_names();
    let has_stem = |name: &String| words.stems.iter().any(|stem| name.contains(stem));
    let is_time = format_of(column).known().is_some();
    (is_time && names.first().is_some_and(has_stem)).then_some(None)
}

fn time_value(paths: &[Path], format: Option<TimeNotation>) -> Value {
    match format.and_then(TimeNotation::word) {
        None => paths_value(paths),
        Some(word) => match paths {
            [only] => time_table(only, word),
            _ => Value::Array(paths.iter().map(|path| time_table(path, word)).collect()),
        },
    }
}

fn time_table(path: &Path, word: &str) -> Value {
    table([("path", path.to_string().into()), ("format", word.into())])
}

/// How the times of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ColumnFormat {
    Known(TimeNotation),
    /// There is no value.
    Silent,
    /// Every value is 0.
    Zero,
    /// In several ways.
    Mixed,
    /// They are no times.
    Unknown,
}

impl ColumnFormat {
    const fn known(self) -> Option<TimeNotation> {
        match self {
            Self::Known(format) => Some(format),
            Self::Silent | Self::Zero | Self::Mixed | Self::Unknown => None,
        }
    }
}

fn format_of(column: &Column<'_>) -> ColumnFormat {
    let mut found = ColumnFormat::Silent;
    for (_, text) in column.texts() {
        let here = match TimeNotation::of(&text) {
            Some(format) => ColumnFormat::Known(format),
            None if text.trim() == "0" => ColumnFormat::Zero,
            None => return ColumnFormat::Unknown,
        };
        found = match (found, here) {
            (ColumnFormat::Silent | ColumnFormat::Zero, _) => here,
            (_, ColumnFormat::Zero) => found,
            _ if found == here => found,
            _ => ColumnFormat::Mixed,
        };
    }
    found
}
