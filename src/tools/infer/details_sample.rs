//! The sample of the details of one group: where in it the record is that is laid over the listed one.

use crate::plan::{Format, RelatedList};
use crate::terminal::CommandError;

use super::draft::Draft;
use super::guess::Confidence;
use super::part::SampleValue;
use super::placed::PlacedUrl;
use super::read_samples::ReadSamples;
use super::related_draft::{RelatedDraft, RelatedShape, read};
use super::samples;

/// The record of a group with its details.
pub(super) fn details<'r, 'a>(
    groups: &Draft<'r, 'a>,
    reading: &'r ReadSamples<'a>,
    placed: PlacedUrl,
) -> Result<(RelatedDraft<'r, 'a>, SampleValue<'r>), CommandError> {
    let draft = read(RelatedList::Details, reading)?;
    let known: Vec<&str> = groups
        .columns
        .all
        .iter()
        .map(|column| column.names[0])
        .collect();
    let root = reading.pages.first().map(|(_, body)| body);
    let is_json = reading.format() == Format::Json && groups.reading.format() == Format::Json;
    let Some(root) = root.filter(|_| is_json) else {
        return Err(CommandError::new(
            "details can only be laid over records in JSON",
        ));
    };
    let root = root.root();
    let mut objects = vec![(Vec::new(), root)];
    let inner = root
        .members()
        .into_iter()
        .filter(|(_, member)| member.is_object());
    for (name, member) in inner {
        objects.push((vec![name], member));
        let deeper = member.members().into_iter();
        let deeper = deeper.filter(|(_, member)| member.is_object());
        objects.extend(deeper.map(|(inner, member)| (vec![name, inner], member)));
    }
    let shared = |value: &SampleValue<'_>| {
        let names = value.members();
        let all = names.len();
        let same = names
            .iter()
            .filter(|(name, _)| known.contains(name))
            .count();
        // A record that is not around others may be the one although nothing of it was listed.
        (same, all)
    };
    let objects = objects.into_iter().filter(|(_, value)| value.is_object());
    let best = objects.max_by_key(|(names, value)| (shared(value), std::cmp::Reverse(names.len())));
    let Some((names, record)) = best else {
        return Err(CommandError::new(format!(
            "the sample of --details is no object: {}",
            reading
                .all
                .first()
                .map(samples::members)
                .unwrap_or_default()
        )));
    };
    let (confidence, why) = match shared(&record).0 {
        0 => (
            Confidence::NotSure,
            "it shares no member with the records of the list",
        ),
        _ => (
            Confidence::Clear,
            "it has members of the records of the list",
        ),
    };
    let names = names.into_iter().map(str::to_owned).collect();
    let related = RelatedDraft {
        list: RelatedList::Details,
        draft,
        placed,
        shape: RelatedShape::Details(names, confidence, why),
        others: Vec::new(),
    };
    Ok((related, record))
}
