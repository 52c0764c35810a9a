//! The lists that belong to that of groups, each from samples of its own: members and their like of one group,
//! the details of one, and what the list of groups is read once per item of.
//!
//! Where records, pages and people are is guessed as it is of groups. What is new is the request: what of a group
//! or of a partition stands in the URL of the sample becomes a placeholder ([`super::placed`]).

use toml_edit::{InlineTable, Value};
use url::Url;

use crate::plan::{Format, RelatedList};
use crate::terminal::CommandError;

use super::block::BlockSection;
use super::columns::Columns;
use super::fields;
use super::guess::{Confidence, LineEntry, ProposedLine};
use super::listed_kind::ListedKind;
use super::paging::PagingGuess;
use super::part::{SampleValue, page_path};
use super::partition_sample::PartitionSample;
use super::people;
use super::placed::{PlacedUrl, UrlParts};
use super::record_texts::{RecordText, record_texts};
use super::samples;
use super::secrets::SecretVariables;
use super::walked::WalkFindings;
use super::{Draft, ReadSamples, request};

/// A list that belongs to that of groups, as its samples show it.
pub(super) struct RelatedDraft<'r, 'a> {
    pub(super) list: RelatedList,
    pub(super) draft: Draft<'r, 'a>,
    pub(super) placed: PlacedUrl,
    /// What is to be written beside the request, the records and the pages.
    pub(super) shape: RelatedShape,
}

pub(super) enum RelatedShape {
    /// People, with the lines of their fields.
    People,
    /// The name of the value, and where it is in the record of a partition.
    Partitions(String, String),
    /// The names that lead to the record, how sure that is, and why.
    Details(Vec<String>, Confidence, &'static str),
}

/// One of them, once it is decided how its pages follow each other.
pub(super) struct ChosenRelated<'d, 'r, 'a> {
    pub(super) related: &'d RelatedDraft<'r, 'a>,
    pub(super) paging: PagingGuess,
    pub(super) walked: Option<WalkFindings>,
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
    })
}

/// What the samples of a list show.
pub(super) fn read<'r, 'a>(
    list: RelatedList,
    reading: &'r ReadSamples<'a>,
) -> Result<Draft<'r, 'a>, CommandError> {
    if reading.pages.is_empty() {
        let flaws = reading.flaws.join("\n  ");
        return Err(CommandError::new(format!(
            "the sample of --{list} cannot be read\n  {flaws}"
        )));
    }
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

/// The record of a group with its details.
fn details<'r, 'a>(
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
    };
    Ok((related, record))
}

impl RelatedDraft<'_, '_> {
    /// Whether there are pages to walk.
    pub(super) const fn is_list(&self) -> bool {
        !matches!(self.shape, RelatedShape::Details(..))
    }

    /// What a walk of the sample's own list is a walk of.
    pub(super) fn subject(&self) -> String {
        match self.shape {
            RelatedShape::Partitions(..) => format!("the list of `{}`", self.list),
            RelatedShape::People | RelatedShape::Details(..) => {
                format!("the list of `{}` of one group", self.list)
            }
        }
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
            RelatedShape::People => vec![draft.records.line(&draft.columns)],
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
        let fields = match self.shape {
            RelatedShape::People => people::person_lines(&draft.records.all()),
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
            RelatedShape::People => {
                let lines = people::person_lines(&self.draft.records.all());
                let mut values = lines.into_iter().filter_map(|line| match line.entry {
                    LineEntry::Set(_, value) => Some(value),
                    LineEntry::Suggested(..) | LineEntry::Nothing => None,
                });
                values.next().unwrap_or_else(|| ".".into())
            }
        };
        ["id", "name"]
            .map(|key| ProposedLine::clear(key, value.clone(), ""))
            .to_vec()
    }
}
