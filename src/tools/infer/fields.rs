//! Which part of a record is which field of a group.
//!
//! Names are asked first, then values: a name in the vocabulary whose values fit is taken, and
//! where no name says anything, values alone make a guess that is never more than "not sure".

use toml_edit::{Array, Value};

use crate::config::Path;
use crate::snapshot::SOURCE_ID_BYTES;

use super::columns::{Column, Columns};
use super::guess::{Line, Sureness, table};
use super::records::{Records, children};
use super::shape::{TimeFormat, is_email, is_reference, is_url, is_uuid};
use super::vocabulary::{Holds, ID, NAME, Rank, SCALARS, Words, subjects_of};
use super::{people, times};

/// What `fields.id` or `fields.name` is guessed to be.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) paths: Vec<Path>,
    pub(super) sureness: Sureness,
    why: String,
    /// Whether every record has one.
    pub(super) is_everywhere: bool,
}

impl Identity {
    fn line(&self, key: &str) -> Line {
        Line::guess(key, paths_value(&self.paths), self.sureness, &self.why)
    }

    /// One that is not among the members: `.`, `$key`.
    fn elsewhere(place: &str, why: &str) -> Self {
        Self {
            paths: place.parse().into_iter().collect(),
            sureness: Sureness::NotSure,
            why: why.to_owned(),
            is_everywhere: true,
        }
    }
}

/// The id and the name of each record, as far as its members' names say.
pub(super) fn identity(
    columns: &Columns<'_>,
    subjects: &[String],
) -> (Option<Identity>, Option<Identity>) {
    let own = subjects_of(columns);
    let subjects = &[subjects, &own].concat();
    (
        identify(&ID, columns, subjects),
        identify(&NAME, columns, subjects),
    )
}

fn identify(words: &Words, columns: &Columns<'_>, subjects: &[String]) -> Option<Identity> {
    let chosen = choose(words, columns, subjects, &[])?;
    let filled: Vec<_> = chosen
        .columns
        .iter()
        .flat_map(|column| column.texts())
        .collect();
    if filled.is_empty() {
        return None;
    }
    let is_everywhere = covered(&chosen.columns) == columns.records;
    let is_repeated = words.holds == Holds::Id && is_repeated(&chosen.columns);
    let sureness = match (chosen.is_weak, is_everywhere, is_repeated) {
        (false, true, false) => Sureness::Certain,
        _ => Sureness::Likely,
    };
    let note = match (words.holds, is_repeated) {
        (Holds::Id, true) => ", but one stands in several of them",
        (Holds::Id, false) if columns.records > 1 => ", each different",
        _ => "",
    };
    let why = format!("{}{note}", by_name(&chosen, columns));
    Some(Identity {
        paths: chosen.paths(),
        sureness,
        why,
        is_everywhere,
    })
}

/// What the fields are guessed to be: the lines, the id's first.
pub(super) fn guess(columns: &Columns<'_>, records: &Records<'_>) -> Vec<Line> {
    let subjects = &[records.subjects.clone(), subjects_of(columns)].concat();
    let mut taken: Vec<_> = children(columns).into_iter().collect();
    let (id, name) = if records.is_keyed {
        keyed(columns, subjects)
    } else {
        settled(columns, subjects)
    };
    taken.extend(id.paths.iter().chain(&name.paths).cloned());
    let mut lines = vec![id.line("id"), name.line("name")];
    for words in &SCALARS {
        let mut barred = taken.clone();
        if words.key == "description" {
            barred.extend(echoes(columns, &name.paths));
        }
        if let Some(chosen) = choose(words, columns, subjects, &barred) {
            taken.extend(chosen.paths());
            lines.push(scalar_line(words, &chosen, columns));
        }
    }
    lines.extend(people::guess(columns, subjects, &mut taken));
    lines.extend(times::guess(columns, subjects, &mut taken));
    lines.extend(leftovers(columns, &taken));
    lines
}

/// The columns that say in every record what the name says: they describe nothing.
fn echoes(columns: &Columns<'_>, name: &[Path]) -> Vec<Path> {
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

/// Id and name of records that stand under names of their own: what is not inside of the record is
/// the name.
fn keyed(columns: &Columns<'_>, subjects: &[String]) -> (Identity, Identity) {
    let key = Identity {
        sureness: Sureness::Likely,
        ..Identity::elsewhere("$key", "the name that a record stands under is its own")
    };
    let (id, name) = identity(columns, subjects);
    (id.unwrap_or_else(|| key.clone()), name.unwrap_or(key))
}

/// Id and name, whatever it takes: every block needs both.
fn settled(columns: &Columns<'_>, subjects: &[String]) -> (Identity, Identity) {
    let (id, name) = identity(columns, subjects);
    let id = id.or_else(|| by_values(columns, &[], looks_like_id, "identifiers that all differ"));
    let name = name.or_else(|| {
        let taken = id.as_ref().map_or(&[][..], |id| &id.paths);
        by_values(
            columns,
            taken,
            looks_like_name,
            "short texts that all differ",
        )
    });
    match (id, name) {
        (Some(id), Some(name)) => (id, name),
        (None, Some(name)) => {
            let why = "no member looks like an id, so the name stands in for it: a group that is \
                       renamed becomes another";
            let id = Identity {
                sureness: Sureness::NotSure,
                why: why.to_owned(),
                ..name.clone()
            };
            (id, name)
        }
        (Some(id), None) => {
            let why = "no member looks like a name, so the id stands in for it";
            let name = Identity {
                sureness: Sureness::NotSure,
                why: why.to_owned(),
                ..id.clone()
            };
            (id, name)
        }
        (None, None) if columns.all.is_empty() && columns.records > 0 => (
            Identity::elsewhere(".", "the records are plain values, not objects"),
            Identity::elsewhere(".", "the records are plain values, not objects"),
        ),
        (None, None) => (
            Identity::elsewhere(
                "id",
                "nothing in the samples looks like an id; the usual name",
            ),
            Identity::elsewhere(
                "name",
                "nothing in the samples looks like a name; the usual one",
            ),
        ),
    }
}

/// The first member of a record that is not taken and whose values in all records pass a test.
fn by_values(
    columns: &Columns<'_>,
    taken: &[Path],
    test: impl Fn(&[String]) -> bool,
    what: &str,
) -> Option<Identity> {
    let column = columns.all.iter().find(|column| {
        let texts: Vec<_> = column.texts().map(|(_, text)| text.into_owned()).collect();
        column.names.len() == 1
            && column.is_scalar()
            && !taken.contains(&column.path)
            && texts.len() == columns.records
            && test(&texts)
    })?;
    Some(Identity {
        paths: vec![column.path.clone()],
        sureness: Sureness::NotSure,
        why: format!("its name says nothing, but its values are {what}"),
        is_everywhere: true,
    })
}

fn looks_like_id(texts: &[String]) -> bool {
    let is_plain = |text: &String| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        is_uuid(text) || (is_number && TimeFormat::of(text).is_none())
    };
    texts.len() > 1 && texts.iter().all(is_plain) && all_differ(texts)
}

fn looks_like_name(texts: &[String]) -> bool {
    let is_words = |text: &String| {
        text.len() <= 100
            && text.contains(char::is_alphabetic)
            && !(is_uuid(text) || is_email(text) || is_url(text) || TimeFormat::of(text).is_some())
            && text.parse::<bool>().is_err()
    };
    texts.len() > 1 && texts.iter().all(is_words) && all_differ(texts)
}

fn all_differ(texts: &[String]) -> bool {
    let mut sorted: Vec<_> = texts.iter().collect();
    sorted.sort_unstable();
    sorted.windows(2).all(|pair| pair[0] != pair[1])
}

fn is_repeated(columns: &[&Column<'_>]) -> bool {
    columns.iter().any(|column| {
        let texts: Vec<_> = column.texts().map(|(_, text)| text.into_owned()).collect();
        !all_differ(&texts)
    })
}

/// The columns that were chosen for a field: the first that says something counts.
pub(super) struct Chosen<'c, 'a> {
    pub(super) columns: Vec<&'c Column<'a>>,
    pub(super) is_weak: bool,
}

impl Chosen<'_, '_> {
    /// Whether no record says anything there.
    pub(super) fn is_silent(&self) -> bool {
        covered(&self.columns) == 0
    }

    pub(super) fn paths(&self) -> Vec<Path> {
        self.columns
            .iter()
            .map(|column| column.path.clone())
            .collect()
    }
}

/// The column whose name fits best and whose values do, with others for the records that it says
/// nothing in.
pub(super) fn choose<'c, 'a>(
    words: &Words,
    columns: &'c Columns<'a>,
    subjects: &[String],
    taken: &[Path],
) -> Option<Chosen<'c, 'a>> {
    let mut fitting: Vec<(Rank, &Column<'_>)> = columns
        .all
        .iter()
        .filter(|column| !taken.contains(&column.path))
        .filter_map(|column| Some((words.rank(column, subjects)?, column)))
        .filter(|(_, column)| fits(words.holds, column))
        .collect();
    fitting.sort_by_key(|&(rank, column)| (column.filled() == 0, rank));
    let &(rank, first) = fitting.first()?;
    Some(Chosen {
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
fn fits(holds: Holds, column: &Column<'_>) -> bool {
    if !column.is_scalar() {
        return false;
    }
    let mut texts = column.texts().map(|(_, text)| text);
    let is_truth = |text: &str| text.parse::<bool>().is_ok();
    match holds {
        Holds::Id => texts.all(|text| text.len() <= SOURCE_ID_BYTES && !is_truth(&text)),
        Holds::Text => texts.all(|text| !is_truth(&text)),
        Holds::Email => texts.all(|text| is_email(&text)),
        Holds::Word => texts.all(|text| text.len() <= 40),
        Holds::Url => texts.all(|text| is_reference(&text)),
        Holds::Picture => texts.all(|text| is_reference(&text) || !text.contains(' ')),
        Holds::Count => column.filled() > 0 && texts.all(|text| text.trim().parse::<u64>().is_ok()),
    }
}

fn scalar_line(words: &Words, chosen: &Chosen<'_, '_>, columns: &Columns<'_>) -> Line {
    let filled = covered(&chosen.columns);
    let sureness = match (chosen.is_weak, filled) {
        (false, 1..) => Sureness::Certain,
        (false, 0) | (true, 1..) => Sureness::Likely,
        (true, 0) => Sureness::NotSure,
    };
    let why = by_name(chosen, columns);
    if words.holds == Holds::Word && is_truth(chosen) {
        let path = paths_value(&chosen.paths());
        let values = table([("true", "active".into()), ("false", "inactive".into())]);
        let value = table([("path", path), ("values", values)]);
        return Line::guess(
            words.key,
            value,
            Sureness::Likely,
            &format!("{why}; true or false"),
        );
    }
    Line::guess(words.key, paths_value(&chosen.paths()), sureness, &why)
}

fn is_truth(chosen: &Chosen<'_, '_>) -> bool {
    let mut texts = chosen
        .columns
        .iter()
        .flat_map(|column| column.texts())
        .peekable();
    texts.peek().is_some() && texts.all(|(_, text)| text.parse::<bool>().is_ok())
}

/// "by its name, in 2 of 3 records".
fn by_name(chosen: &Chosen<'_, '_>, columns: &Columns<'_>) -> String {
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
        (0, _) => "but no record has a value there".to_owned(),
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

/// How many of the members that no field takes are named.
const NAMED: usize = 12;

/// What no field takes, so that nobody has to look for it.
fn leftovers(columns: &Columns<'_>, taken: &[Path]) -> Option<Line> {
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
    Some(Line::remark(format!(
        "No field takes {named}{more}: kept under `attributes`."
    )))
}
