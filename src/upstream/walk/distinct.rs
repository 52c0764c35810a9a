//! The groups that a walk brings, each once.

use std::collections::BTreeSet;

use hashbrown::HashTable;
use serde_json::Value;

use crate::error::{ErrorKind, UpstreamError};
use crate::group::Member;
use crate::page::format::excerpt;
use crate::snapshot::{GroupPage, PageRowRef, PagedGroups};

/// How much of an id a message shows.
const ID_CHARS: usize = 60;

/// The groups that a walk brings, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct DistinctGroups {
    groups: PagedGroups,
    /// The numbers of their pages in the walk.
    numbers: Vec<u64>,
    /// The first record of each group, by its id; where the last one counts, that.
    first: HashTable<GroupPlace>,
    /// Whether of two records of one group the last one counts.
    keeps_last: bool,
}

/// Where a group stands.
#[derive(Debug, Clone, Copy)]
struct GroupPlace {
    page: u32,
    row: u32,
}

/// The groups of a page that came before.
#[derive(Debug, Default)]
pub(super) struct RepeatedGroups {
    pub(super) all: u64,
    /// Those whose record is not nested in another.
    pub(super) listed: u64,
}

impl DistinctGroups {
    /// No groups yet. Of two records of one group, the first counts, or the last one. Where the order says nothing, a
    /// record that says that the group has been deleted counts only if there is no other.
    pub(super) fn new(keeps_last: bool) -> Self {
        Self {
            keeps_last,
            ..Self::default()
        }
    }

    /// Adds the groups of the page with this number, from 1, and says how many came before. Of those the
    /// first is kept. If one has the same name and other people, each record may hold a part of them; another
    /// name is another group with the same id.
    pub(super) fn add(
        &mut self,
        groups: GroupPage,
        number: u64,
    ) -> Result<RepeatedGroups, UpstreamError> {
        self.add_unless(groups, number, |first, row, first_number| {
            let field = different_people(first, row)?;
            Some(other_people(row, field, first_number, number))
        })
    }

    /// Adds the groups of a page of another list, and says how many another list had. Where those differ, they
    /// are not the same group, or it has changed since.
    pub(super) fn add_of_another_list(&mut self, groups: GroupPage) -> Result<u64, UpstreamError> {
        let repeated = self.add_unless(groups, 0, |first, row, _| {
            (first.packed() != row.packed()).then(|| two_groups(first, row))
        })?;
        Ok(repeated.all)
    }

    fn add_unless(
        &mut self,
        groups: GroupPage,
        number: u64,
        refused: impl Fn(PageRowRef<'_>, PageRowRef<'_>, u64) -> Option<UpstreamError>,
    ) -> Result<RepeatedGroups, UpstreamError> {
        let page = self.numbers.len() as u32;
        self.groups.push(groups);
        self.numbers.push(number);
        let mut repeated = Vec::new();
        let mut replaced = Vec::new();
        let mut counts = RepeatedGroups::default();
        let pages = self.groups.pages();
        let row_at = |place: &GroupPlace| row_at(pages, *place);
        let Some(added) = pages.last() else {
            return Ok(counts);
        };
        let hash = |place: &GroupPlace| row_at(place).map_or(0, PageRowRef::id_hash);
        self.first.reserve(added.rows().len(), hash);
        for (index, row) in added.rows().enumerate() {
            if row.is_repeated() {
                continue;
            }
            let place = GroupPlace {
                page,
                row: index as u32,
            };
            let is_same = |place: &GroupPlace| {
                row_at(place).is_some_and(|first| first.source_id() == row.source_id())
            };
            let entry = self.first.entry(row.id_hash(), is_same, hash);
            let hashbrown::hash_table::Entry::Occupied(mut entry) = entry else {
                entry.or_insert(place);
                continue;
            };
            let first = *entry.get();
            let is_back = row_at(&first).is_some_and(PageRowRef::is_removed) && !row.is_removed();
            if self.keeps_last || is_back {
                replaced.push(std::mem::replace(entry.get_mut(), place));
                counts.all += 1;
                counts.listed += u64::from(!row.is_nested());
                continue;
            }
            let first_number = (self.numbers.get(first.page as usize)).copied();
            let first_number = first_number.unwrap_or(number);
            let first = row_at(&first).filter(|_| !row.is_removed());
            if let Some(error) = first.and_then(|first| refused(first, row, first_number)) {
                return Err(error);
            }
            repeated.push(index);
            counts.all += 1;
            counts.listed += u64::from(!row.is_nested());
        }
        self.groups.drop_repeated(&repeated);
        for GroupPlace { page, row } in replaced {
            self.groups.drop_row(page as usize, row as usize);
        }
        Ok(counts)
    }

    /// Whether the group of another page has come.
    pub(super) fn contains(&self, row: PageRowRef<'_>) -> bool {
        let is_same = |place: &GroupPlace| {
            let first = row_at(self.groups.pages(), *place);
            first.is_some_and(|first| first.source_id() == row.source_id())
        };
        self.first.find(row.id_hash(), is_same).is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    pub(super) fn into_groups(self) -> PagedGroups {
        self.groups
    }
}

fn row_at(pages: &[GroupPage], place: GroupPlace) -> Option<PageRowRef<'_>> {
    pages.get(place.page as usize)?.row(place.row as usize)
}

/// The field of people in which two records of one group differ, which has one name.
fn different_people(first: PageRowRef<'_>, again: PageRowRef<'_>) -> Option<&'static str> {
    fn set(people: &[Member]) -> BTreeSet<(Option<&str>, Option<&str>)> {
        let people = people.iter();
        people
            .map(|one| (one.id.as_deref(), one.email.as_deref()))
            .collect()
    }
    if first.packed() == again.packed() {
        return None;
    }
    let (first, again) = (first.group().ok()?, again.group().ok()?);
    if first.name != again.name {
        return None;
    }
    [
        ("members", &first.members, &again.members),
        ("admins", &first.admins, &again.admins),
        ("guests", &first.guests, &again.guests),
    ]
    .into_iter()
    .find(|(_, first, again)| first != again && set(first) != set(again))
    .map(|(field, ..)| field)
}

fn other_people(again: PageRowRef<'_>, field: &str, first: u64, page: u64) -> UpstreamError {
    let id = excerpt(again.source_id(), ID_CHARS);
    let pages = if first == page {
        format!("twice on page {page}")
    } else {
        format!("on page {first} and again on page {page}")
    };
    UpstreamError::new(
        ErrorKind::Pagination,
        format!(
            "the group `{id}` is {pages} of the walk, with other `{field}`: each record may hold a part of \
             them, and parts are not merged (leave `fields.{field}` out, or request records that are whole)"
        ),
    )
}

fn two_groups(first: PageRowRef<'_>, row: PageRowRef<'_>) -> UpstreamError {
    let id = excerpt(row.source_id(), ID_CHARS);
    let field = different_field(first, row).unwrap_or_default();
    UpstreamError::new(
        ErrorKind::Mapping,
        format!(
            "two partitions list a group with the id `{id}`, and the two differ in `{field}`: if they are two groups, \
             ids are unique only within a partition (set `partitions.ids = \"partition\"`); if they are one, it changed \
             between the reading of the two, or each partition says something else of it (then leave that out of \
             `fields`)"
        ),
    )
}

/// The first field in which two groups differ.
fn different_field(first: PageRowRef<'_>, row: PageRowRef<'_>) -> Option<String> {
    let fields = |row: PageRowRef<'_>| match serde_json::to_value(row.group().ok()?) {
        Ok(Value::Object(fields)) => Some(fields),
        Ok(_) | Err(_) => None,
    };
    let (first, row) = (fields(first)?, fields(row)?);
    let mut fields = row.into_iter();
    fields.find_map(|(field, value)| (first.get(&field) != Some(&value)).then_some(field))
}
