//! Walks that ask only for what has changed since the one before: what they ask, and what becomes of the list.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::error::{ErrorKind, UpstreamError};
use crate::plan::placeholder::Piece;
use crate::plan::{Incremental, SinceRule, UniqueIds};
use crate::snapshot::{GroupPage, PageRowRef, PagedGroups, Snapshot};
use crate::upstream::adapter::Adapter;
use crate::upstream::asked_since::AskedSince;
use crate::upstream::outer_values::OuterValues;
use crate::upstream::pushdown::text_after;

use super::WalkContext;
use super::gone_groups::GoneGroup;
use super::known::{PastTimes, PastWalks};
use super::outcome::Walked;
use super::partition_set::PartitionSet;

impl PastWalks {
    /// How a walk that begins now says since when it asks for changes. `None`: it asks for everything, for that is
    /// due, or there is nothing that changes could be laid over.
    pub(super) fn since(&self, adapter: &Adapter) -> Option<AskedSince> {
        let rule = adapter.incremental()?;
        let times = self.times.as_ref().filter(|_| self.snapshot.is_some())?;
        let full = adapter.related().full();
        let are_people_due = full.is_some() && self.recollect(full).is_full;
        let are_forgotten = self.gone > 0 && self.gone_groups().is_empty();
        if are_people_due || are_forgotten || times.is_full_due(self.now, rule.full.get()) {
            return None;
        }
        match &rule.since {
            SinceRule::Link(_) => times.link.clone().map(AskedSince::Link),
            SinceRule::Time { text, time } => {
                let moment = times.changes_from(rule);
                let after = text_after(time, moment.into())?;
                let pieces = text.iter().map(|piece| match piece {
                    Piece::Literal(text) => text.as_str(),
                    Piece::Placeholder(_) => &after,
                });
                Some(AskedSince::Text(pieces.collect()))
            }
        }
    }

    /// The groups that the list lacks because they were gone. Nothing is known of them after a restart.
    fn gone_groups(&self) -> &[GoneGroup] {
        self.marks.as_ref().map_or(&[], |marks| &marks.gone)
    }

    /// Adds those that were gone and are not among the `listed` ones to what a walk for changes has listed, so that
    /// they are asked for again, and says how many there are.
    pub(super) fn list_gone(
        &self,
        adapter: &Adapter,
        listed: &HashSet<Box<str>>,
        groups: &mut PagedGroups,
        origins: &mut Vec<OuterValues>,
    ) -> Result<u64, UpstreamError> {
        let gone = self.gone_groups().iter();
        let mut again = 0;
        for group in gone.filter(|group| !listed.contains(group.id())) {
            let (page, around) = group.listed_again(adapter.name())?;
            groups.push(page);
            origins.push(around);
            again += 1;
        }
        Ok(again)
    }

    /// Whether the list that is served was read for the partitions that a walk has read.
    pub(super) fn is_of_partitions(&self, walked: &Walked) -> bool {
        let times = self.times.as_ref();
        times.is_none_or(|times| times.partitions == walked.partitions)
    }
}

impl PastTimes {
    /// A clock that was set back says nothing of how long ago something was, so that everything is due as well: what
    /// changes before that time comes again would be none of what is asked for.
    fn is_full_due(&self, now: Timestamp, full: Duration) -> bool {
        let since = Duration::try_from(now.duration_since(self.full_at));
        now < self.as_of || since.map_or(true, |since| since >= full)
    }

    /// The time from which on changes are asked for.
    fn changes_from(&self, rule: &Incremental) -> Timestamp {
        let overlap = jiff::SignedDuration::try_from(rule.overlap.get()).unwrap_or_default();
        self.as_of.checked_sub(overlap).unwrap_or(Timestamp::MIN)
    }

    /// Whether the list was kept up by walks for changes.
    fn is_kept_up(&self) -> bool {
        self.as_of > self.full_at
    }
}

/// The ids of all groups that were listed, deleted ones among them.
pub(super) fn listed_ids(groups: &PagedGroups) -> HashSet<Box<str>> {
    let rows = groups.pages().iter().flat_map(GroupPage::rows);
    rows.map(|row| row.source_id().into()).collect()
}

/// Whether a record of one of several partitions says that a group of the list is deleted, and no record that it is
/// there: it may still be in another partition, where nothing of it has changed.
pub(super) fn may_be_elsewhere(adapter: &Adapter, changes: &Walked, past: &PastWalks) -> bool {
    let partitions = adapter.related().partitions.as_ref();
    let are_shared = partitions.is_some_and(|partitions| partitions.ids == UniqueIds::Global);
    let are_several = (changes.partitions.as_ref()).is_some_and(PartitionSet::are_several);
    let Some(list) = past.snapshot.as_ref().filter(|_| are_shared && are_several) else {
        return false;
    };
    let rows = || changes.groups.pages().iter().flat_map(GroupPage::rows);
    let there = rows().filter(|row| !row.is_repeated());
    let there: HashSet<&str> = there.map(PageRowRef::id).collect();
    let is_known = |row: PageRowRef<'_>| {
        let mut gone = past.gone_groups().iter();
        list.find(row.id()).is_some() || gone.any(|gone| gone.id() == row.source_id())
    };
    rows().any(|row| !there.contains(row.id()) && is_known(row))
}

/// Lays what a walk for changes brought over the `list` that is there. `listed` are the ids of all groups of which it
/// brought something.
pub(super) async fn lay_over(
    context: WalkContext<'_>,
    changes: Walked,
    listed: &HashSet<Box<str>>,
    list: &Snapshot,
) -> Result<Walked, UpstreamError> {
    let limits = context.adapter.limits();
    let laid = changes.groups.len() as u64;
    let own = list.source().len() + 1;
    let rows = list.rows().enumerate();
    let stay = rows.filter(|(_, row)| !listed.contains(row.id().get(own..).unwrap_or_default()));
    let places: Vec<usize> = stay.map(|(place, _)| place).collect();
    let removed = (list.len() - places.len()) as u64;
    let groups = places.len() as u64 + laid;
    if groups > limits.groups.into() {
        let detail = format!(
            "more than {} groups with those that stay (`limits.groups`)",
            limits.groups
        );
        return Err(UpstreamError::of_no_answer(
            ErrorKind::LimitExceeded,
            detail,
        ));
    }
    let mut walked = Walked {
        is_of_changes: true,
        keeps_list: listed.is_empty() && laid == 0,
        ..changes
    };
    walked.counts.changed = Some(laid);
    // A group that was replaced has been removed and come back.
    walked.counts.removed = removed.saturating_sub(count_in(&walked.groups, list));
    if walked.keeps_list {
        return Ok(walked);
    }
    let stay = list.page_of(places.into_iter(), &[]);
    let stay = stay.ok_or_else(|| UpstreamError::ours("the list lacks a group that it has"))?;
    walked.hold.grow(stay.bytes(), context.deadline).await?;
    let mut pages = vec![stay];
    pages.extend(std::mem::take(&mut walked.groups).into_pages());
    walked.groups = pages.into();
    Ok(walked)
}

/// How many of these groups a list has.
fn count_in(groups: &PagedGroups, list: &Snapshot) -> u64 {
    let rows = groups.pages().iter().flat_map(GroupPage::rows);
    let rows = rows.filter(|row| !row.is_repeated() && list.find(row.id()).is_some());
    rows.count() as u64
}

/// In how many groups a walk for everything differs from a list that was kept up by walks for changes, where those
/// should have brought what differs: it is older than what the next of them would have asked for, or of unknown age.
/// A group that is missing counts, whenever it was deleted. Groups that are marked as deleted need not be in either.
pub(super) fn differing(adapter: &Adapter, past: &PastWalks, groups: &PagedGroups) -> u64 {
    let (Some(rule), Some(times), Some(list)) =
        (adapter.incremental(), &past.times, &past.snapshot)
    else {
        return 0;
    };
    if !times.is_kept_up() {
        return 0;
    }
    let from = times.changes_from(rule).into();
    let mut found = 0;
    let mut differing = 0;
    let rows = groups.pages().iter().flat_map(GroupPage::rows);
    for row in rows.filter(|row| !row.is_repeated()) {
        let before = list.find(row.id()).map(|place| list.row(place));
        found += u64::from(before.is_some_and(|before| !before.is_deleted()));
        let is_same = before.is_some_and(|before| before.packed() == row.packed());
        let is_new = row.updated_at().is_some_and(|updated| updated >= from);
        let is_beside = before.is_none() && row.is_deleted();
        differing += u64::from(!is_same && !is_new && !is_beside);
    }
    let there = list.rows().filter(|row| !row.is_deleted()).count() as u64;
    let differing = differing + there.saturating_sub(found);
    if differing > 0 {
        tracing::warn!(
            source = %adapter.name(),
            differing,
            "a walk for everything differs from the list that walks for changes had kept up"
        );
    }
    differing
}

#[cfg(test)]
mod tests;
