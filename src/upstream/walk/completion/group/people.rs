//! The people of a group, each role from a list of its own.

use crate::error::UpstreamError;
use crate::group::{Group, Member};
use crate::observe::Observers;
use crate::plan::{MemberList, RelatedList, ReuseMarker, ReuseRule};
use crate::upstream::walk::marks::GroupMark;

use super::super::people::{is_same_people, members, people_of};
use super::super::people_read::{PeopleDoubt, PeopleRead};
use super::super::users::without_addresses;
use super::{GroupCompletion, ListAnswer, ListRead, ListedGroup, PastGroup, is_etag, is_told_same};

/// The lists of people in one role.
pub(super) struct PeopleInRole<'a> {
    pub(super) list: &'a MemberList,
    /// Who is told of what happens in them.
    observers: Observers,
    /// What came of all of them.
    read: PeopleRead,
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
        let doubts = self.read.doubts(self.list).into_iter();
        doubts.map(|doubt| (self.list.role, doubt))
    }
}

impl GroupCompletion<'_> {
    /// The people of a group in one role.
    pub(super) async fn people(
        &self,
        own: &PeopleInRole<'_>,
        group: &Group,
        listed: ListedGroup<'_>,
        past: &PastGroup<'_>,
        mark: &mut GroupMark,
    ) -> Result<ListRead<Vec<Member>>, UpstreamError> {
        let PeopleInRole {
            list,
            observers,
            read,
        } = own;
        let before = past.group.as_ref();
        let is_full = self.recollection.is_full;
        let marker = list.reuse.as_ref().map(|rule| &rule.while_same);
        let path = marker.and_then(ReuseMarker::path);
        let value = path.and_then(|path| self.value_at(path, listed));
        mark.values.extend(value.map(|value| (list.role, value)));
        if list.reuse.as_ref().is_some_and(ReuseRule::is_by_record) {
            let has_marker = value.is_some() || (path.is_none() && group.updated_at.is_some());
            self.counts.markers.note(list.role, has_marker);
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
            self.counts.note_reused();
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
    pub(super) fn compare_count(&self, role: RelatedList, people: &[Member], group: &Group) {
        let counted = group.member_count.filter(|_| self.is_counted);
        let is_other = counted.is_some_and(|counted| counted != people.len() as u64);
        if is_other && role == RelatedList::Members {
            self.counts.note_miscounted();
        }
    }

    /// Whether two lists have the same people, whatever addresses their ids have.
    fn is_same(&self, some: &[Member], others: &[Member]) -> bool {
        match self.users {
            Some(_) => is_same_people(&without_addresses(some), &without_addresses(others)),
            None => is_same_people(some, others),
        }
    }
}
