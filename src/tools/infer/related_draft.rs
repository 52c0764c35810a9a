//! A list that belongs to that of groups, as its samples show it.

use crate::plan::RelatedList;
use crate::terminal::CommandError;

use super::columns::Columns;
use super::draft::Draft;
use super::guess::{Confidence, ProposedLine};
use super::listed_kind::ListedKind;
use super::placed::PlacedUrl;
use super::read_samples::ReadSamples;
use super::samples;

/// A list that belongs to that of groups, as its samples show it.
pub(super) struct RelatedDraft<'r, 'a> {
    pub(super) list: RelatedList,
    pub(super) draft: Draft<'r, 'a>,
    pub(super) placed: PlacedUrl,
    /// What is to be written beside the request, the records and the pages.
    pub(super) shape: RelatedShape,
    /// The same lists of other groups, of which samples were given as well.
    pub(super) others: Vec<Draft<'r, 'a>>,
}

pub(super) enum RelatedShape {
    /// The people of one group.
    People,
    /// All people, with the lines of their fields.
    Users(Vec<ProposedLine>),
    /// The name of the value, and where it is in the record of a partition.
    Partitions(String, String),
    /// The names that lead to the record, how sure that is, and why.
    Details(Vec<String>, Confidence, &'static str),
}

impl<'r, 'a> RelatedDraft<'r, 'a> {
    /// Puts the same list of another group beside it: its records are at the same place, or it has none.
    pub(super) fn add_other(&mut self, reading: &'r ReadSamples<'a>) -> Result<(), CommandError> {
        let (list, records) = (self.list, &mut self.draft.records);
        refuse_unreadable(list, reading)?;
        let Some(other) = records.of_other(&reading.pages) else {
            let found: Vec<_> = reading.all.iter().map(samples::members).collect();
            return Err(CommandError::new(format!(
                "another sample of --{list} has no list at `{}`: {}",
                records.path,
                found.join("; ")
            )));
        };
        self.others.push(Draft {
            reading,
            columns: Columns::of(&other.all()),
            seen: reading.seen(&other),
            records: other,
        });
        Ok(())
    }
}

/// What the samples of a list show.
pub(super) fn read<'r, 'a>(
    list: RelatedList,
    reading: &'r ReadSamples<'a>,
) -> Result<Draft<'r, 'a>, CommandError> {
    refuse_unreadable(list, reading)?;
    let draft = Draft::of(reading, ListedKind::of(list));
    if draft.records.is_found || list == RelatedList::Details {
        return Ok(draft);
    }
    let found: Vec<_> = reading.all.iter().map(samples::members).collect();
    Err(CommandError::new(format!(
        "there is no list in the sample of --{list}: {}",
        found.join("; ")
    )))
}

fn refuse_unreadable(list: RelatedList, reading: &ReadSamples<'_>) -> Result<(), CommandError> {
    if !reading.pages.is_empty() {
        return Ok(());
    }
    let flaws = reading.flaws.join("\n  ");
    Err(CommandError::new(format!(
        "the sample of --{list} cannot be read\n  {flaws}"
    )))
}
