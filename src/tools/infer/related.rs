//! The lists that belong to that of groups, each from samples of its own: members and their like of single groups,
//! the details of one, what the list of groups is read once per item of, and the users.
//!
//! Where records, pages and people are is guessed as it is of groups. What is new is the request: what of a group
//! or of a partition stands in the URL of the sample becomes a placeholder ([`super::placed`]).

use url::Url;

use crate::plan::RelatedList;
use crate::terminal::CommandError;

use super::columns::Columns;
use super::details_sample::details;
use super::draft::Draft;
use super::paging::PagingGuess;
use super::partition_sample::PartitionSample;
use super::placed::{PlacedUrl, UrlParts};
use super::read_samples::ReadSamples;
use super::record_texts::{RecordText, record_texts};
use super::related_draft::{RelatedDraft, RelatedShape, read};
use super::shown_ends::ShownEnds;
use super::users_sample::{PeopleIds, users};
use super::walked::WalkFindings;
use super::{fields, request};

/// One of them, once it is decided how its pages follow each other.
pub(super) struct ChosenRelated<'d, 'r, 'a> {
    pub(super) related: &'d RelatedDraft<'r, 'a>,
    pub(super) paging: PagingGuess,
    /// What walks of the lists have shown whose samples were given, if they were walked.
    pub(super) walked: Vec<WalkFindings>,
    /// What was seen of how they end, where each group has one.
    pub(super) ends: Option<ShownEnds>,
}

/// All of them, and what they say of the list of groups.
#[derive(Default)]
pub(super) struct RelatedDrafts<'r, 'a> {
    pub(super) lists: Vec<RelatedDraft<'r, 'a>>,
    /// The request for the groups of one partition.
    pub(super) groups: PlacedUrl,
    /// The records of groups side by side, and in one of them its details.
    pub(super) detailed: Option<Columns<'r>>,
}

impl<'r, 'a> RelatedDrafts<'r, 'a> {
    /// Puts the samples of other lists beside those of `groups`.
    pub(super) fn of(
        groups: &Draft<'r, 'a>,
        readings: &'r [(RelatedList, ReadSamples<'a>)],
    ) -> Result<Self, CommandError> {
        let mut drafts = Self::default();
        let list_url = groups.url();
        let records = groups.records.all();
        let id = fields::id_paths(&groups.columns, &groups.records);
        let of_groups = record_texts(&records, &groups.columns, &id);
        let partition = readings
            .iter()
            .find(|(list, _)| *list == RelatedList::Partitions);
        let partition = partition
            .map(|(_, reading)| PartitionSample::of(reading))
            .transpose()?;
        let mut named = None;
        for (list, reading) in readings {
            if let Some(known) = drafts.lists.iter_mut().find(|known| known.list == *list) {
                known.add_other(reading)?;
                continue;
            }
            let url = reading.all.first().and_then(|sample| sample.url.as_ref());
            let Some(url) = url else {
                continue;
            };
            if list_url.is_some_and(|groups| groups.origin() != url.origin()) {
                return Err(elsewhere(*list));
            }
            drafts
                .groups
                .origin
                .get_or_insert_with(|| request::origin(url));
            if *list == RelatedList::Partitions {
                continue;
            }
            let mut parts = UrlParts::of(url, list_url);
            if let Some(partition) = &partition {
                named = named.or_else(|| partition.named(list_url.unwrap_or(url)));
                if let Some((name, text)) = &named {
                    parts.put_for(text, &format!("partition.{name}"), PARTITION);
                }
            }
            if *list == RelatedList::Users {
                let ids = PeopleIds::of(groups, drafts.detailed.as_ref(), &drafts.lists);
                let related = users(reading, parts.finish(), &ids)?;
                drafts.lists.push(related);
                continue;
            }
            let group = place_group(&mut parts, &of_groups, *list)?;
            if list_url.is_none() {
                drafts.groups.guess_path(parts.path_before());
            }
            let placed = parts.finish();
            let related = if *list == RelatedList::Details {
                let (related, record) = details(groups, reading, placed)?;
                let place = group.unwrap_or_default();
                drafts.detailed = Some(groups.columns.overlaid(place, record));
                related
            } else {
                people_of(*list, reading, placed)?
            };
            drafts.lists.push(related);
        }
        if let Some(partition) = partition {
            let named = named.or_else(|| partition.named(list_url?));
            let name = drafts.place_partition(&partition, list_url, named)?;
            drafts.lists.insert(0, partition.draft(name));
        }
        Ok(drafts)
    }

    /// Puts the value of the partition into the request for its groups.
    fn place_partition(
        &mut self,
        partition: &PartitionSample<'r, 'a>,
        url: Option<&Url>,
        named: Option<(String, RecordText)>,
    ) -> Result<(String, String), CommandError> {
        match (url, named) {
            (Some(url), Some((name, text))) => {
                let mut parts = UrlParts::of(url, None);
                parts.put_for(&text, &format!("partition.{name}"), PARTITION);
                let origin = self.groups.origin.take();
                self.groups = PlacedUrl {
                    origin,
                    ..parts.finish()
                };
                Ok((name, text.path.to_string()))
            }
            (None, Some((name, text))) => Ok((name, text.path.to_string())),
            (Some(_), None) => Err(CommandError::new(
                "no part of the URL of the groups is a value of a partition in its sample\n  give the \
                 groups of a partition that the sample of --partitions has",
            )),
            (None, None) => {
                let name = partition.usual_name();
                self.groups
                    .guess_path(Some(format!("/{{partition.{name}}}/groups")));
                Ok((name, partition.usual_value()))
            }
        }
    }
}

/// Why a placeholder of a partition stands where it does.
const PARTITION: &str = "the value of a partition stands here in the sample's URL";

fn elsewhere(list: RelatedList) -> CommandError {
    CommandError::new(format!(
        "--{list} is at another origin than the groups, and groupgate asks an upstream at one `base_url` \
         only\n  use the URL at the origin of the groups, if there is one"
    ))
}

/// Puts the placeholders of a group into the URL of one of its lists, and says which record that is of.
fn place_group(
    parts: &mut UrlParts,
    texts: &[RecordText],
    list: RelatedList,
) -> Result<Option<usize>, CommandError> {
    let Some(first) = parts.find(texts) else {
        let why = "no group of the samples has what stands here, which is where an id is expected";
        if parts.put_behind_groups("group.id", why) {
            return Ok(None);
        }
        return Err(CommandError::new(format!(
            "no part of the URL of --{list} is a value of a group in the sample\n  give the URL for a group \
             that the sample has, such as https://api.example.com/groups/17/{list}"
        )));
    };
    let record = first.text.record;
    let mut found = Some(first);
    while let Some(next) = found {
        let path = &next.text.path;
        let why = if next.text.is_id {
            "the id of a group stands here in the sample's URL".to_owned()
        } else {
            format!("`{path}` of a group stands here in the sample's URL")
        };
        parts.put(&next, &next.text.placeholder(), why);
        let own = texts.iter().filter(|text| text.record == record);
        found = parts.find_whole(own);
    }
    Ok(Some(record))
}

/// The list of a group's people.
fn people_of<'r, 'a>(
    list: RelatedList,
    reading: &'r ReadSamples<'a>,
    placed: PlacedUrl,
) -> Result<RelatedDraft<'r, 'a>, CommandError> {
    Ok(RelatedDraft {
        list,
        draft: read(list, reading)?,
        placed,
        shape: RelatedShape::People,
        others: Vec::new(),
    })
}
