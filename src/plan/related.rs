//! The lists that belong to a list of groups: what it is asked for once per item of, and what is asked
//! for each group.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    OuterValue, Paging, Path, RecordColumn, Records, Requests, ReuseMarker, ReuseRule, Share,
};

/// The lists that belong to a list of groups. Without any, the list of groups is all there is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RelatedLists {
    /// What the list of groups is read once per item of.
    pub partitions: Option<Partitions>,
    /// What is laid over the record of each group.
    pub details: Option<Details>,
    /// The people of each group, one list per role.
    pub people: Vec<MemberList>,
    /// The people of all groups at once, one list per role.
    pub memberships: Vec<Memberships>,
    /// Who has which address, where groups name people by their ids alone.
    pub users: Option<Box<Users>>,
    /// The paths in the record of a group that requests name, in the order in which they are read beside it.
    pub record_paths: Vec<Path>,
}

/// Which of the related lists.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    JsonSchema,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RelatedList {
    /// What the list of groups is read once per item of.
    Partitions,
    /// Who has which address.
    Users,
    /// One record per group, laid over the listed one.
    Details,
    /// The members of each group.
    Members,
    /// Those who run it.
    Admins,
    /// Those from outside.
    Guests,
}

/// How a related list is asked for, paged and read.
#[derive(Debug, Clone, PartialEq)]
pub struct ListReading {
    /// The requests for its pages.
    pub requests: Requests,
    /// How its pages follow each other.
    pub paging: Paging,
    /// Where a page has its records.
    pub records: Records,
    /// What is read of each record.
    pub columns: Vec<RecordColumn>,
    /// What of the records around it its requests name.
    pub outer: Vec<OuterValue>,
}

/// What the list of groups is read once per item of.
#[derive(Debug, Clone, PartialEq)]
pub struct Partitions {
    /// The names of the values, as in `{partition.org}`, in the order of the columns.
    pub names: Vec<String>,
    /// Where the partitions come from.
    pub source: PartitionSource,
    /// What the ids of groups are unique in.
    pub ids: UniqueIds,
    /// How many of them may be gone when their groups are asked for.
    pub gone: Share,
    /// How many of them may refuse the credentials.
    pub refused: Share,
}

/// Where partitions come from.
#[derive(Debug, Clone, PartialEq)]
pub enum PartitionSource {
    /// The file: the values of each.
    Constant(Vec<Vec<String>>),
    /// A list of the upstream.
    Listed(Box<ListReading>),
}

/// What the ids of groups are unique in.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum UniqueIds {
    /// All partitions: a group that two of them list is one group. If its two records differ, all are read once more,
    /// and then the walk fails.
    #[default]
    Global,
    /// One partition: the id of a group in its source becomes the values of its partition and its id, joined
    /// by `/`. `{group.id}` stays the id alone.
    Partition,
}

/// One request per group, whose record is laid over the listed one.
#[derive(Debug, Clone, PartialEq)]
pub struct Details {
    /// How it is asked for and read.
    pub list: ListReading,
    /// When it is not asked for again.
    pub reuse: Option<ReuseRule>,
    /// How many groups may be gone when they are asked for.
    pub gone: Share,
}

/// Who has which address: one list for all groups, or for all of a partition.
#[derive(Debug, Clone, PartialEq)]
pub struct Users {
    /// How it is asked for and read. The columns are id and email address.
    pub list: ListReading,
    /// How many of the people whom groups name may be none of the users.
    pub unknown: Share,
}

/// The people of each group in one role: a list of its own per group.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberList {
    /// Their role.
    pub role: RelatedList,
    /// The list whose requests bring it: itself, or an earlier one that has the same pages.
    pub brought_by: RelatedList,
    /// How it is asked for and read. The columns are id and email address.
    pub list: ListReading,
    /// When it is not asked for again.
    pub reuse: Option<ReuseRule>,
    /// How many groups may be gone when they are asked for.
    pub gone: Share,
}

/// The people of all groups in one role: one list for all groups, or for all of a partition, whose records each name
/// their group.
#[derive(Debug, Clone, PartialEq)]
pub struct Memberships {
    /// Their role.
    pub role: RelatedList,
    /// The list whose requests bring it: itself, or an earlier one that has the same pages.
    pub brought_by: RelatedList,
    /// How it is asked for and read. The columns are id, email address and the id of the group.
    pub list: ListReading,
}

impl ListReading {
    /// Whether it can be read from the pages of another list: the same requests bring them, and what the next page is
    /// does not depend on which of the two is read.
    fn has_pages_of(&self, other: &Self) -> bool {
        let counts_alike = (&self.records.at, self.records.keyed)
            == (&other.records.at, other.records.keyed)
            || !self.paging.counts_records();
        counts_alike && self.requests == other.requests && self.paging == other.paging
    }
}

impl MemberList {
    /// Whether a request is sent for it, and not for another list that brings it too.
    pub fn has_own_request(&self) -> bool {
        self.brought_by == self.role
    }

    /// Decides which lists the requests for others bring.
    pub fn share_requests(lists: &mut [Self]) {
        let lists = lists.iter_mut();
        share_requests(lists.map(|own| (own.role, &own.list, &mut own.brought_by)));
    }
}

impl Memberships {
    /// Whether a request is sent for it, and not for another list that brings it too.
    pub fn has_own_request(&self) -> bool {
        self.brought_by == self.role
    }

    /// Decides which lists the requests for others bring.
    pub fn share_requests(lists: &mut [Self]) {
        let lists = lists.iter_mut();
        share_requests(lists.map(|own| (own.role, &own.list, &mut own.brought_by)));
    }
}

/// Decides of lists by whose requests each is brought: its own, or those of an earlier one with the same pages.
fn share_requests<'a>(
    lists: impl Iterator<Item = (RelatedList, &'a ListReading, &'a mut RelatedList)>,
) {
    let mut asked: Vec<(RelatedList, &ListReading)> = Vec::new();
    for (role, list, brought_by) in lists {
        let mut earlier = asked.iter();
        let bringer = earlier.find(|(_, earlier)| list.has_pages_of(earlier));
        *brought_by = bringer.map_or(role, |(bringer, _)| *bringer);
        if *brought_by == role {
            asked.push((role, list));
        }
    }
}

impl ReuseRule {
    /// Whether the record of a group says that it has not changed.
    pub fn is_by_record(&self) -> bool {
        self.while_same != ReuseMarker::Etag
    }
}

impl RelatedLists {
    /// Whether the list of groups is all there is.
    pub const fn is_empty(&self) -> bool {
        self.partitions.is_none() && !self.is_per_group()
    }

    /// Whether groups become more than what their list says.
    pub const fn is_per_group(&self) -> bool {
        self.lists_per_group() > 0 || self.users.is_some() || !self.memberships.is_empty()
    }

    /// How many lists are asked for each group.
    pub const fn lists_per_group(&self) -> usize {
        self.people.len() + self.details.is_some() as usize
    }

    /// Whether a list is asked for each group, and not for all of them.
    pub fn is_of_each_group(&self, which: RelatedList) -> bool {
        which == RelatedList::Details || (which.is_of_people() && !self.is_of_all_groups(which))
    }

    /// Whether a list has the people of all groups.
    pub fn is_of_all_groups(&self, which: RelatedList) -> bool {
        self.memberships.iter().any(|own| own.role == which)
    }

    /// How often all groups are asked for anew, if some are used again.
    pub fn full(&self) -> Option<Duration> {
        self.reuse_rules().map(|rule| rule.full.get()).min()
    }

    /// Whether groups are known again by more than the list that is served.
    pub fn needs_marks(&self) -> bool {
        self.reuse_rules().next().is_some()
    }

    fn reuse_rules(&self) -> impl Iterator<Item = &ReuseRule> {
        let details = self.details.iter().map(|details| &details.reuse);
        let rules = details.chain(self.people.iter().map(|people| &people.reuse));
        rules.flatten()
    }

    /// How one of the lists is read, if it is there and listed.
    pub fn reading(&self, which: RelatedList) -> Option<&ListReading> {
        match which {
            RelatedList::Partitions => match &self.partitions.as_ref()?.source {
                PartitionSource::Listed(list) => Some(list),
                PartitionSource::Constant(_) => None,
            },
            RelatedList::Users => self.users.as_ref().map(|users| &users.list),
            RelatedList::Details => self.details.as_ref().map(|details| &details.list),
            RelatedList::Members | RelatedList::Admins | RelatedList::Guests => {
                let each = self.people.iter().map(|own| (own.role, &own.list));
                let all = self.memberships.iter().map(|own| (own.role, &own.list));
                let mut lists = each.chain(all);
                lists.find_map(|(role, list)| (role == which).then_some(list))
            }
        }
    }

    /// All lists that are read, with what they are.
    pub fn readings(&self) -> impl Iterator<Item = (RelatedList, &ListReading)> {
        RelatedList::ALL
            .into_iter()
            .filter_map(|which| Some((which, self.reading(which)?)))
    }
}

impl RelatedList {
    /// All of them, in the order of a walk.
    pub const ALL: [Self; 6] = [
        Self::Partitions,
        Self::Users,
        Self::Details,
        Self::Members,
        Self::Admins,
        Self::Guests,
    ];

    /// Whether it lists the people of one group.
    pub const fn is_of_people(self) -> bool {
        match self {
            Self::Members | Self::Admins | Self::Guests => true,
            Self::Partitions | Self::Users | Self::Details => false,
        }
    }
}
