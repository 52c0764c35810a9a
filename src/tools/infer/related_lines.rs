//! What the block says of a list that belongs to that of groups.

use toml_edit::{InlineTable, Value};

use super::block::BlockSection;
use super::guess::{LineEntry, ProposedLine};
use super::paging::PagingGuess;
use super::part::page_path;
use super::related_draft::{RelatedDraft, RelatedShape};
use super::secrets::SecretVariables;
use super::{people, request};

impl RelatedDraft<'_, '_> {
    /// Whether there are pages to walk.
    pub(super) const fn is_list(&self) -> bool {
        !matches!(self.shape, RelatedShape::Details(..))
    }

    /// What a walk of the sample's own list is a walk of.
    pub(super) fn subject(&self) -> String {
        match self.shape {
            RelatedShape::Partitions(..) | RelatedShape::Users(_) => {
                format!("the list of `{}`", self.list)
            }
            RelatedShape::People | RelatedShape::Details(..) => {
                format!("the list of `{}` of one group", self.list)
            }
        }
    }

    /// The same of another group's.
    pub(super) fn subject_of_other(&self) -> String {
        format!("the list of `{}` of another group", self.list)
    }

    /// The tables of the block for it.
    pub(super) fn sections(
        &self,
        secrets: &mut SecretVariables,
        paging: &PagingGuess,
        is_proven: bool,
    ) -> Vec<BlockSection> {
        let draft = &self.draft;
        let sample = draft.reading.all.first();
        let request = request::guess(secrets, sample, &draft.seen, paging, Some(&self.placed));
        let list: &'static str = self.list.into();
        let section = |path: &[&'static str], lines| BlockSection {
            path: [&[list], path].concat(),
            lines,
            is_proven,
            is_suggestion: false,
        };
        let own = match &self.shape {
            RelatedShape::People | RelatedShape::Users(_) => {
                vec![draft.records.line(&draft.columns)]
            }
            RelatedShape::Partitions(name, value) => {
                let mut values = InlineTable::new();
                values.insert(name, value.as_str().into());
                let why = "this value of it stands in the requests for its groups";
                vec![
                    draft.records.line(&draft.columns),
                    ProposedLine::clear("values", values, why),
                ]
            }
            RelatedShape::Details(names, ..) if names.is_empty() => Vec::new(),
            RelatedShape::Details(names, confidence, why) => {
                let path = page_path(names);
                let path = path.map_or_else(|| "/".to_owned(), |path| path.to_string());
                vec![ProposedLine::guess("record", path, *confidence, why)]
            }
        };
        let fields = match &self.shape {
            RelatedShape::People => people::person_lines(&draft.records.all()),
            RelatedShape::Users(fields) => fields.clone(),
            RelatedShape::Partitions(..) | RelatedShape::Details(..) => Vec::new(),
        };
        let pagination = if self.is_list() {
            paging.lines.clone()
        } else {
            Vec::new()
        };
        vec![
            section(&[], own),
            section(&["request"], request.request),
            section(&["request", "headers"], request.headers),
            section(&["request", "query"], request.query),
            section(&["pagination"], pagination),
            section(&["fields"], fields),
        ]
    }

    /// What takes the place of `fields` where its own list is walked like one of groups.
    pub(super) fn fields_to_walk(&self) -> Vec<ProposedLine> {
        let value: Value = match &self.shape {
            RelatedShape::Partitions(_, value) => value.as_str().into(),
            RelatedShape::Details(..) => ".".into(),
            RelatedShape::People => first_value(people::person_lines(&self.draft.records.all())),
            RelatedShape::Users(fields) => first_value(fields.clone()),
        };
        ["id", "name"]
            .map(|key| ProposedLine::clear(key, value.clone(), ""))
            .to_vec()
    }
}

/// The value of the first key: what names an item.
fn first_value(lines: Vec<ProposedLine>) -> Value {
    let mut values = lines.into_iter().filter_map(|line| match line.entry {
        LineEntry::Set(_, value) => Some(value),
        LineEntry::Suggested(..) | LineEntry::Nothing => None,
    });
    values.next().unwrap_or_else(|| ".".into())
}
