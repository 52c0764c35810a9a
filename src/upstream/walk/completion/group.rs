//! One group with all that is asked for it.

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::error::UpstreamError;
use crate::group::{Group, JsonSource};
use crate::observe::{Observers, WalkPart};
use crate::plan::{Details, Path, RelatedList, ReuseMarker, ReuseRule};
use crate::snapshot::{GroupPage, PageRowRef};
use crate::upstream::outer_values::OuterValues;
use crate::upstream::walk::context::WalkContext;
use crate::upstream::walk::gone_groups::GoneGroup;
use crate::upstream::walk::known::{Recollection, listed_hash, value_hash};
use crate::upstream::walk::listed_group::ListedGroup;
use crate::upstream::walk::marks::{GroupMark, ListTag};
use crate::upstream::walk::related_observer::of_related;

use super::counts::CompletionCounts;
use super::memberships::PeopleOfAll;
use super::people::{forget_length, group_bytes, put_people};
use super::people_read::PeopleDoubt;
use super::users::UserLists;

mod details;

mod gone;
pub(super) use gone::GoneRefusal;
use gone::gone_or_failed;

mod marker;

mod people;
use people::PeopleInRole;

/// What became of a group that was listed.
pub(super) enum CompletedGroup {
    /// All that is asked for it is there.
    Complete(Box<WholeGroup>),
    /// It has been deleted meanwhile: one of its lists is gone. What was listed of it is kept where a walk for changes
    /// may ask for it again.
    Gone(GoneRefusal, Option<GoneGroup>),
}

/// A group with all that is asked for it.
pub(super) struct WholeGroup {
    pub(super) group: Group,
    pub(super) is_nested: bool,
    pub(super) mark: GroupMark,
    /// When it was read.
    pub(super) at: Instant,
    /// Whether anything was asked for it.
    pub(super) is_asked: bool,
}

/// What is known of one list of a group.
struct ListRead<T> {
    value: T,
    /// Whether it was asked for.
    is_asked: bool,
    /// Whether it differs from what it was before although it seemed not to have changed.
    differs: bool,
}

impl<T> ListRead<T> {
    const fn reused(value: T) -> Self {
        Self {
            value,
            is_asked: false,
            differs: false,
        }
    }

    /// What the upstream says has not changed.
    fn unchanged(
        before: Option<&T>,
        tag: ListTag,
        mark: &mut GroupMark,
    ) -> Result<Self, UpstreamError>
    where
        T: Clone,
    {
        let before = before
            .ok_or_else(|| UpstreamError::ours("nothing is known that could be unchanged"))?;
        mark.tags.push(tag);
        mark.is_reused = true;
        Ok(Self::asked(before.clone(), false))
    }

    const fn asked(value: T, differs: bool) -> Self {
        Self {
            value,
            is_asked: true,
            differs,
        }
    }
}

/// What was read once for all groups.
#[derive(Clone, Copy)]
pub(super) struct CommonLists<'a> {
    /// Who has which address.
    pub(super) users: Option<&'a UserLists<'a>>,
    /// The people in roles whose lists have those of all groups.
    pub(super) people: &'a [PeopleOfAll<'a>],
}

/// Completes groups.
pub(super) struct GroupCompletion<'a> {
    pub(super) context: WalkContext<'a>,
    recollection: &'a Recollection,
    /// The groups that were listed, and what stands around each page of them.
    listed: (&'a [GroupPage], &'a [OuterValues]),
    details: Option<(&'a Details, Observers)>,
    people: Vec<PeopleInRole<'a>>,
    common: CommonLists<'a>,
    /// Whether anything that was read before may be used again.
    reuses: bool,
    pub(super) counts: CompletionCounts,
}

/// What is known of a group from the walk before.
struct PastGroup<'a> {
    group: Option<Group>,
    mark: Option<&'a GroupMark>,
}

impl PastGroup<'_> {
    /// Whether one of its lists was read while `reuse` of that went by the same.
    fn is_known_by(&self, list: RelatedList, value: Option<u64>) -> bool {
        let before = self.mark.and_then(|mark| mark.value(list));
        value.is_some() && before == value
    }
}

impl<'a> GroupCompletion<'a> {
    pub(super) fn new(
        context: WalkContext<'a>,
        recollection: &'a Recollection,
        listed: (&'a [GroupPage], &'a [OuterValues]),
        common: CommonLists<'a>,
    ) -> Self {
        let related = context.adapter.related();
        let observers = |list| of_related(context.observers, list);
        let details = related.details.as_ref();
        Self {
            context,
            recollection,
            listed,
            details: details.map(|details| (details, observers(RelatedList::Details))),
            people: (related.people.iter())
                .map(|list| PeopleInRole::new(list, observers(list.role)))
                .collect(),
            common,
            reuses: related.full().is_some(),
            counts: CompletionCounts::new(recollection.longest()),
        }
    }

    /// What looks wrong of the people in each role, as far as all of them were read.
    pub(super) fn doubts(&self) -> impl Iterator<Item = (RelatedList, PeopleDoubt)> {
        // Of those that are used again nothing is read, and the others may be few.
        let is_read_anew = self.counts.reuses_nothing();
        let of_each = self.people.iter().filter(move |_| is_read_anew);
        let of_all = self.common.people.iter().flat_map(PeopleOfAll::doubts);
        of_each.flat_map(PeopleInRole::doubts).chain(of_all)
    }

    /// One group with all that is asked for it.
    pub(super) fn complete(
        &self,
        page: usize,
        row: usize,
    ) -> BoxFuture<'_, Result<CompletedGroup, UpstreamError>> {
        let (pages, origins) = self.listed;
        let listed = (pages.get(page).zip(origins.get(page))).and_then(|(page, around)| {
            let beside = page.beside(row);
            let row = page.row(row)?;
            Some(ListedGroup {
                row,
                beside,
                around,
            })
        });
        Box::pin(async move {
            let listed = listed.ok_or_else(|| UpstreamError::ours("a group was not listed"))?;
            self.completed(listed).await
        })
    }

    async fn completed(&self, listed: ListedGroup<'_>) -> Result<CompletedGroup, UpstreamError> {
        let mut group = read(listed.row)?;
        let is_nested = listed.row.is_nested();
        let mut mark = GroupMark {
            listed: listed_hash(listed.row, listed.beside),
            tags: Vec::new(),
            values: Vec::new(),
            is_reused: false,
        };
        if let Some(kept) = self.recollection.kept(&group.source_id, mark.listed)
            && let Ok(mut again) = JsonSource::of(&group.source).group(&kept.packed)
        {
            let is_counted = group.member_count.is_some();
            if !is_counted
                && self
                    .common
                    .people
                    .iter()
                    .any(|own| own.role == RelatedList::Members)
            {
                forget_length(&mut again);
            }
            let mut group = again;
            let more = self.put_common(&mut group, listed.around)?;
            if let Some(hold) = self.context.budget.hold() {
                hold.grow(group_bytes(&group) + more, self.context.deadline)
                    .await?;
            }
            self.counts.note_kept();
            let (mark, at) = (kept.mark.clone(), kept.at);
            return Ok(CompletedGroup::Complete(Box::new(WholeGroup {
                group,
                is_nested,
                mark,
                at,
                is_asked: false,
            })));
        }
        let at = Instant::now();
        let past = self.past(&group);
        let mut differs = false;
        let mut is_asked = false;
        if let Some((details, observers)) = &self.details {
            let asked = self.details(details, observers, &group, listed, &past, &mut mark);
            match asked.await {
                Ok(laid) => {
                    self.settle(RelatedList::Details, &group);
                    differs |= laid.differs;
                    is_asked |= laid.is_asked;
                    group = laid.value;
                }
                Err(error) => {
                    let list = RelatedList::Details;
                    let refusal = gone_or_failed(error, list, details.gone, &group)?;
                    return Ok(self.gone(refusal, listed));
                }
            }
        }
        let due = self.due_people(&group, listed, &past, &mut mark);
        let mut answers = Vec::new();
        for own in &due {
            let list = own.own.list;
            let people = self.people(own, &due, &mut answers, &group, listed, &mut mark);
            match people.await {
                Ok(people) => {
                    self.settle(list.role, &group);
                    differs |= people.differs;
                    is_asked |= people.is_asked;
                    self.compare_count(list.role, &people.value, &group);
                    put_people(&mut group, list.role, people.value);
                }
                Err(error) => {
                    let refusal = gone_or_failed(error, list.role, list.gone, &group)?;
                    return Ok(self.gone(refusal, listed));
                }
            }
        }
        if differs {
            self.counts.note_differing();
        }
        let more = self.put_common(&mut group, listed.around)?;
        if let Some(hold) = self.context.budget.hold() {
            hold.grow(group_bytes(&group) + more, self.context.deadline)
                .await?;
        }
        Ok(CompletedGroup::Complete(Box::new(WholeGroup {
            group,
            is_nested,
            mark,
            at,
            is_asked,
        })))
    }

    /// Tells observers that a list of a group is what was expected.
    fn settle(&self, list: RelatedList, group: &Group) {
        self.context.settle(WalkPart::Group {
            id: &group.source_id,
            list,
            brings: &[],
        });
    }

    fn gone(&self, refusal: GoneRefusal, listed: ListedGroup<'_>) -> CompletedGroup {
        let is_kept_up = self.context.adapter.incremental().is_some();
        CompletedGroup::Gone(refusal, is_kept_up.then(|| GoneGroup::of(listed)))
    }

    /// Gives a group its people of lists that have those of all groups, and people the addresses that users have, and
    /// says how much more memory that takes.
    fn put_common(&self, group: &mut Group, around: &OuterValues) -> Result<u64, UpstreamError> {
        let CommonLists { users, people } = self.common;
        for own in people {
            let people = own.of(group, around)?;
            self.compare_count(own.role, &people, group);
            put_people(group, own.role, people);
        }
        users.map_or(Ok(0), |users| users.address(group, around))
    }

    fn past(&self, group: &Group) -> PastGroup<'_> {
        if !self.reuses {
            return PastGroup {
                group: None,
                mark: None,
            };
        }
        let mut previous = self.recollection.previous(&group.source, &group.source_id);
        let is_counted = group.member_count.is_some();
        if let Some(previous) = previous
            .as_mut()
            .filter(|_| !is_counted && self.reads(RelatedList::Members))
        {
            forget_length(previous);
        }
        PastGroup {
            group: previous,
            mark: self.recollection.mark(&group.source_id),
        }
    }

    /// Whether the people in a role are read anew, from lists of their own.
    fn reads(&self, role: RelatedList) -> bool {
        self.roles().any(|own| own == role)
    }

    /// The roles whose people come in lists of their own.
    fn roles(&self) -> impl Iterator<Item = RelatedList> {
        let of_each = self.people.iter().map(|own| own.list.role);
        of_each.chain(self.common.people.iter().map(|own| own.role))
    }

    /// The hash of what stands at a path in the listed record of a group.
    fn value_at(&self, path: &Path, listed: ListedGroup<'_>) -> Option<u64> {
        let paths = &self.context.adapter.related().record_paths;
        let column = paths.iter().position(|own| own == path)?;
        let value = listed.beside?.get(column)?.as_ref()?;
        Some(value_hash(path, value))
    }
}

fn read(row: PageRowRef<'_>) -> Result<Group, UpstreamError> {
    row.group()
        .map_err(|error| UpstreamError::ours(format!("a group cannot be read back: {error}")))
}

fn is_etag(rule: Option<&ReuseRule>) -> bool {
    rule.is_some_and(|rule| rule.while_same == ReuseMarker::Etag)
}

/// Whether a response has the entity tag that was known, although it was sent.
fn is_told_same(known: Option<&ListTag>, tag: Option<&ListTag>) -> bool {
    let both = known.zip(tag);
    both.is_some_and(|(known, tag)| known.is_same(tag))
}
