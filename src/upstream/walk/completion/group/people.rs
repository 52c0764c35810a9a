//! The people of a group, each role from a list of its own, of which one request may bring several.

use crate::error::UpstreamError;
use crate::group::{Group, Member};
use crate::observe::Observers;
use crate::plan::{MemberList, RelatedList, ReuseRule};
use crate::upstream::walk::marks::{GroupMark, ListTag};

use super::super::answers::{AskedLists, BroughtAnswers, ListAnswer};
use super::super::people::{is_same_people, members, people_of};
use super::super::people_read::{PeopleDoubt, PeopleRead};
use super::super::users::without_addresses;
use super::marker::Marker;
use super::{GroupCompletion, ListRead, ListedGroup, PastGroup, is_etag, is_told_same};

/// The lists of people in one role.
pub(super) struct PeopleInRole<'a> {
    pub(super) list: &'a MemberList,
    /// Who is told of what happens in them.
    observers: Observers,
    /// What came of all of them.
    read: PeopleRead,
}

/// What is known of the people of a group in one role before anything is asked for.
pub(super) struct DuePeople<'a> {
    pub(super) own: &'a PeopleInRole<'a>,
    /// Those that there were.
    before: Option<&'a Vec<Member>>,
    /// The same, if the record of the group says that they have not changed.
    same: Option<&'a Vec<Member>>,
    /// Whether they are used again for that.
    is_reused: bool,
    /// The entity tag that they had.
    known: Option<&'a ListTag>,
}

impl<'a> PeopleInRole<'a> {
    pub(super) fn new(list: &'a MemberList, observers: Observers) -> Self {
        Self {
            list,
            observers,
            read: PeopleRead::default(),
        }
    }

    /// What looks wrong of them.
    pub(super) fn doubts(&self) -> impl Iterator<Item = (RelatedList, PeopleDoubt)> {
        let doubts = self.read.doubts(&self.list.list).into_iter();
        doubts.map(|doubt| (self.list.role, doubt))
    }
}

impl GroupCompletion<'_> {
    /// What is known of the people of a group in each role before anything is asked for.
    pub(super) fn due_people<'g>(
        &'g self,
        group: &Group,
        listed: ListedGroup<'_>,
        past: &'g PastGroup<'_>,
        mark: &mut GroupMark,
    ) -> Vec<DuePeople<'g>> {
        let people = self.people.iter();
        let due = people.map(|own| self.due(own, group, listed, past, mark));
        due.collect()
    }

    fn due<'g>(
        &self,
        own: &'g PeopleInRole<'g>,
        group: &Group,
        listed: ListedGroup<'_>,
        past: &'g PastGroup<'_>,
        mark: &mut GroupMark,
    ) -> DuePeople<'g> {
        let (role, reuse) = (own.list.role, own.list.reuse.as_ref());
        let marker = self.marker(reuse, group, listed);
        if reuse.is_some_and(ReuseRule::is_by_record) {
            self.counts.markers.note(role, marker.is_some());
        }
        let value = marker.and_then(Marker::settled);
        mark.values.extend(value.map(|value| (role, value)));
        let before = past.group.as_ref();
        let same = before.filter(|_| past.is_known_by(role, value));
        let same = same.map(|before| people_of(before, role));
        let known = past.mark.and_then(|past| past.tag(role));
        DuePeople {
            own,
            before: before.map(|before| people_of(before, role)),
            same,
            is_reused: same.is_some() && !self.recollection.is_full,
            known: known.filter(|_| is_etag(reuse) && before.is_some()),
        }
    }

    /// The people of a group in one role. Where the request for them brings others that are due too, those are among
    /// the `answers` then.
    pub(super) async fn people(
        &self,
        due: &DuePeople<'_>,
        all: &[DuePeople<'_>],
        answers: &mut BroughtAnswers,
        group: &Group,
        listed: ListedGroup<'_>,
        mark: &mut GroupMark,
    ) -> Result<ListRead<Vec<Member>>, UpstreamError> {
        let list = due.own.list;
        if let Some(people) = due.same.filter(|_| due.is_reused) {
            self.counts.note_reused();
            mark.is_reused = true;
            return Ok(ListRead::reused(people.clone()));
        }
        let is_it = |(role, _): &(RelatedList, _)| *role == list.role;
        if !answers.iter().any(is_it) {
            let outer = self.outer_values((list.role, &list.list), group, listed)?;
            let brought = all
                .iter()
                .filter(|other| !other.is_reused && other.own.list.brought_by == list.brought_by);
            let is_full = self.recollection.is_full;
            let asked = AskedLists {
                lists: brought
                    .map(|due| (due.own.list.role, due.known.filter(|_| !is_full)))
                    .collect(),
                observers: &due.own.observers,
            };
            answers.extend(self.ask(asked, &group.source_id, outer).await);
        }
        let answer = answers.iter().position(is_it);
        let answer = answer.map(|place| answers.swap_remove(place).1);
        let answer = answer.unwrap_or_else(|| Err(UpstreamError::ours("a list was not read")))?;
        match answer {
            ListAnswer::Unchanged(tag) => ListRead::unchanged(due.before, tag, mark),
            ListAnswer::Rows(rows, tag, left_out) => {
                due.own.read.note(&rows, left_out);
                let told = due.before.filter(|_| is_told_same(due.known, tag.as_ref()));
                let same = due.same.or(told);
                mark.tags
                    .extend(tag.filter(|_| is_etag(list.reuse.as_ref())));
                let people = members(rows);
                let differs = same.is_some_and(|same| !self.is_same(same, &people));
                Ok(ListRead::asked(people, differs))
            }
        }
    }

    /// Whether its record says another number of members than came.
    pub(super) fn compare_count(&self, role: RelatedList, people: &[Member], group: &Group) {
        let counted = group.member_count;
        let is_other = counted.is_some_and(|counted| counted != people.len() as u64);
        if is_other && role == RelatedList::Members {
            self.counts.note_miscounted();
        }
    }

    /// Whether two lists have the same people, whatever addresses their ids have.
    fn is_same(&self, some: &[Member], others: &[Member]) -> bool {
        match self.common.users {
            Some(_) => is_same_people(&without_addresses(some), &without_addresses(others)),
            None => is_same_people(some, others),
        }
    }
}
