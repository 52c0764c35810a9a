//! The id and the name of each record.

use crate::plan::Path;

use super::choose::{by_name, choose, covered, paths_value};
use super::columns::{Column, Columns};
use super::guess::{Confidence, ProposedLine};
use super::names::{NameHint, plain};
use super::shape::{is_email, is_url, is_uuid, time_format};
use super::vocabulary::{FieldType, FieldWords, ID, NAME, subjects_of};

/// What `fields.id` or `fields.name` is guessed to be.
#[derive(Debug, Clone)]
pub(super) struct IdentityGuess {
    pub(super) paths: Vec<Path>,
    pub(super) confidence: Confidence,
    pub(super) why: String,
    /// Whether every record has one.
    pub(super) is_everywhere: bool,
}

impl IdentityGuess {
    pub(super) fn line(&self, key: &str) -> ProposedLine {
        ProposedLine::guess(key, paths_value(&self.paths), self.confidence, &self.why)
    }

    /// The same member, for want of a better one.
    fn instead(&self, why: &str) -> Self {
        Self {
            confidence: Confidence::NotSure,
            why: why.to_owned(),
            ..self.clone()
        }
    }

    /// One at a fixed path: `.`, `$key`.
    pub(super) fn at(place: &str, why: &str) -> Self {
        Self {
            paths: place.parse().into_iter().collect(),
            confidence: Confidence::NotSure,
            why: why.to_owned(),
            is_everywhere: true,
        }
    }
}

/// The id and the name of each record, as far as its members' names say.
pub(super) fn identity(
    columns: &Columns<'_>,
    subjects: &[String],
) -> (Option<IdentityGuess>, Option<IdentityGuess>) {
    let own = subjects_of(columns);
    let subjects = &[subjects, &own].concat();
    (
        identify(&ID, columns, subjects),
        identify(&NAME, columns, subjects),
    )
}

fn identify(
    words: &FieldWords,
    columns: &Columns<'_>,
    subjects: &[String],
) -> Option<IdentityGuess> {
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
    let is_repeated = words.holds == FieldType::Id && is_repeated(&chosen.columns);
    let confidence = match (chosen.is_weak, is_everywhere, is_repeated) {
        (false, true, false) => Confidence::Clear,
        _ => Confidence::Likely,
    };
    let note = match (words.holds, is_repeated) {
        (FieldType::Id, true) => ", but not unique",
        (FieldType::Id, false) if columns.records > 1 => ", each different",
        _ => "",
    };
    let why = format!("{}{note}", by_name(&chosen, columns));
    Some(IdentityGuess {
        paths: chosen.paths(),
        confidence,
        why,
        is_everywhere,
    })
}

/// Id and name of records in an object: whichever the record lacks is its key.
pub(super) fn keyed(columns: &Columns<'_>, subjects: &[String]) -> (IdentityGuess, IdentityGuess) {
    let key = IdentityGuess {
        confidence: Confidence::Likely,
        ..IdentityGuess::at("$key", "each record has a key")
    };
    let (id, name) = identity(columns, subjects);
    (id.unwrap_or_else(|| key.clone()), name.unwrap_or(key))
}

/// Id and name of records in a list. A block needs both, so there is always a guess.
pub(super) fn listed(columns: &Columns<'_>, subjects: &[String]) -> (IdentityGuess, IdentityGuess) {
    let (id, name) = identity(columns, subjects);
    let id = id.or_else(|| {
        by_values(
            columns,
            &[],
            is_called_like_an_id,
            looks_like_id,
            "distinct identifiers",
        )
    });
    let name = name.or_else(|| {
        let taken = id.as_ref().map_or(&[][..], |id| &id.paths);
        by_values(
            columns,
            taken,
            |_| true,
            looks_like_name,
            "distinct short texts",
        )
    });
    match (id, name) {
        (Some(id), Some(name)) => (id, name),
        (None, Some(name)) => {
            let why = "no member looks like an id, so the name is used: a renamed group becomes \
                       another one";
            (name.instead(why), name)
        }
        (Some(id), None) => {
            let name = id.instead("no member looks like a name, so the id is used");
            (id, name)
        }
        (None, None) if columns.all.is_empty() && columns.records > 0 => {
            let value = IdentityGuess::at(".", "the records are plain values, not objects");
            (value.clone(), value)
        }
        (None, None) => (
            IdentityGuess::at(
                "id",
                "nothing in the samples looks like an id; this is the usual name",
            ),
            IdentityGuess::at(
                "name",
                "nothing in the samples looks like a name; this is the usual one",
            ),
        ),
    }
}

/// The first member of a record that is not taken and whose values in all records pass a test.
fn by_values(
    columns: &Columns<'_>,
    taken: &[Path],
    is_called: impl Fn(&Column<'_>) -> bool,
    test: impl Fn(&[String]) -> bool,
    what: &str,
) -> Option<IdentityGuess> {
    let column = columns.all.iter().find(|column| {
        let texts: Vec<_> = column.texts().map(|(_, text)| text.into_owned()).collect();
        column.names.len() == 1
            && column.is_scalar()
            && !taken.contains(&column.path)
            && is_called(column)
            && texts.len() == columns.records
            && test(&texts)
    })?;
    Some(IdentityGuess {
        paths: vec![column.path.clone()],
        confidence: Confidence::NotSure,
        why: format!("by its values only: {what}"),
        is_everywhere: true,
    })
}

/// Whether a member may be an id by its name. `Precedence`, a rank or a size may differ from record to
/// record as well, and `createdById` names somebody else.
fn is_called_like_an_id(column: &Column<'_>) -> bool {
    const ENDS: [&str; 8] = ["id", "uuid", "guid", "key", "no", "nr", "number", "ref"];
    let name = plain(column.names[0]);
    let is_other = [
        "by", "parent", "owner", "creator", "tenant", "org", "modifi", "version", "phone",
    ]
    .iter()
    .any(|word| name.contains(word));
    let Some(end) = ENDS.iter().find(|end| name.ends_with(**end)) else {
        return false;
    };
    let subject = &name[..name.len() - end.len()];
    !is_other && NameHint::of(subject) != NameHint::Others
}

fn looks_like_id(texts: &[String]) -> bool {
    let is_plain = |text: &String| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        is_uuid(text) || (is_number && time_format(text).is_none())
    };
    texts.len() > 1 && texts.iter().all(is_plain) && all_differ(texts)
}

fn looks_like_name(texts: &[String]) -> bool {
    let is_words = |text: &String| {
        text.len() <= 100
            && text.contains(char::is_alphabetic)
            && !(is_uuid(text) || is_email(text) || is_url(text) || time_format(text).is_some())
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
