//! The tally of a walk: what was read so far, checked against limits and totals.

use std::collections::HashSet;
use std::sync::Arc;

use bytesize::ByteSize;

use crate::error::{ErrorKind, UpstreamError};
use crate::group::Group;
use crate::observe::{Event, Observers};
use crate::page::fetched_page::FetchedPage;
use crate::plan::Repeat;
use crate::snapshot::Counts;
use crate::upstream::adapter::Adapter;
use crate::upstream::pager::{Announcement, PagerError};

use super::outcome::{Interrupted, Walked};

/// After so many pages without a group the walk ends: the adapter is wrong, and a long list would
/// cost its upstream hundreds of requests to show it.
const PAGES_WITHOUT_GROUPS: u64 = 3;

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
    /// The total that a request of its own returned.
    pub(super) counted: Option<u64>,
    groups: Vec<Group>,
    counts: Counts,
    pages: u64,
    records: u64,
    /// Records without nested ones: the unit of paging, totals and caps.
    pub(super) listed: u64,
    bytes: u64,
    /// The least memory that the groups take in a snapshot.
    mapped_bytes: u64,
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
            counted: None,
            groups: Vec::new(),
            counts: Counts::default(),
            pages: 0,
            records: 0,
            listed: 0,
            bytes: 0,
            mapped_bytes: 0,
        }
    }

    /// Adds one page.
    pub(super) fn add(&mut self, page: FetchedPage) -> Result<PageSeen, Interrupted> {
        self.pages += 1;
        self.records += page.records();
        self.listed += page.listed();
        self.bytes += page.bytes();
        self.mapped_bytes += page.mapped_bytes();
        self.check_limits()?;
        self.check_announcement(page.announcement())?;
        let seen = self.check_repeat(&page);
        for outcome in page.into_outcomes() {
            match outcome {
                Ok(mapped) => {
                    self.counts.unparsed_timestamps += mapped.unparsed_timestamps;
                    self.groups.push(mapped.group);
                }
                Err(_) => self.counts.skipped += 1,
            }
        }
        if self.pages == PAGES_WITHOUT_GROUPS {
            self.check_mapped()?;
        }
        Ok(seen)
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
        let has_changed = !self.announced.agrees(announcement);
        if has_changed && !self.is_second_attempt {
            return Err(Interrupted::ListChanged(UpstreamError::new(
                ErrorKind::Pagination,
                "the announced total changed during the walk",
            )));
        }
        self.counts.drifted |= has_changed;
        self.announced = self.announced.least(announcement);
        Ok(())
    }

    /// The whole list, if it holds what was announced.
    pub(super) fn finish(mut self, observers: &Observers) -> Result<Walked, Interrupted> {
        let before = self.groups.len();
        let mut ids = HashSet::with_capacity(before);
        self.groups
            .retain(|group| ids.insert(group.source_id.clone()));
        self.counts.repeated = (before - self.groups.len()) as u64;
        self.check_mapped()?;
        self.check_total(observers)?;
        Ok(Walked {
            groups: self.groups,
            counts: self.counts,
            pages: self.pages,
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

    /// Compares the list with the announced total.
    fn check_total(&mut self, observers: &Observers) -> Result<(), Interrupted> {
        let paged = self.announced.records;
        let announced = paged.or(self.counted);
        observers.notify(&Event::TotalChecked {
            announced,
            listed: self.listed,
            repeated: self.counts.repeated,
        });
        let Some(announced) = announced else {
            return Ok(());
        };
        let short = |received| {
            UpstreamError::from(PagerError::Short {
                announced,
                received,
            })
        };
        if self.listed < announced {
            return Err(match paged {
                Some(_) => Interrupted::Failed(short(self.listed)),
                // Total and list were requested at two moments, between which the list may have
                // shrunk.
                None => Interrupted::ListChanged(short(self.listed)),
            });
        }
        // A repeated record may be in the place of one that moved and was missed.
        let distinct = self.records - self.counts.repeated;
        if distinct < announced {
            if !self.is_second_attempt {
                return Err(Interrupted::ListChanged(short(distinct)));
            }
            self.counts.drifted = true;
        }
        Ok(())
    }
}
