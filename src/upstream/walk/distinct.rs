//! The groups that a walk brings, each once.

use std::collections::{BTreeSet, HashMap};

use crate::error::{ErrorKind, UpstreamError};
use crate::group::{Group, Member};
use crate::page::format::excerpt;

/// How much of an id a message shows.
const ID_CHARS: usize = 60;

/// The groups that a walk brings, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct DistinctGroups {
    groups: Vec<Group>,
    /// Each group by its id in the source.
    ids: HashMap<String, FirstRecord>,
}

/// The first record of a group.
#[derive(Debug, Clone, Copy)]
struct FirstRecord {
    /// Which of the groups it is.
    index: usize,
    /// The number of the page that it is on, from 1.
    page: u64,
}

impl DistinctGroups {
    /// Adds the group of a record on the page with this number, and says whether it is new. Of one that comes
    /// again the first is kept. If it has the same name and other people, each record may hold a part of them;
    /// another name is another group with the same id.
    pub(super) fn add(&mut self, group: Group, page: u64) -> Result<bool, UpstreamError> {
        let Some(&first) = self.ids.get(&group.source_id) else {
            let index = self.groups.len();
            self.ids
                .insert(group.source_id.clone(), FirstRecord { index, page });
            self.groups.push(group);
            return Ok(true);
        };
        let Some(field) = different_people(&self.groups[first.index], &group) else {
            return Ok(false);
        };
        let id = excerpt(&group.source_id, ID_CHARS);
        let pages = if first.page == page {
            format!("twice on page {page}")
        } else {
            format!("on page {} and again on page {page}", first.page)
        };
        Err(UpstreamError::new(
            ErrorKind::Pagination,
            format!(
                "the group `{id}` is {pages} of the walk, with other `{field}`: each record may hold a \
                 part of them, and parts are not merged (leave `fields.{field}` out, or request records \
                 that are whole)"
            ),
        ))
    }

    /// Whether a group with this id in the source has come.
    pub(super) fn contains(&self, source_id: &str) -> bool {
        self.ids.contains_key(source_id)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    pub(super) fn into_groups(self) -> Vec<Group> {
        self.groups
    }
}

/// The field of people in which two records of one group differ, which has one name.
fn different_people(first: &Group, again: &Group) -> Option<&'static str> {
    fn set(people: &[Member]) -> BTreeSet<(Option<&str>, Option<&str>)> {
        let people = people.iter();
        people
            .map(|one| (one.id.as_deref(), one.email.as_deref()))
            .collect()
    }
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
