//! The texts of records that may stand in a URL.

use crate::plan::Path;

use super::columns::Columns;
use super::names::{NameHint, plain};
use super::part::SampleValue;
use super::vocabulary::PEOPLE;

/// A text of a record.
#[derive(Debug, Clone)]
pub(super) struct RecordText {
    /// The number of the record.
    pub(super) record: usize,
    /// Where in the record it is.
    pub(super) path: Path,
    pub(super) text: String,
    pub(super) is_id: bool,
    /// Whether it differs from record to record.
    pub(super) differs: bool,
}

impl RecordText {
    /// What stands for it in a request.
    pub(super) fn placeholder(&self) -> String {
        if self.is_id {
            "group.id".to_owned()
        } else {
            format!("record/{}", self.path)
        }
    }
}

/// The texts of records, of which those at `id` are its id.
pub(super) fn record_texts(
    records: &[SampleValue<'_>],
    columns: &Columns<'_>,
    id: &[Path],
) -> Vec<RecordText> {
    let own = records.iter().enumerate().filter_map(|(record, value)| {
        Some(RecordText {
            record,
            path: ".".parse().ok()?,
            text: value.text().filter(|_| !value.is_object())?.into_owned(),
            is_id: true,
            differs: true,
        })
    });
    let mut texts: Vec<_> = own.collect();
    for column in &columns.all {
        let mut seen: Vec<_> = column.texts().map(|(_, text)| text).collect();
        seen.sort_unstable();
        let differs = seen.windows(2).all(|pair| pair[0] != pair[1]);
        let is_id = id.contains(&column.path);
        // Other numbers count something: as many as a URL has in `limit`, by chance.
        let names_other = column.plain_names().iter().any(|name| name.ends_with("id"));
        let named = column.texts().filter(|(_, text)| {
            is_id || names_other || !text.bytes().all(|byte| byte.is_ascii_digit())
        });
        texts.extend(named.map(|(record, text)| RecordText {
            record,
            path: column.path.clone(),
            text: text.into_owned(),
            is_id,
            differs,
        }));
    }
    texts.retain(|text| !text.text.trim().is_empty() && !is_word(&text.text));
    texts
}

/// Whether a text is a word that URLs have of themselves, or a flag.
fn is_word(text: &str) -> bool {
    let word = plain(text);
    let is_people = PEOPLE.iter().any(|words| words.names.contains(&word));
    is_people || NameHint::of(text) == NameHint::Sought || text.parse::<bool>().is_ok()
}
