//! The sample of a list of partitions: what its items are called, and which of their values is in a URL.

use url::Url;

use super::draft::Draft;
use super::identity::identity;
use super::names::{plain, singular};
use super::placed::{PlacedUrl, UrlParts};
use super::read_samples::ReadSamples;
use super::record_texts::{RecordText, record_texts};
use super::related_draft::{RelatedDraft, RelatedShape, read};
use crate::plan::RelatedList;
use crate::terminal::CommandError;

/// The sample of a list of partitions.
pub(super) struct PartitionSample<'r, 'a> {
    draft: Draft<'r, 'a>,
    texts: Vec<RecordText>,
}

impl<'r, 'a> PartitionSample<'r, 'a> {
    pub(super) fn of(reading: &'r ReadSamples<'a>) -> Result<Self, CommandError> {
        let draft = read(RelatedList::Partitions, reading)?;
        let (id, _) = identity(&draft.columns, &[]);
        let id = id.map(|id| id.paths).unwrap_or_default();
        let texts = record_texts(&draft.records.all(), &draft.columns, &id);
        Ok(Self { draft, texts })
    }

    /// The value in a URL, with a name for it.
    pub(super) fn named(&self, url: &Url) -> Option<(String, RecordText)> {
        let parts = UrlParts::of(url, None);
        let found = parts.find(&self.texts)?;
        let name = parts.word_before(&found).map(singular_name);
        let name = name.filter(|name| !name.is_empty());
        Some((
            name.unwrap_or_else(|| self.usual_name()),
            found.text.clone(),
        ))
    }

    /// What one item of the list is called.
    pub(super) fn usual_name(&self) -> String {
        let url = self.draft.url();
        let last = url.and_then(|url| url.path_segments()?.next_back());
        let name = last.map(singular_name).unwrap_or_default();
        if name.is_empty() {
            "partition".to_owned()
        } else {
            name
        }
    }

    /// Where the value is if no URL has it: the id or the name of a record, or the record itself.
    pub(super) fn usual_value(&self) -> String {
        let (id, name) = identity(&self.draft.columns, &[]);
        let path = id.or(name).and_then(|one| one.paths.into_iter().next());
        path.map_or_else(|| ".".to_owned(), |path| path.to_string())
    }

    pub(super) fn draft(self, (name, value): (String, String)) -> RelatedDraft<'r, 'a> {
        RelatedDraft {
            list: RelatedList::Partitions,
            draft: self.draft,
            placed: PlacedUrl::default(),
            shape: RelatedShape::Partitions(name, value),
            others: Vec::new(),
        }
    }
}

/// A name that a placeholder may have, of a word for several.
fn singular_name(word: &str) -> String {
    let one = singular(&plain(word));
    one.chars().filter(char::is_ascii_alphanumeric).collect()
}
