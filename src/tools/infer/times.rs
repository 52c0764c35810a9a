//! The times of a group and their formats.

use toml_edit::Value;

use crate::plan::{Path, TimeFormat};

use super::choose::{cover, covered, how_many, paths_value};
use super::columns::{Column, Columns};
use super::guess::{Confidence, ProposedLine, table};
use super::shape::time_format;
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
    let lines = TIMES.iter();
    lines
        .filter_map(|words| time(words, columns, subjects, usual.as_ref(), taken))
        .collect()
}

fn time(
    words: &TimeWords,
    columns: &Columns<'_>,
    subjects: &[String],
    usual: Option<&TimeFormat>,
    taken: &mut Vec<Path>,
) -> Option<ProposedLine> {
    let mut fitting: Vec<(bool, TimeRank, &Column<'_>)> = columns
        .all
        .iter()
        .filter(|column| column.is_scalar() && !taken.contains(&column.path))
        .filter_map(|column| {
            let is_unknown = format_of(column).known().is_none();
            Some((is_unknown, rank(words, column, subjects)?, column))
        })
        .collect();
    fitting.sort_by_key(|&(is_unknown, rank, _)| (is_unknown, rank));
    let &(_, rank, first) = fitting.first()?;
    let format = format_of(first);
    // Only columns that write times alike can share one line.
    let others = fitting.iter().skip(1).map(|&(_, _, column)| column);
    let alike = others.filter(|other| format.known().is_some() && format_of(other) == format);
    let chosen = cover(first, alike);
    let paths: Vec<_> = chosen.iter().map(|column| column.path.clone()).collect();
    let how = how_many(covered(&chosen), columns.records);
    let (by, by_name) = match rank {
        TimeRank::Name(_) => ("by its name", Confidence::Clear),
        TimeRank::Stem => ("by a part of its name", Confidence::Likely),
    };
    let (written, confidence, why) = match &format {
        ColumnFormat::Known(known) => {
            let why = format!("{by}, {how}; {}", what(known));
            (Some(known), by_name, why)
        }
        ColumnFormat::Empty => (usual, Confidence::Likely, format!("{by}, {how}")),
        ColumnFormat::Zero => {
            let epoch = usual.filter(|usual| **usual == TimeFormat::EpochMs);
            let why = format!("{by}; 0 in every record, which means never");
            let written = epoch.unwrap_or(&TimeFormat::Epoch);
            (Some(written), Confidence::Likely, why)
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
    let value = time_value(&paths, written);
    taken.extend(paths);
    Some(ProposedLine::guess(words.key, value, confidence, &why))
}

/// How well a name fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TimeRank {
    Name(Rank),
    /// A part of it does, and the values are times.
    Stem,
}

fn rank(words: &TimeWords, column: &Column<'_>, subjects: &[String]) -> Option<TimeRank> {
    if let Some(rank) = rank_in(words.strong, false, column, subjects) {
        return Some(TimeRank::Name(rank));
    }
    let names = column.plain_names();
    let has_stem = |name: &String| words.stems.iter().any(|stem| name.contains(stem));
    let is_time = format_of(column).known().is_some();
    (is_time && names.first().is_some_and(has_stem)).then_some(TimeRank::Stem)
}

fn time_value(paths: &[Path], format: Option<&TimeFormat>) -> Value {
    let Some(format) = format.filter(|format| **format != TimeFormat::default()) else {
        return paths_value(paths);
    };
    let word = format.to_string();
    let time = |path: &Path| {
        let path = path.to_string();
        table([("path", path.into()), ("format", word.as_str().into())])
    };
    match paths {
        [only] => time(only),
        _ => Value::Array(paths.iter().map(time).collect()),
    }
}

/// What a format is, for a comment.
const fn what(format: &TimeFormat) -> &'static str {
    match format {
        TimeFormat::Rfc3339 => "RFC 3339 times",
        TimeFormat::Epoch => "seconds since 1970",
        TimeFormat::EpochMs => "milliseconds since 1970",
        TimeFormat::DateTime => "times without an offset, taken as UTC",
        TimeFormat::Date => "dates, taken as midnight UTC",
        TimeFormat::Ldap => "generalized times (LDAP)",
        TimeFormat::Rfc1123 => "times as in HTTP headers (RFC 1123)",
        TimeFormat::Microsoft => "milliseconds since 1970, as in `/Date(0)/`",
        TimeFormat::Pattern(_) => "times in a format of their own",
    }
}

/// The format of a column's times.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ColumnFormat {
    Known(TimeFormat),
    /// There is no value.
    Empty,
    /// Every value is 0.
    Zero,
    /// Several.
    Mixed,
    /// They are not times.
    Unknown,
}

impl ColumnFormat {
    fn known(&self) -> Option<TimeFormat> {
        match self {
            Self::Known(format) => Some(format.clone()),
            Self::Empty | Self::Zero | Self::Mixed | Self::Unknown => None,
        }
    }
}

fn format_of(column: &Column<'_>) -> ColumnFormat {
    let mut found = ColumnFormat::Empty;
    for (_, text) in column.texts() {
        let here = match time_format(&text) {
            Some(format) => ColumnFormat::Known(format),
            None if text.trim() == "0" => ColumnFormat::Zero,
            None => return ColumnFormat::Unknown,
        };
        found = match (found, here) {
            (ColumnFormat::Empty | ColumnFormat::Zero, here) => here,
            (found, ColumnFormat::Zero) => found,
            (found, here) if found == here => found,
            _ => ColumnFormat::Mixed,
        };
    }
    found
}
