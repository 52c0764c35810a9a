//! The tally of a walk: what was read so far, checked against limits and totals.

mod bounds;
mod parents;
mod surplus;

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use http::HeaderValue;
use http::header::{CONTENT_RANGE, ETAG};
use tokio::time::Instant;

use crate::error::{ErrorKind, UpstreamError};
use crate::observe::{Event, Observers};
use crate::page::ended_by::EndedBy;
use crate::page::fetched_page::FetchedPage;
use crate::page::sole_header::certain_header;
use crate::snapshot::Counts;
use crate::upstream::adapter::Adapter;
use crate::upstream::pager::{Announcement, Position};

use super::account::{
    Contradiction, Doubt, PartOfList, StatedTotal, Verdict, WalkEvidence, unsettled, weigh,
};
use super::brought::BroughtLists;
use super::budget::{ListSpending, SpentOn, WalkBudget};
use super::distinct::DistinctGroups;
use super::distinct_rows::DistinctRows;
use super::outcome::{Interrupted, Walked, is_any_refusal};
use super::records_read::count_skips;
use super::remembered::{PageMemo, RememberedPages};
use super::room::{AttemptMemory, GroupRoom, collected_bytes};
use super::seen::{PageSeen, SeenPages};
use parents::SeenParents;

/// After so many pages without a group the walk ends, unless a total says that more follow: the adapter
/// is wrong, and a long list would cost its upstream hundreds of requests to show it. So it does after as
/// many without records in a row that each name a next one.
pub(super) const FRUITLESS_PAGES: u64 = 20;

/// Which part of the room for its list what is remembered of its pages may take.
const REMEMBERED_PART: u64 = 8;

/// What a walk has read so far.
pub(super) struct Tally<'a> {
    adapter: &'a Arc<Adapter>,
    /// What it takes of what all lists of the walk may.
    spending: ListSpending<'a>,
    /// Whether the list already changed during an earlier attempt.
    is_second_attempt: bool,
    seen_pages: SeenPages,
    /// The records that are no groups.
    skipped: HashSet<u64>,
    /// What the first of them is, in a sentence.
    first_skipped: Option<String>,
    /// How much there is in the list, as far as it was stated.
    announced: Announcement,
    /// From the least to the greatest number of records that was stated.
    seen: Option<RangeInclusive<u64>>,
    /// What the responses said of their place in the list.
    part: PartOfList,
    /// Whether the walk has read on beyond what was announced, which then means nothing any more.
    is_beyond: bool,
    /// The total that a request of its own returned.
    counted: Option<u64>,
    /// Whether a record is of another kind, by what it says of itself.
    has_marked: bool,
    groups: DistinctGroups,
    rows: DistinctRows,
    /// What pages bring of other lists.
    brought: BroughtLists,
    counts: Counts,
    pages: u64,
    pages_with_records: u64,
    /// The number of records on the first of them.
    first_page: u64,
    /// The number of records on the last of them.
    last_page: u64,
    parents: SeenParents,
    /// Records without nested ones: the unit of paging, totals and caps.
    pub(super) listed: u64,
    /// Those of them whose group came before.
    repeated: u64,
    /// The entity tag of the first page, where that matters.
    etag: Option<HeaderValue>,
    /// The memory that the groups are counted with.
    memory: AttemptMemory,
    remembered: RememberedPages,
}

impl<'a> Tally<'a> {
    pub(super) fn new(
        adapter: &'a Arc<Adapter>,
        budget: &'a WalkBudget,
        is_second_attempt: bool,
    ) -> Self {
        Self {
            adapter,
            spending: ListSpending::new(budget, SpentOn::of(adapter)),
            is_second_attempt,
            seen_pages: SeenPages::default(),
            announced: Announcement::default(),
            seen: None,
            part: PartOfList::default(),
            is_beyond: false,
            pages_with_records: 0,
            first_page: 0,
            last_page: 0,
            parents: SeenParents::default(),
            skipped: HashSet::new(),
            first_skipped: None,
            repeated: 0,
            counted: None,
            has_marked: false,
            groups: DistinctGroups::new(adapter.keeps_last()),
            rows: DistinctRows::default(),
            brought: BroughtLists::new(adapter.brings()),
            counts: Counts::default(),
            pages: 0,
            listed: 0,
            etag: None,
            memory: AttemptMemory::new(
                (budget.hold()).unwrap_or_else(|| adapter.memory.lists().walk()),
            ),
            remembered: RememberedPages::default(),
        }
    }

    /// What it has taken of the memory of the walk.
    pub(super) fn memory(&self) -> AttemptMemory {
        self.memory.clone()
    }

    /// The room for the groups of further pages.
    pub(super) fn room(&self, deadline: Instant) -> GroupRoom {
        let taken = self.spending.mapped_bytes_of_all();
        let left = self.adapter.room().saturating_sub(taken);
        GroupRoom::new(self.memory.clone(), left, deadline)
    }

    /// Adds one page, and says how much memory of it was dropped, since it came before. One that was read before adds
    /// nothing.
    pub(super) fn add(
        &mut self,
        mut page: Box<FetchedPage>,
    ) -> Result<(PageSeen, u64), Interrupted> {
        self.pages += 1;
        self.spending.add_page(page.bytes());
        self.check_limits()?;
        let stated = page.announcement();
        self.check_announcement(if page.is_past_end() {
            stated.past_end(self.announced)
        } else {
            stated
        })?;
        let on_repeat = self.adapter.paging().on_repeat;
        if self.seen_pages.note(&page, on_repeat) == PageSeen::Repeated {
            return Ok((PageSeen::Repeated, collected_bytes(page.mapped())));
        }
        if self.pages == 1 && self.adapter.is_related() {
            self.etag = certain_header(&page.headers, ETAG).cloned();
        }
        self.part.note(&page);
        self.brought.note(&page);
        self.parents.note(&page, self.adapter.paging());
        let (records, mapped_bytes) = (page.records(), page.mapped_bytes());
        self.spending.add_records(records, mapped_bytes);
        self.listed += page.listed();
        if page.listed() > 0 {
            self.pages_with_records += 1;
            self.last_page = page.listed();
            if self.pages_with_records == 1 {
                self.first_page = page.listed();
            }
        }
        self.check_limits()?;
        self.skipped.extend(&page.skipped);
        self.first_skipped = self.first_skipped.take().or(page.first_skipped.take());
        let is_related = self.adapter.is_related();
        self.has_marked |= count_skips(&mut self.counts, &page.mapped().skipped, is_related);
        self.counts.left_out += page.mapped().left_out;
        self.has_marked |= page.mapped().left_out > 0;
        self.counts.unparsed_timestamps += page.mapped().unparsed_timestamps;
        self.counts.unread_people += page.mapped().unread_people;
        self.counts.unmarked_people += page.mapped().unmarked_people;
        let memo = PageMemo::of(&mut page);
        let mapped = page.into_mapped();
        let repeated_rows = self.rows.add(mapped.rows);
        let repeated_brought = (self.brought).add(mapped.brought, self.adapter.limits());
        let dropped = repeated_rows.bytes + repeated_brought.bytes;
        self.spending.drop_rows(dropped);
        let repeated = self.groups.add(mapped.groups, self.pages);
        let repeated = repeated.map_err(Interrupted::ListChanged)?;
        let most = self.adapter.room() / REMEMBERED_PART;
        self.remembered.note(memo, repeated.all > 0, most);
        self.counts.repeated += repeated.all + repeated_rows.count;
        // What came twice for any of the lists says that others may be missing in all of them.
        self.repeated += repeated.listed + repeated_rows.count.max(repeated_brought.count);
        let says_more =
            (self.total().and_then(|total| total.records)).is_some_and(|total| total > self.listed);
        if self.pages == FRUITLESS_PAGES && !says_more {
            self.check_mapped()?;
        }
        Ok((PageSeen::New, dropped))
    }

    /// Whether a page was read before, and none was before it.
    pub(super) fn has_seen(&self, page: &FetchedPage) -> bool {
        self.seen_pages.contains(page)
    }

    /// Whether all records of a page came before.
    pub(super) fn has_all(&self, page: &FetchedPage) -> bool {
        let mut rows = page.mapped().groups.rows();
        let mut others = page.mapped().rows.iter();
        let mut skipped = page.skipped.iter();
        others.all(|row| self.rows.contains(row))
            && rows.all(|row| self.groups.contains(row))
            && skipped.all(|record| self.skipped.contains(record))
            && self.brought.have_all(&page.mapped().brought)
    }

    /// Where a page would be that begins after the parents on an earlier one, if they were counted, and
    /// that was not read.
    pub(super) fn after_parents(&self, read: &HashSet<Position>) -> Option<Position> {
        self.parents.position_after(self.adapter.paging(), read)
    }

    /// From now on it is known that positions do not count parents.
    pub(super) const fn settle_parents(&mut self) {
        self.parents.settle();
    }

    /// Whether this error confirms the end that is doubted. A page shorter than asked whose total equals
    /// it seldom has another after it, so that any refusal does.
    pub(super) fn is_settled_by(&self, doubt: Doubt, error: &UpstreamError) -> bool {
        let asked = self.adapter.paging().limit.map(u64::from);
        let is_short = asked.is_some_and(|asked| self.last_page < asked);
        doubt == Doubt::OwnLength && is_short && is_any_refusal(error)
    }

    /// What a doubt comes to that a further request has not settled.
    pub(super) fn unsettled(&self, doubt: Doubt, ended_by: EndedBy) -> Option<Contradiction> {
        unsettled(&self.evidence(ended_by), doubt)
    }

    /// From now on the walk reads beyond what was announced.
    pub(super) const fn read_beyond(&mut self) {
        self.is_beyond = true;
    }

    /// The declared total, as far as it was stated.
    fn total(&self) -> Option<StatedTotal> {
        let paging = self.adapter.paging();
        let total = paging.total.as_ref()?;
        let records = self.announced.records;
        // An answer to a filter may lack what wraps the pages of the whole list.
        if records.is_none() && paging.is_only_page() {
            return None;
        }
        let name = total.name();
        Some(StatedTotal {
            is_range: name.eq_ignore_ascii_case(CONTENT_RANGE.as_str()),
            name,
            records,
            seen: self.seen.clone(),
            trust: total.trust,
        })
    }

    /// Whether the list is whole, if this seems to be its end.
    pub(super) fn weigh(&mut self, ended_by: EndedBy) -> Result<Verdict, Interrupted> {
        let paging = self.adapter.paging();
        let evidence = self.evidence(ended_by);
        let verdict = weigh(&evidence);
        if matches!(verdict, Ok(Verdict::Ended(_))) {
            self.brought.weigh(&evidence);
        }
        verdict.map_err(|contradiction| {
            // Total and list were requested at two moments, between which the list may have shrunk.
            let has_shrunk =
                paging.has_count() && matches!(contradiction, Contradiction::Fewer { .. });
            let mut error = UpstreamError::from(contradiction);
            if paging.is_only_page() {
                error.detail +=
                    "; answers to filters are read as one page (`pushdown.paged = false`)";
            }
            if has_shrunk {
                Interrupted::ListChanged(error)
            } else {
                Interrupted::Failed(error)
            }
        })
    }

    fn evidence(&self, ended_by: EndedBy) -> WalkEvidence {
        let paging = self.adapter.paging();
        WalkEvidence {
            ended_by,
            is_numbered: paging.is_numbered(),
            total: self.total(),
            announced_pages: self.announced.pages,
            has_changed: self.counts.drifted,
            has_spared: self.seen_pages.has_spared,
            has_parents: self.parents.has_any,
            parents: self.parents.unsettled(),
            part: self.part.clone(),
            pages_read: self.pages,
            pages: self.pages_with_records,
            listed: self.listed,
            distinct: self.listed.saturating_sub(self.repeated),
            first_page: self.first_page,
            last_page: self.last_page,
            is_short: paging.is_short(self.last_page),
            asked: paging.limit.map(u64::from),
        }
    }

    /// The number of records that was stated last.
    pub(super) const fn announced(&self) -> Option<u64> {
        self.announced.records
    }

    /// What a request of its own returned as the number of records.
    pub(super) const fn counted(&self) -> Option<u64> {
        self.counted
    }

    /// Takes note of what a request of its own returned as the number of records.
    pub(super) fn note_count(&mut self, counted: Option<u64>) -> Result<(), Interrupted> {
        self.counted = counted;
        self.check_announcement(Announcement {
            records: counted,
            pages: None,
        })
    }

    fn check_announcement(&mut self, announcement: Announcement) -> Result<(), Interrupted> {
        if self.is_beyond {
            return Ok(());
        }
        if let Some(records) = announcement.records {
            let (least, most) = (self.seen.take()).map_or((records, records), |seen| {
                (records.min(*seen.start()), records.max(*seen.end()))
            });
            self.seen = Some(least..=most);
        }
        let has_changed = !self.adapter.paging().is_hint() && !self.announced.agrees(announcement);
        if has_changed && !self.is_second_attempt {
            return Err(Interrupted::ListChanged(UpstreamError::new(
                ErrorKind::Pagination,
                "the announced total changed during the walk",
            )));
        }
        self.counts.drifted |= has_changed;
        self.announced = announcement.or(self.announced);
        Ok(())
    }

    /// The whole list.
    pub(super) fn finish(
        mut self,
        ended_by: EndedBy,
        observers: &Observers,
    ) -> Result<Walked, Interrupted> {
        self.check_mapped()?;
        self.tell_surplus(ended_by);
        let brought = self.brought.finish(self.adapter.related());
        // A list that its pages bring too may not be whole, and then the walk fails.
        if brought.iter().all(|list| list.read.is_ok()) {
            observers.notify(&Event::WalkEnded {
                ended_by,
                announced: self.announced.records,
                listed: self.listed,
                repeated: self.counts.repeated,
            });
        }
        self.spending.finish();
        Ok(Walked {
            groups: self.groups.into_groups(),
            counts: self.counts,
            pages: self.pages,
            ended_by,
            hold: self.memory.into_hold(),
            remembered: self.remembered,
            is_of_changes: false,
            keeps_list: false,
            partitions: None,
            marks: None,
            oldest: None,
            rows: self.rows.into_rows(),
            brought,
            etag: self.etag,
            first_page: self.first_page,
            records: self.spending.records,
        })
    }
}
