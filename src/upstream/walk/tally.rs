//! The tally of a walk: what was read so far, checked against limits and totals.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use bytesize::ByteSize;
use http::header::CONTENT_RANGE;
use tokio::time::Instant;

use crate::error::{ErrorKind, UpstreamError};
use crate::group::{Group, Member};
use crate::list_memory::WalkHold;
use crate::observe::{Event, Observers};
use crate::page::ended_by::EndedBy;
use crate::page::fetched_page::FetchedPage;
use crate::page::format::excerpt;
use crate::page::mapping::Mapped;
use crate::plan::Repeat;
use crate::snapshot::Counts;
use crate::upstream::adapter::Adapter;
use crate::upstream::pager::Announcement;

use super::account::{Contradiction, PartOfList, StatedTotal, Verdict, WalkEvidence, weigh};
use super::outcome::{Interrupted, Walked};

/// How much of an id a message shows.
const ID_CHARS: usize = 60;

/// After so many pages without a group the walk ends, unless a total says that more follow: the adapter
/// is wrong, and a long list would cost its upstream hundreds of requests to show it.
const PAGES_WITHOUT_GROUPS: u64 = 20;

/// About what the place of a group takes, by its id.
const INDEXED: u64 = 80;

/// What a walk has read so far.
pub(super) struct Tally<'a> {
    adapter: &'a Arc<Adapter>,
    /// Whether the list already changed during an earlier attempt.
    is_second_attempt: bool,
    fingerprints: HashSet<u64>,
    /// Whether a page with a single record was already accepted twice.
    has_spared: bool,
    /// The total in the list, as far as pages have stated one.
    announced: Announcement,
    /// What the responses said of their place in the list.
    part: PartOfList,
    /// Whether the walk has read on beyond what was announced, which then means nothing any more.
    is_beyond: bool,
    /// The total that a request of its own returned.
    pub(super) counted: Option<u64>,
    groups: Vec<Group>,
    /// Where each group is, by its id in the source.
    ids: HashMap<String, usize>,
    counts: Counts,
    pages: u64,
    pages_with_records: u64,
    /// The number of records on the last of them.
    last_page: u64,
    records: u64,
    /// Records without nested ones: the unit of paging, totals and caps.
    pub(super) listed: u64,
    bytes: u64,
    /// The least memory that the groups take in a snapshot.
    mapped_bytes: u64,
    /// The memory that the groups are counted with.
    hold: WalkHold,
}

/// Whether a page was read before.
#[derive(PartialEq)]
pub(super) enum PageSeen {
    New,
    Repeated,
}

impl<'a> Tally<'a> {
    pub(super) fn new(adapter: &'a Arc<Adapter>, is_second_attempt: bool) -> Self {
        Self {
            adapter,
            is_second_attempt,
            fingerprints: HashSet::new(),
            has_spared: false,
            announced: Announcement::default(),
            part: PartOfList::default(),
            is_beyond: false,
            ids: HashMap::new(),
            pages_with_records: 0,
            last_page: 0,
            counted: None,
            groups: Vec::new(),
            counts: Counts::default(),
            pages: 0,
            records: 0,
            listed: 0,
            bytes: 0,
            mapped_bytes: 0,
            hold: adapter.memory.lists().walk(),
        }
    }

    /// Waits until there is memory for the groups of a page, which is to be settled before.
    pub(super) async fn make_room(
        &mut self,
        page: &FetchedPage,
        deadline: Instant,
    ) -> Result<(), UpstreamError> {
        if self.mapped_bytes + page.mapped_bytes() > self.adapter.room() {
            // It is refused when it is added.
            return Ok(());
        }
        let groups = page.outcomes().iter().flatten();
        let groups = groups.map(|mapped| mapped.group.bytes() + INDEXED);
        self.hold.grow(groups.sum(), deadline).await
    }

    /// Adds one page. One that was read before adds nothing.
    pub(super) fn add(&mut self, page: FetchedPage) -> Result<PageSeen, Interrupted> {
        self.pages += 1;
        self.bytes += page.bytes();
        self.check_limits()?;
        self.check_announcement(page.announcement())?;
        if self.check_repeat(&page) == PageSeen::Repeated {
            return Ok(PageSeen::Repeated);
        }
        self.part.note(page.status, &page.headers, page.listed());
        self.records += page.records();
        self.listed += page.listed();
        self.mapped_bytes += page.mapped_bytes();
        if page.listed() > 0 {
            self.pages_with_records += 1;
            self.last_page = page.listed();
        }
        self.check_limits()?;
        for outcome in page.into_outcomes() {
            match outcome {
                Ok(mapped) => self.add_group(mapped)?,
                Err(_) => self.counts.skipped += 1,
            }
        }
        let says_more =
            (self.total().and_then(|total| total.records)).is_some_and(|total| total > self.listed);
        if self.pages == PAGES_WITHOUT_GROUPS && !says_more {
            self.check_mapped()?;
        }
        Ok(PageSeen::New)
    }

    /// Adds one group. Of one that comes again the first is kept. If it has the same name and other
    /// people, each record may hold a part of them; another name is another group with the same id.
    fn add_group(&mut self, mapped: Mapped) -> Result<(), Interrupted> {
        let Mapped {
            group,
            unparsed_timestamps,
            unread_people: _,
        } = mapped;
        self.counts.unparsed_timestamps += unparsed_timestamps;
        let Some(&first) = self.ids.get(&group.source_id) else {
            self.ids.insert(group.source_id.clone(), self.groups.len());
            self.groups.push(group);
            return Ok(());
        };
        self.counts.repeated += 1;
        match different_people(&self.groups[first], &group) {
            None => Ok(()),
            Some(field) => Err(Interrupted::ListChanged(UpstreamError::new(
                ErrorKind::Pagination,
                format!(
                    "the group `{}` came again with other `{field}`: each record may hold a part of \
                     them, and parts are not merged (leave `fields.{field}` out, or request records \
                     that are whole)",
                    excerpt(&group.source_id, ID_CHARS)
                ),
            ))),
        }
    }

    /// Whether a page was read before, and none was before it: an upstream that ignores positions
    /// repeats one for ever.
    pub(super) fn has_seen(&self, page: &FetchedPage) -> bool {
        page.records() > 0 && !self.has_spared && self.fingerprints.contains(&page.fingerprint())
    }

    /// From now on the walk reads beyond what was announced.
    pub(super) const fn read_beyond(&mut self) {
        self.is_beyond = true;
    }

    /// The declared total, as far as it was stated.
    fn total(&self) -> Option<StatedTotal> {
        let total = self.adapter.paging().total.as_ref()?;
        let name = total.name();
        Some(StatedTotal {
            is_range: name.eq_ignore_ascii_case(CONTENT_RANGE.as_str()),
            name,
            records: self.announced.records.or(self.counted),
            trust: total.trust,
        })
    }

    /// Whether the list is whole, if this seems to be its end.
    pub(super) fn weigh(&self, ended_by: EndedBy) -> Result<Verdict, Interrupted> {
        let paging = self.adapter.paging();
        let total = self.total();
        let is_counted = total.is_some() && self.announced.records.is_none();
        let verdict = weigh(&WalkEvidence {
            ended_by,
            is_numbered: paging.is_numbered(),
            total,
            announced_pages: self.announced.pages,
            has_changed: self.counts.drifted,
            has_spared: self.has_spared,
            part: self.part.clone(),
            pages_read: self.pages,
            pages: self.pages_with_records,
            listed: self.listed,
            distinct: self.records - self.counts.repeated,
            last_page: self.last_page,
            asked: paging.limit.map(u64::from),
        });
        verdict.map_err(|contradiction| {
            // Total and list were requested at two moments, between which the list may have shrunk.
            if is_counted && matches!(contradiction, Contradiction::Fewer { .. }) {
                Interrupted::ListChanged(contradiction.into())
            } else {
                Interrupted::Failed(contradiction.into())
            }
        })
    }

    /// Whether a page was read before. A page with a single record may occur twice: that is a
    /// repeated id. If it occurs again, the upstream ignores the position.
    fn check_repeat(&mut self, page: &FetchedPage) -> PageSeen {
        if page.records() == 0 || self.fingerprints.insert(page.fingerprint()) {
            return PageSeen::New;
        }
        let is_spared = page.records() == 1
            && !self.has_spared
            && self.adapter.paging().on_repeat == Repeat::Error;
        self.has_spared |= is_spared;
        if is_spared {
            PageSeen::New
        } else {
            PageSeen::Repeated
        }
    }

    fn check_limits(&self) -> Result<(), UpstreamError> {
        let limits = self.adapter.limits();
        let cap = self.adapter.paging().cap.map(u64::from);
        let exceeded = if self.pages > limits.pages.into() {
            format!("more than {} pages (`limits.pages`)", limits.pages)
        } else if self.records > limits.groups.into() {
            format!("more than {} records (`limits.groups`)", limits.groups)
        } else if self.bytes > limits.walk_bytes.as_u64() {
            format!("more than {} (`limits.walk_bytes`)", limits.walk_bytes)
        } else if self.mapped_bytes > self.adapter.room() {
            let room = ByteSize(self.adapter.room());
            format!("its groups take more than {room}, all that snapshots may (`cache.capacity`)")
        } else if let Some(cap) = cap.filter(|&cap| self.listed >= cap) {
            format!("{cap} records, at which the upstream truncates its list (`pagination.cap`)")
        } else {
            return Ok(());
        };
        Err(UpstreamError::new(ErrorKind::LimitExceeded, exceeded))
    }

    fn check_announcement(&mut self, announcement: Announcement) -> Result<(), Interrupted> {
        if self.is_beyond {
            return Ok(());
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
        self,
        ended_by: EndedBy,
        observers: &Observers,
    ) -> Result<Walked, Interrupted> {
        self.check_mapped()?;
        observers.notify(&Event::WalkEnded {
            ended_by,
            announced: self.announced.records.or(self.counted),
            listed: self.listed,
            repeated: self.counts.repeated,
        });
        Ok(Walked {
            groups: self.groups,
            counts: self.counts,
            pages: self.pages,
            ended_by,
            hold: self.hold,
        })
    }

    /// Records of which none is a group are something else, such as an error message in place of
    /// the list: they must not replace the groups of the last walk.
    fn check_mapped(&self) -> Result<(), UpstreamError> {
        if self.records == 0 || !self.groups.is_empty() {
            return Ok(());
        }
        let records = self.records;
        Err(UpstreamError::new(
            ErrorKind::Mapping,
            format!("none of {records} records has an id and a name (`fields`)"),
        ))
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
