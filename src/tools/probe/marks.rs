//! Whether what `reuse` goes by moves with the people of a group, as it is taken to.
//!
//! One walk shows it where it is a time and people have dates: whoever was added later did not move it. Two walks show
//! more: which groups have other people than when a file was written, and the same mark.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::config::upstream::Upstream;
use crate::group::{Group, Member};
use crate::hex::hex;
use crate::observe::{Event, Observer, WalkPart};
use crate::page::fetched_page::FetchedPage;
use crate::plan::{self, AbsentRecords, RelatedList, RelatedLists};
use crate::terminal::CommandError;
use crate::tools::lock::lock;

use super::mark::Mark;
use super::mark_findings::{ComparedMarks, MarkFindings};

/// How long after its group somebody may be dated who was added together with it, in seconds.
const TOGETHER: i64 = 60;

/// A day in seconds: a time at midnight may be a date.
const DAY: i64 = 24 * 60 * 60;

/// What the date of a person is called who was added then, in part: nobody is in a group before there is an account.
const ADDED: [&str; 7] = [
    "join", "added", "creat", "since", "insert", "assign", "invited",
];

/// How deep in the record of a person dates are looked for.
const DEPTH: usize = 2;

/// Watches the lists that a mark says to be unchanged. Clones share what they saw.
#[derive(Debug, Clone)]
pub(super) struct Marks {
    lists: Vec<(RelatedList, plan::Path)>,
    mark: Mark,
    /// Whether the block goes by it.
    is_reused: bool,
    /// The latest date of a person in each group.
    newest: Arc<Mutex<HashMap<String, Timestamp>>>,
    /// The group whose lists it watches.
    group: Option<Arc<str>>,
}

/// What a walk writes down for the next one.
#[derive(Debug, Serialize, Deserialize)]
struct MarkFile {
    upstream: String,
    /// What `reuse` goes by.
    #[serde(default = "updated_at")]
    by: String,
    at: Timestamp,
    groups: BTreeMap<String, NotedGroup>,
}

#[derive(Debug, Serialize, Deserialize)]
struct NotedGroup {
    #[serde(alias = "updated_at")]
    mark: String,
    /// A digest of what is asked for the group.
    content: String,
}

fn updated_at() -> String {
    Mark::UpdatedAt.to_string()
}

/// The file that a walk is compared with.
#[derive(Debug)]
pub(super) struct MarkComparison {
    path: PathBuf,
    before: Option<MarkFile>,
}

impl MarkComparison {
    /// Reads the file, if there is one.
    pub(super) fn read(path: &Path, upstream: &str) -> Result<Self, CommandError> {
        let wrong = |problem: String| CommandError::new(format!("`{}` {problem}", path.display()));
        let before = match fs::read(path) {
            Ok(text) => {
                let read: Result<MarkFile, _> = serde_json::from_slice(&text);
                Some(read.map_err(|error| wrong(format!("is not of `probe --compare`: {error}")))?)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(wrong(format!("cannot be read: {error}"))),
        };
        if let Some(other) = before.as_ref().filter(|before| before.upstream != upstream) {
            let other = &other.upstream;
            return Err(wrong(format!(
                "is of the upstream `{other}`: name another file"
            )));
        }
        let path = path.to_owned();
        Ok(Self { path, before })
    }

    /// Compares the groups of a walk with the file, and writes it anew.
    fn compare(
        self,
        marks: &Marks,
        upstream: &str,
        groups: &[Group],
        at: Timestamp,
    ) -> Result<ComparedMarks, CommandError> {
        let noted = groups.iter().filter_map(|group| {
            let noted = NotedGroup {
                mark: marks.mark.value(group)?,
                content: marks.digest(group),
            };
            Some((group.source_id.clone(), noted))
        });
        let now = MarkFile {
            upstream: upstream.to_owned(),
            by: marks.mark.to_string(),
            at,
            groups: noted.collect(),
        };
        let before = self.before.filter(|before| before.by == now.by);
        let (mut changed, mut unmoved) = (0, 0);
        for (id, group) in &now.groups {
            let before = before.as_ref();
            let before = before.and_then(|before| before.groups.get(id));
            if let Some(before) = before.filter(|before| before.content != group.content) {
                changed += 1;
                unmoved += u64::from(before.mark == group.mark);
            }
        }
        fs::write(&self.path, serde_json::to_vec(&now)?).map_err(|error| {
            CommandError::new(format!(
                "`{}` cannot be written: {error}",
                self.path.display()
            ))
        })?;
        Ok(ComparedMarks {
            since: before.map(|before| before.at),
            changed,
            unmoved,
            noted: now.groups.len() as u64,
        })
    }
}

impl Marks {
    /// For the lists that are used again while a mark in the record of their group is the same: the first, and all that
    /// go by the same. Where there are none, for all that could go by `updated_at`.
    pub(super) fn of(related: &RelatedLists, block: &Upstream) -> Option<Self> {
        let details = related.details.iter().map(|details| {
            let at = details.list.records.at.clone();
            (RelatedList::Details, at, &details.reuse)
        });
        let people = related.people.iter().map(|people| {
            let at = people.list.records.at.clone();
            (people.role, at, &people.reuse)
        });
        let all: Vec<_> = details.chain(people).collect();
        let mark = |reuse: &Option<plan::ReuseRule>| reuse.as_ref().and_then(Mark::of);
        let own = all.iter().find_map(|(_, _, reuse)| mark(reuse));
        let is_reused = own.is_some();
        let own = own.unwrap_or(Mark::UpdatedAt);
        let is_own = |reuse: &Option<plan::ReuseRule>| mark(reuse).as_ref() == Some(&own);
        let lists = all
            .into_iter()
            .filter(|(_, _, reuse)| is_own(reuse) || (!is_reused && reuse.is_none()));
        let lists: Vec<_> = lists.map(|(list, at, _)| (list, at)).collect();
        let is_there = own != Mark::UpdatedAt || block.fields.updated_at.is_some();
        (is_there && !lists.is_empty()).then(|| Self {
            lists,
            mark: own,
            is_reused,
            newest: Arc::default(),
            group: None,
        })
    }

    /// What the walk of these groups shows, beside that which wrote a file.
    pub(super) fn findings(
        &self,
        upstream: &str,
        groups: &[Group],
        comparison: Option<(MarkComparison, Timestamp)>,
    ) -> Result<Option<MarkFindings>, CommandError> {
        let newest = lock(&self.newest);
        let (mut dated, mut older) = (0, 0);
        for group in groups {
            let updated = self.mark.time(group);
            if let (Some(updated), Some(newest)) = (updated, newest.get(&group.source_id)) {
                let is_date = updated.as_second().rem_euclid(DAY) == 0;
                let within = if is_date { DAY } else { TOGETHER };
                dated += 1;
                older += u64::from(newest.as_second() - updated.as_second() > within);
            }
        }
        let compare = |(file, at): (MarkComparison, _)| file.compare(self, upstream, groups, at);
        let compared = comparison.map(compare).transpose()?;
        Ok(
            (self.is_reused || compared.is_some()).then(|| MarkFindings {
                by: self.mark.to_string(),
                lists: self.lists.iter().map(|(list, _)| *list).collect(),
                is_reused: self.is_reused,
                dated,
                older,
                compared,
            }),
        )
    }

    /// A digest of what is asked for a group.
    fn digest(&self, group: &Group) -> String {
        let mut digest = Sha256::new();
        for (list, _) in &self.lists {
            let text = match list {
                RelatedList::Members => people(&group.members),
                RelatedList::Admins => people(&group.admins),
                RelatedList::Guests => people(&group.guests),
                RelatedList::Details | RelatedList::Partitions | RelatedList::Users => {
                    let mut bare = group.clone();
                    for people in [&mut bare.members, &mut bare.admins, &mut bare.guests] {
                        people.clear();
                    }
                    bare.member_count = None;
                    serde_json::to_string(&bare).unwrap_or_default()
                }
            };
            digest.update(text);
            digest.update([0]);
        }
        hex(&digest.finalize()[..16])
    }

    fn note(&self, group: &str, at: &plan::Path, page: &FetchedPage) {
        let records = page
            .page
            .records(at, AbsentRecords::Empty)
            .unwrap_or_default();
        let dates = records
            .into_iter()
            .filter_map(|record| newest(&record.to_value(), DEPTH));
        if let Some(date) = dates.max() {
            let mut newest = lock(&self.newest);
            let known = newest.entry(group.to_owned()).or_insert(date);
            *known = date.max(*known);
        }
    }
}

impl Observer for Marks {
    fn observe(&self, event: &Event<'_>) {
        if let (Some(group), Event::OfRelated { list, event }) = (&self.group, event)
            && let Event::PageRead(page) = event
        {
            let is_on_it = |own: RelatedList| own == *list || page.mapped().brings(own);
            let watched = self.lists.iter().filter(|(own, _)| is_on_it(*own));
            watched.for_each(|(_, at)| self.note(group, at, page));
        }
    }

    fn within(&self, part: WalkPart<'_>) -> Option<Arc<dyn Observer>> {
        match part {
            WalkPart::Group { id, list, brings } => {
                let is_people = list != RelatedList::Details;
                let mut watched = self.lists.iter().map(|(own, _)| own);
                let is_watched = watched.any(|own| *own == list || brings.contains(own));
                (is_people && is_watched).then(|| {
                    Arc::new(Self {
                        group: Some(id.into()),
                        ..self.clone()
                    }) as Arc<dyn Observer>
                })
            }
            WalkPart::Partitions | WalkPart::Common { .. } | WalkPart::Partition { .. } => None,
        }
    }
}

/// People as one text, in whatever order they came.
fn people(people: &[Member]) -> String {
    let mut people: Vec<_> = people
        .iter()
        .map(|one| format!("{:?}", (&one.id, &one.email)))
        .collect();
    people.sort_unstable();
    people.concat()
}

/// The latest time in the record of a person that says when it was added or made.
fn newest(record: &Value, depth: usize) -> Option<Timestamp> {
    let members = record.as_object()?.iter();
    let dates = members.filter_map(|(name, value)| {
        if depth > 1 && value.is_object() {
            return newest(value, depth - 1);
        }
        let name = name.to_ascii_lowercase();
        let is_added = ADDED.iter().any(|word| name.contains(word));
        is_added.then(|| time(value)).flatten()
    });
    dates.max()
}

/// A time as APIs write it: a text of ISO 8601, or seconds or milliseconds since 1970.
fn time(value: &Value) -> Option<Timestamp> {
    /// From 1990 to 2100.
    const SECONDS: std::ops::Range<i64> = 631_152_000..4_102_444_800;
    if let Some(number) = value.as_i64() {
        let second = if SECONDS.contains(&number) {
            number
        } else {
            number / 1000
        };
        return SECONDS
            .contains(&second)
            .then(|| Timestamp::from_second(second).ok())
            .flatten();
    }
    let text = value.as_str()?;
    let civil = || text.parse::<jiff::civil::DateTime>().ok();
    let utc = |time: jiff::civil::DateTime| Some(time.in_tz("UTC").ok()?.timestamp());
    text.parse().ok().or_else(|| civil().and_then(utc))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::of_the_membership(json!({ "id": 1, "joined_at": "2026-03-01T00:00:00Z" }), Some("2026-03-01T00:00:00Z"))]
    #[case::of_the_account(json!({ "user": { "createdAt": 1_767_225_600 } }), Some("2026-01-01T00:00:00Z"))]
    #[case::in_milliseconds(json!({ "added": 1_767_225_600_000_i64 }), Some("2026-01-01T00:00:00Z"))]
    #[case::without_an_offset(json!({ "memberSince": "2026-01-01T00:00:00" }), Some("2026-01-01T00:00:00Z"))]
    #[case::the_latest(json!({ "created_at": "2026-01-01T00:00:00Z", "added_at": "2026-02-01T00:00:00Z" }), Some("2026-02-01T00:00:00Z"))]
    #[case::of_something_else(json!({ "expires_at": "2027-01-01T00:00:00Z", "updated_at": "2026-04-01T00:00:00Z" }), None)]
    #[case::no_time(json!({ "created_by": "ann", "created": true, "creator": 7 }), None)]
    fn a_date_tells_when_somebody_was_added_at_the_latest(
        #[case] record: Value,
        #[case] expected: Option<&str>,
    ) {
        let expected = expected.map(|text| text.parse().unwrap());
        assert_eq!(newest(&record, DEPTH), expected);
    }
}
