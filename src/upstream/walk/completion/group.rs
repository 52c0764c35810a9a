//! One group with all that is asked for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::error::UpstreamError;
use crate::group::{Group, Member, ReadRow};
use crate::observe::{CompletionProgress, Observers, WalkPart};
use crate::plan::{Details, MemberList, Path, RelatedList, ReuseMarker, ReuseRule, Share};
use crate::snapshot::{Counts, GroupPage, PageRowRef};
use crate::upstream::outer_values::OuterValues;
use crate::upstream::walk::context::WalkContext;
use crate::upstream::walk::known::{Recollection, listed_hash, value_hash};
use crate::upstream::walk::marks::{GroupMark, ListTag, LongestPages};
use crate::upstream::walk::outcome::is_missing;
use crate::upstream::walk::related_observer::of_related;

use super::markers_read::MarkersRead;
use super::people::{group_bytes, is_same_people, members, people_of, put_people};
use super::people_read::{PeopleDoubt, PeopleRead};
use super::users::{UserLists, without_addresses};

mod details;

/// A group that was listed.
#[derive(Clone, Copy)]
pub(super) struct ListedGroup<'a> {
    row: PageRowRef<'a>,
    /// What else was read of its record.
    pub(super) beside: Option<&'a ReadRow>,
    /// The values of its partition.
    pub(super) around: &'a OuterValues,
}

/// What became of a group that was listed.
pub(super) enum CompletedGroup {
    /// All that is asked for it is there.
    Complete(Box<WholeGroup>),
    /// It has been deleted meanwhile: one of its lists is gone.
    Gone(GoneRefusal),
}

/// How a group was refused that has been deleted meanwhile.
pub(super) struct GoneRefusal {
    pub(super) error: UpstreamError,
    pub(super) list: RelatedList,
    /// Up to which share of the groups may be gone.
    pub(super) most: Share,
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

    const fn asked(value: T, differs: bool) -> Self {
        Self {
            value,
            is_asked: true,
            differs,
        }
    }
}

/// Completes groups, and counts what that takes.
pub(super) struct GroupCompletion<'a> {
    pub(super) context: WalkContext<'a>,
    recollection: &'a Recollection,
    /// The groups that were listed, and what stands around each page of them.
    listed: (&'a [GroupPage], &'a [OuterValues]),
    details: Option<(&'a Details, Observers)>,
    people: Vec<(&'a MemberList, Observers, PeopleRead)>,
    /// Who has which address.
    users: Option<&'a UserLists<'a>>,
    /// Whether anything that was read before may be used again.
    reuses: bool,
    /// Whether the record of a group says how many members there are.
    is_counted: bool,
    pub(super) pages: AtomicU64,
    pub(super) asked: AtomicU64,
    pub(super) reused: AtomicU64,
    kept: AtomicU64,
    differing: AtomicU64,
    pub(super) longest: Mutex<LongestPages>,
    miscounted: AtomicU64,
    pub(super) markers: MarkersRead,
    /// What the lists of people counted besides people.
    people_counts: Mutex<Counts>,
}

/// What a request for a list of a group brought.
pub(super) enum ListAnswer {
    /// What was read, how it is known again, and how many items `records.only` left out.
    Rows(Vec<ReadRow>, Option<ListTag>, u64),
    /// It has not changed.
    Unchanged(ListTag),
}

/// What is known of a group from the walk before.
struct PastGroup<'a> {
    group: Option<Group>,
    mark: Option<&'a GroupMark>,
}

impl<'a> GroupCompletion<'a> {
    pub(super) fn new(
        context: WalkContext<'a>,
        recollection: &'a Recollection,
        listed: (&'a [GroupPage], &'a [OuterValues]),
        users: Option<&'a UserLists<'a>>,
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
                .map(|list| (list, observers(list.role), PeopleRead::default()))
                .collect(),
            users,
            reuses: related.full().is_some(),
            is_counted: context.adapter.mapping().fields.member_count.is_some(),
            pages: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            reused: AtomicU64::new(0),
            kept: AtomicU64::new(0),
            differing: AtomicU64::new(0),
            longest: Mutex::new(recollection.longest()),
            markers: MarkersRead::default(),
            miscounted: AtomicU64::new(0),
            people_counts: Mutex::default(),
        }
    }

    /// How far it is.
    pub(super) fn progress(&self, done: u64, of: u64, gone: u64) -> CompletionProgress {
        CompletionProgress {
            done,
            of,
            asked: self.asked.load(Ordering::Relaxed),
            reused: self.reused.load(Ordering::Relaxed),
            kept: self.kept.load(Ordering::Relaxed),
            gone,
            differing: self.differing(),
            miscounted: self.miscounted(),
        }
    }

    /// How many groups have another number of members than their record says.
    pub(super) fn miscounted(&self) -> u64 {
        self.miscounted.load(Ordering::Relaxed)
    }

    /// What looks wrong of the people in each role.
    pub(super) fn doubts(&self) -> impl Iterator<Item = (RelatedList, PeopleDoubt)> {
        let people = self.people.iter();
        people.flat_map(|(list, _, read)| {
            let doubts = read.doubts(list).into_iter();
            doubts.map(|doubt| (list.role, doubt))
        })
    }

    /// Whether everything was asked for.
    pub(super) fn reuses_nothing(&self) -> bool {
        let reused = self.reused.load(Ordering::Relaxed);
        reused + self.kept.load(Ordering::Relaxed) == 0
    }

    /// How many groups had changed although they would have been taken for unchanged.
    pub(super) fn differing(&self) -> u64 {
        self.differing.load(Ordering::Relaxed)
    }

    /// Takes note of what a list of people counted, of which an item that is skipped is nobody.
    pub(super) fn note_people(&self, list: Counts) {
        let counts = Counts {
            unread_people: list.skipped,
            unmarked_people: list.unmarked_people,
            repeated_people: list.repeated,
            drifted: list.drifted,
            ..Counts::default()
        };
        *lock(&self.people_counts) += counts;
    }

    /// What the lists of people counted besides people.
    pub(super) fn people_counts(&self) -> Counts {
        *lock(&self.people_counts)
    }

    /// How many pages were read.
    pub(super) fn pages_read(&self) -> u64 {
        self.pages.load(Ordering::Relaxed)
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
            && let Ok(mut group) = serde_json::from_slice(&kept.json)
        {
            let more = self.address(&mut group, listed.around)?;
            if let Some(hold) = self.context.budget.hold() {
                hold.grow(group_bytes(&group) + more, self.context.deadline)
                    .await?;
            }
            self.kept.fetch_add(1, Ordering::Relaxed);
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
                    differs |= laid.differs;
                    is_asked |= laid.is_asked;
                    group = laid.value;
                }
                Err(error) => {
                    return gone_or_failed(error, RelatedList::Details, details.gone, &group);
                }
            }
        }
        for (list, observers, read) in &self.people {
            let asked = self.people((list, observers, read), &group, listed, &past, &mut mark);
            match asked.await {
                Ok(people) => {
                    differs |= people.differs;
                    is_asked |= people.is_asked;
                    let people = people.value;
                    self.compare_count(list.role, &people, &group);
                    put_people(&mut group, list.role, people, self.is_counted);
                }
                Err(error) => return gone_or_failed(error, list.role, list.gone, &group),
            }
        }
        self.differing
            .fetch_add(u64::from(differs), Ordering::Relaxed);
        let more = self.address(&mut group, listed.around)?;
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

    /// Gives people the addresses that users have, and says how much more memory that takes.
    fn address(&self, group: &mut Group, around: &OuterValues) -> Result<u64, UpstreamError> {
        self.users
            .map_or(Ok(0), |users| users.address(group, around))
    }

    fn past(&self, group: &Group) -> PastGroup<'_> {
        if !self.reuses {
            return PastGroup {
                group: None,
                mark: None,
            };
        }
        PastGroup {
            group: self.recollection.previous(&group.source, &group.source_id),
            mark: self.recollection.mark(&group.source_id),
        }
    }

    /// The hash of what stands at a path in the listed record of a group.
    fn value_at(&self, path: &Path, listed: ListedGroup<'_>) -> Option<u64> {
        let paths = &self.context.adapter.related().record_paths;
        let column = paths.iter().position(|own| own == path)?;
        let value = listed.beside?.get(column)?.as_ref()?;
        Some(value_hash(path, value))
    }

    /// Whether two lists have the same people, whatever addresses their ids have.
    fn is_same(&self, some: &[Member], others: &[Member]) -> bool {
        match self.users {
            Some(_) => is_same_people(&without_addresses(some), &without_addresses(others)),
            None => is_same_people(some, others),
        }
    }

    /// The people of a group in one role.
    async fn people(
        &self,
        (list, observers, read): (&MemberList, &Observers, &PeopleRead),
        group: &Group,
        listed: ListedGroup<'_>,
        past: &PastGroup<'_>,
        mark: &mut GroupMark,
    ) -> Result<ListRead<Vec<Member>>, UpstreamError> {
        let before = past.group.as_ref();
        let is_full = self.recollection.is_full;
        let marker = list.reuse.as_ref().map(|rule| &rule.while_same);
        let path = marker.and_then(ReuseMarker::path);
        let value = path.and_then(|path| self.value_at(path, listed));
        mark.values.extend(value.map(|value| (list.role, value)));
        if list.reuse.as_ref().is_some_and(ReuseRule::is_by_record) {
            let has_marker = value.is_some() || (path.is_none() && group.updated_at.is_some());
            self.markers.note(list.role, has_marker);
        }
        let is_same = |before: &&Group| match marker {
            Some(ReuseMarker::UpdatedAt) => {
                group.updated_at.is_some() && before.updated_at == group.updated_at
            }
            Some(ReuseMarker::Path(_)) => {
                value.is_some() && past.mark.and_then(|past| past.value(list.role)) == value
            }
            Some(ReuseMarker::Etag) | None => false,
        };
        let same = before
            .filter(is_same)
            .map(|before| people_of(before, list.role));
        if let Some(people) = same.filter(|_| !is_full) {
            self.reused.fetch_add(1, Ordering::Relaxed);
            mark.is_reused = true;
            return Ok(ListRead::reused(people.clone()));
        }
        let known = past.mark.and_then(|past| past.tag(list.role));
        let known = known.filter(|_| is_etag(list.reuse.as_ref()) && before.is_some());
        let asked = known.filter(|_| !is_full);
        let outer = self.outer_values(&list.list, group, listed)?;
        let answer = self.ask((list.role, observers), &group.source_id, outer, asked);
        match (answer.await?, before) {
            (ListAnswer::Unchanged(tag), Some(before)) => {
                mark.tags.push(tag);
                mark.is_reused = true;
                let people = people_of(before, list.role).clone();
                Ok(ListRead::asked(people, false))
            }
            (ListAnswer::Unchanged(_), None) => Err(UpstreamError::ours(
                "nothing is known that could be unchanged",
            )),
            (ListAnswer::Rows(rows, tag, left_out), _) => {
                read.note(&rows, left_out);
                let told = before.filter(|_| is_told_same(known, tag.as_ref()));
                let same = same.or(told.map(|before| people_of(before, list.role)));
                mark.tags
                    .extend(tag.filter(|_| is_etag(list.reuse.as_ref())));
                let people = members(rows);
                let differs = same.is_some_and(|same| !self.is_same(same, &people));
                Ok(ListRead::asked(people, differs))
            }
        }
    }

    /// Whether its record says another number of members than came.
    fn compare_count(&self, role: RelatedList, people: &[Member], group: &Group) {
        let counted = group.member_count.filter(|_| self.is_counted);
        let is_other = counted.is_some_and(|counted| counted != people.len() as u64);
        if is_other && role == RelatedList::Members {
            self.miscounted.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn lock<T>(counted: &Mutex<T>) -> MutexGuard<'_, T> {
    counted.lock().unwrap_or_else(PoisonError::into_inner)
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

/// A group that was just listed and is not found any more has been deleted.
fn gone_or_failed(
    error: UpstreamError,
    list: RelatedList,
    most: Share,
    group: &Group,
) -> Result<CompletedGroup, UpstreamError> {
    let is_gone = is_missing(&error);
    let id = &group.source_id;
    let error = error.within(WalkPart::Group { id, list });
    if is_gone {
        Ok(CompletedGroup::Gone(GoneRefusal { error, list, most }))
    } else {
        Err(error)
    }
}
