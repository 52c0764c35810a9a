//! The people of all groups, where one list has them and each of its records names a group.

use std::collections::HashMap;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::TryStreamExt as _;
use futures_util::future::ok;

use crate::error::{ErrorKind, UpstreamError};
use crate::group::{Group, Member, ReadRow, ReadText, merge_same, row_bytes};
use crate::observe::{ID_CHARS, WalkPart};
use crate::page::format::excerpt;
use crate::plan::{GroupField, ListReading, Memberships, RelatedList, UniqueIds};
use crate::snapshot::Counts;
use crate::upstream::off_thread::{self, Urgency};
use crate::upstream::outer_values::OuterValues;
use crate::upstream::walk::brought::{BroughtList, ReadPeople};
use crate::upstream::walk::context::WalkContext;

use super::common_lists::{Around, CommonList, around_of, read_common};
use super::people::member;
use super::people_read::{PeopleDoubt, PeopleRead};

/// In which column of a row the id of the group is.
const GROUP: usize = 2;

/// Which partition a list is of, where one group is another in each; else all lists are one.
type OfPartition = Option<Around>;

/// The people of all groups in one role.
pub(super) struct PeopleOfAll<'a> {
    pub(super) role: RelatedList,
    list: &'a ListReading,
    /// Whether one id is another group in each partition.
    is_apart: bool,
    /// The rows, by group.
    lists: HashMap<OfPartition, Vec<ReadRow>>,
    /// How many pages were read.
    pub(super) pages: u64,
    /// What the lists counted besides people.
    pub(super) counts: Counts,
    /// What came of all lists.
    read: PeopleRead,
    /// How many of the people are in a group that is listed.
    placed: AtomicU64,
}

/// Reads the people of all groups, in each role once for each of the partitions around the groups that the requests
/// tell apart.
pub(super) async fn read_memberships<'a>(
    context: &WalkContext<'_>,
    memberships: &'a [Memberships],
    origins: &[OuterValues],
) -> Result<Vec<PeopleOfAll<'a>>, UpstreamError> {
    let partitions = context.adapter.related().partitions.as_ref();
    let is_apart = partitions.is_some_and(|partitions| partitions.ids == UniqueIds::Partition);
    let people = memberships.iter();
    let mut people: Vec<_> = people.map(|own| PeopleOfAll::new(own, is_apart)).collect();
    for first in memberships {
        let brought = memberships.iter();
        let brought = brought.filter(|own| own.brought_by == first.role);
        let brought: Vec<_> = brought.map(|own| own.role).collect();
        if brought.is_empty() {
            continue;
        }
        let mut lists = read_common(context, &brought, &first.list, origins, ok);
        while let Some(list) = lists.try_next().await? {
            let CommonList {
                around,
                walked,
                partition,
            } = list;
            let mut pages = walked.pages;
            for BroughtList { list, read } in walked.into_lists(first.role) {
                let partition = &*partition;
                let part = WalkPart::Common {
                    list,
                    partition,
                    brings: &[],
                };
                let read = read.map_err(|error| context.adapter.masks.error(error).within(part))?;
                let own = people.iter_mut().find(|own| own.role == list);
                let own = own.ok_or_else(|| UpstreamError::ours("a list was not asked for"))?;
                own.add(around.clone(), read);
                context.settle(part);
                own.pages += mem::take(&mut pages);
            }
        }
    }
    for own in &mut people {
        own.sort(context).await?;
    }
    Ok(people)
}

impl<'a> PeopleOfAll<'a> {
    fn new(Memberships { role, list, .. }: &'a Memberships, is_apart: bool) -> Self {
        Self {
            role: *role,
            list,
            is_apart,
            lists: HashMap::new(),
            pages: 0,
            counts: Counts::default(),
            read: PeopleRead::default(),
            placed: AtomicU64::new(0),
        }
    }

    /// Adds the list of a partition, or that of all.
    fn add(&mut self, around: Around, people: ReadPeople) {
        let ReadPeople {
            mut rows, counts, ..
        } = people;
        self.counts += counts;
        self.read.note(&rows, counts.left_out);
        let own = self.lists.entry(self.is_apart.then_some(around));
        own.or_default().append(&mut rows);
    }

    /// Puts rows in the order of their groups. Who is in one of them several times counts once, also where that is in the
    /// lists of several partitions.
    async fn sort(&mut self, context: &WalkContext<'_>) -> Result<(), UpstreamError> {
        for rows in self.lists.values_mut() {
            let mut own = mem::take(rows);
            let before = own.len();
            let bytes = own.iter().map(row_bytes).sum();
            let sort = move || {
                // A stable order: people stay as the upstream has them.
                own.sort_by(|one, other| group_of(one).cmp(&group_of(other)));
                Ok(distinct_people(own))
            };
            let memory = &context.adapter.memory;
            *rows = off_thread::run(bytes, Urgency::InTurn, memory, sort).await?;
            self.counts.repeated += (before - rows.len()) as u64;
        }
        Ok(())
    }

    /// Those of one group.
    pub(super) fn of(
        &self,
        group: &Group,
        around: &OuterValues,
    ) -> Result<Vec<Member>, UpstreamError> {
        let list = self.is_apart.then(|| around_of(self.list, around));
        let rows = self.lists.get(&list);
        let rows =
            rows.ok_or_else(|| UpstreamError::ours("the people of a group were not read"))?;
        let id = around.unqualified(GroupField::Id, &group.source_id);
        let start = rows.partition_point(|row| group_of(row) < Some(id));
        let own = rows[start..].iter();
        let own = own.take_while(|row| group_of(row) == Some(id));
        let people: Vec<_> = own.map(|row| member(row.iter().cloned())).collect();
        self.placed
            .fetch_add(people.len() as u64, Ordering::Relaxed);
        Ok(people)
    }

    /// What looks wrong of them.
    pub(super) fn doubts(&self) -> impl Iterator<Item = (RelatedList, PeopleDoubt)> {
        let doubts = self.read.doubts(self.list).into_iter();
        doubts.map(|doubt| (self.role, doubt))
    }

    /// Looks, once all groups have theirs, whether the ids of groups are the right ones.
    pub(super) fn finish(&self, context: &WalkContext<'_>) -> Result<(), UpstreamError> {
        let all: usize = self.lists.values().map(Vec::len).sum();
        let left_out = (all as u64).saturating_sub(self.placed.load(Ordering::Relaxed));
        if left_out == 0 {
            return Ok(());
        }
        let role = self.role;
        if left_out == all as u64 {
            let rows = self.lists.values().flatten();
            let example = rows.filter_map(group_of).min().unwrap_or_default();
            let example = excerpt(example, ID_CHARS);
            let detail = format!(
                "none of the {all} items of `{role}` names a group that is listed, but such as `{example}`: \
                 `{role}.fields.group` must be the id that the list of groups has"
            );
            return Err(UpstreamError::of_no_answer(ErrorKind::Mapping, detail));
        }
        let list = <&str>::from(role);
        let source = &**context.adapter.name();
        // What is left out of the groups is left out of their people, too.
        if context.adapter.mapping().records.only.is_none() {
            tracing::warn!(
                source,
                list,
                left_out,
                of = all,
                "people are in groups that are not listed"
            );
        }
        Ok(())
    }
}

/// Of rows in the order of their groups, those that are different people of a group.
fn distinct_people(sorted: Vec<ReadRow>) -> Vec<ReadRow> {
    let mut people: Vec<ReadRow> = Vec::with_capacity(sorted.len());
    let mut start = 0;
    for row in sorted {
        if people
            .last()
            .is_some_and(|last| group_of(last) != group_of(&row))
        {
            merge_same(&mut people, start);
            start = people.len();
        }
        people.push(row);
    }
    merge_same(&mut people, start);
    people
}

/// The id of the group that a row names.
fn group_of(row: &ReadRow) -> Option<&str> {
    let group = row.get(GROUP)?.as_ref();
    group.map(|ReadText { text, .. }| &**text)
}
