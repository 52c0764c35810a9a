//! One attempt to read the whole list, page after page.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use http::StatusCode;
use tokio::time::Instant;

use crate::error::{ErrorKind, UpstreamError};
use crate::observe::{Event, Observers};
use crate::page::ended_by::EndedBy;
use crate::page::fetched_page::FetchedPage;
use crate::page::format::Parents;
use crate::plan::{EmptyPage, Repeat};
use crate::upstream::adapter::Adapter;
use crate::upstream::links::LinkError;
use crate::upstream::pager::{Next, PagerError, Position, Reason, WalkTotals};

use super::account::{Doubt, Verdict};
use super::budget::WalkBudget;
use super::outcome::{Interrupted, Walked, doubt_path, is_answer, is_client_error};
use super::seen::PageSeen;
use super::tally::{FRUITLESS_PAGES, Tally};

/// One attempt to read the whole list.
pub(super) struct Attempt<'a> {
    adapter: &'a Arc<Adapter>,
    observers: &'a Observers,
    deadline: Instant,
    positions: HashSet<Position>,
    /// The number of records on the first page.
    granted: u64,
    /// The last page that was read, and its number of records.
    last: Option<(Position, u64)>,
    /// Where it was read whether positions count the parents of records: nothing new was there.
    beyond_parents: Option<Position>,
    /// What seems to be the end, once nothing names a further page.
    ended_by: EndedBy,
    /// How many pages without records came last, each of which names a next one.
    empty_in_a_row: u64,
    tally: Tally<'a>,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(
        adapter: &'a Arc<Adapter>,
        observers: &'a Observers,
        deadline: Instant,
        budget: &'a WalkBudget,
        is_second: bool,
    ) -> Box<Self> {
        Box::new(Self {
            adapter,
            observers,
            deadline,
            positions: HashSet::new(),
            granted: 0,
            last: None,
            beyond_parents: None,
            ended_by: EndedBy::WholeList,
            empty_in_a_row: 0,
            tally: Tally::new(adapter, budget, is_second),
        })
    }

    pub(super) async fn run(self: Box<Self>) -> Result<Walked, Interrupted> {
        let memory = self.tally.memory();
        let ended = self.read().await;
        if ended.is_err() {
            memory.give_back();
        }
        ended
    }

    async fn read(mut self: Box<Self>) -> Result<Walked, Interrupted> {
        self.count().await?;
        let first = self.adapter.first_page();
        self.positions.insert(first.clone());
        let page = self.fetch(first.clone()).await;
        let page = page.map_err(|error| doubt_path(self.adapter, error))?;
        let page = told(self.observers, &first, self.found(page))?;
        self.granted = page.listed();
        let mut next = self.take(page).await?;
        loop {
            next = match next {
                Next::End => match self.weigh().await? {
                    Verdict::Ended(ended_by) => {
                        return self.tally.finish(ended_by, self.observers);
                    }
                    Verdict::AskOnceMore(doubt) => Box::pin(self.ask_once_more(doubt)).await?,
                },
                Next::One(position) => self.read_one(position).await?,
                Next::Rest(positions) => self.read_rest(positions).await?,
            };
        }
    }

    /// Asks how many records there are, where that is a request of its own.
    async fn count(&mut self) -> Result<(), Interrupted> {
        let counted = self.adapter.count(self.deadline, self.observers).await?;
        if let Some(counted) = counted {
            self.observers.notify(&Event::RecordsCounted(counted));
        }
        self.tally.note_count(counted)
    }

    /// Whether the list is whole. Where it contradicts what was counted before the first page, and its end
    /// does not come from that, it is counted again: it may have changed since.
    async fn weigh(&mut self) -> Result<Verdict, Interrupted> {
        let verdict = self.tally.weigh(self.ended_by);
        let paging = self.adapter.paging();
        if verdict.is_ok() || self.tally.counted().is_none() || paging.is_numbered() {
            return verdict;
        }
        self.count().await?;
        self.tally.weigh(self.ended_by)
    }

    /// Reads the page that the one before named.
    async fn read_one(&mut self, position: Position) -> Result<Next, Interrupted> {
        if !self.positions.insert(position.clone()) {
            return self.repeat(PagerError::Loop, Interrupted::Failed);
        }
        let page = self.fetch(position).await;
        let page = page.map_err(Interrupted::after_first_page)?;
        self.take(page).await
    }

    /// Reads a page after the last one, because an announced end is not believed.
    async fn ask_once_more(&mut self, doubt: Doubt) -> Result<Next, Interrupted> {
        let position = self.further(doubt);
        let is_to_be_sure = doubt.is_only_to_be_sure();
        let is_known = if doubt == Doubt::ParentsInPosition {
            // All that comes after parents was read where it belongs.
            position.is_none()
        } else {
            is_to_be_sure && position.is_some() && position == self.beyond_parents
        };
        if is_known {
            return self.settle(doubt, doubt == Doubt::Linked);
        }
        let position = (position.filter(|position| self.positions.insert(position.clone())))
            .ok_or_else(|| PagerError::NoFurtherPage {
                doubt: doubt.to_string(),
            })?;
        self.observers.notify(&Event::NextDecided {
            next: &Next::One(position.clone()),
            reason: format_args!("{doubt}"),
        });
        self.tally.read_beyond();
        if doubt == Doubt::ParentsInPosition {
            self.beyond_parents = Some(position.clone());
        }
        let page = match self.fetch(position).await {
            Ok(page) => page,
            Err(error) if is_to_be_sure && is_client_error(&error) => {
                return self.settle(doubt, doubt == Doubt::Linked);
            }
            Err(error) if self.tally.is_settled_by(doubt, &error) => {
                return self.settle(doubt, false);
            }
            Err(mut error) => {
                if is_to_be_sure && is_answer(&error) {
                    error.detail = format!(
                        "asked once more, because {doubt}: {}; {}",
                        error.detail,
                        doubt.remedy()
                    );
                }
                return Err(Interrupted::after_first_page(error));
            }
        };
        if doubt == Doubt::ParentsInPosition {
            // What came is not counted again.
            self.observers.notify(&Event::PageRead(&page));
            return self.settle(doubt, !self.tally.has_all(&page));
        }
        let paging = self.adapter.paging();
        // Parents without records are no end, unless nothing leads over them, or nothing tells them from
        // those of any page behind the last while all that was announced has come.
        let is_no_more = |parents: Parents| {
            paging.after(&page.position, self.totals(0), 0).is_none()
                || (doubt == Doubt::ParentsInTotal && parents.fingerprint.is_none())
        };
        let is_empty =
            page.listed() == 0 && !page.is_past_end() && page.parents().is_none_or(is_no_more);
        let is_end = is_empty && !paging.says_more((&*page).into())?;
        let is_seen = is_to_be_sure && self.tally.has_seen(&page);
        if !is_end && !is_seen {
            return self.take(page).await;
        }
        self.observers.notify(&Event::PageRead(&page));
        self.tally.add(page)?;
        self.settle(doubt, doubt == Doubt::Linked && is_seen)
    }

    /// Where to read on to settle a doubt.
    fn further(&mut self, doubt: Doubt) -> Option<Position> {
        if doubt == Doubt::ParentsInPosition {
            return self.tally.after_parents(&self.positions);
        }
        let (last, records) = self.last.take()?;
        let paging = self.adapter.paging();
        paging.after(&last, self.totals(0), records)
    }

    /// The end, unless what came of a further request contradicts it.
    fn settle(&mut self, doubt: Doubt, is_contradicted: bool) -> Result<Next, Interrupted> {
        if is_contradicted && let Some(contradiction) = self.tally.unsettled(doubt, self.ended_by) {
            return Err(Interrupted::Failed(contradiction.into()));
        }
        if doubt == Doubt::ParentsInPosition {
            // What ended the walk is still to be held against everything else.
            self.tally.settle_parents();
            return Ok(Next::End);
        }
        Ok(self.end(if doubt.is_only_to_be_sure() {
            EndedBy::Confirmed
        } else {
            EndedBy::EmptyPage
        }))
    }

    /// The end, for this reason.
    const fn end(&mut self, ended_by: EndedBy) -> Next {
        self.ended_by = ended_by;
        Next::End
    }

    /// Reads the pages that an earlier one announced, several at a time, in order.
    async fn read_rest(&mut self, positions: Vec<Position>) -> Result<Next, Interrupted> {
        let (adapter, observers, deadline) = (self.adapter, self.observers, self.deadline);
        let last = positions.last().cloned();
        let room = self.tally.room(deadline);
        let mut next = Next::End;
        let mut pages = stream::iter(positions)
            .map(async |position| {
                let is_last = last.as_ref() == Some(&position);
                let page = position.clone();
                let page = adapter.fetch_in_turn(page, deadline, observers).await;
                let mut page = told(observers, &position, page)?;
                // Only the last one is looked at by the pager.
                let taken = room.take(&mut page, is_last).await?;
                Ok((page, taken))
            })
            .buffered(adapter.limits().concurrency as usize);
        while let Some((page, taken)) = pages
            .try_next()
            .await
            .map_err(Interrupted::after_first_page)?
        {
            observers.notify(&Event::PageRead(&page));
            // A list that has grown meanwhile continues after the last page that was announced.
            if last.as_ref() == Some(&page.position) {
                next = self.next(&page)?;
            }
            let (is_past_end, is_empty) = (page.is_past_end(), page.listed() == 0);
            let (seen, dropped) = self.tally.add(page)?;
            room.settle(taken, dropped);
            if seen == PageSeen::Repeated && !is_empty {
                return self.repeat(PagerError::SamePage, Interrupted::ListChanged);
            }
            if is_past_end {
                return Ok(self.end(EndedBy::PastEnd));
            }
        }
        Ok(next)
    }

    /// Adds one page to the tally, and says where to read on.
    async fn take(&mut self, mut page: Box<FetchedPage>) -> Result<Next, Interrupted> {
        self.observers.notify(&Event::PageRead(&page));
        let next = self.next(&page)?;
        let is_empty = page.listed() == 0;
        let room = self.tally.room(self.deadline);
        let taken = room.take(&mut page, false).await?;
        let (seen, dropped) = self.tally.add(page)?;
        room.settle(taken, dropped);
        match seen {
            PageSeen::New => Ok(next),
            // The same parents without records again, and nothing else says that there is more. Where no
            // record ever came, the upstream may ignore the position.
            PageSeen::Repeated if is_empty && self.tally.listed > 0 => {
                let is_open =
                    self.adapter.paging().is_numbered() && self.ended_by == EndedBy::NoNext;
                Ok(if is_open {
                    self.end(EndedBy::EmptyPage)
                } else {
                    next
                })
            }
            PageSeen::Repeated => self.repeat(PagerError::SamePage, Interrupted::Failed),
        }
    }

    /// The totals up to and including a page of so many records.
    const fn totals(&self, records: u64) -> WalkTotals {
        WalkTotals {
            granted: self.granted,
            received: self.tally.listed + records,
            counted: self.tally.counted(),
            announced: self.tally.announced(),
            is_after_empty: self.empty_in_a_row > 0,
        }
    }

    fn next(&mut self, page: &FetchedPage) -> Result<Next, PagerError> {
        let totals = self.totals(page.listed());
        let paging = self.adapter.paging();
        let decision = paging.decide(&page.position, totals, page.into());
        let decision = decision.inspect_err(|error| self.warn(error))?;
        self.observers.notify(&Event::NextDecided {
            next: &decision.next,
            reason: format_args!("{}", decision.reason),
        });
        self.note_empty(page, decision.reason)?;
        self.ended_by = decision.reason.ended_by();
        self.last = Some((page.position.clone(), page.listed()));
        Ok(decision.next)
    }

    /// The first page, unless it was not found: where people or partitions are listed, that is no empty list,
    /// whatever a rule says of further pages. That of groups may be one: its shrink guard looks after it.
    fn found(&self, page: Box<FetchedPage>) -> Result<Box<FetchedPage>, UpstreamError> {
        let is_missing = matches!(page.status, StatusCode::NOT_FOUND | StatusCode::GONE);
        let is_of_others = self.adapter.is_related() || self.adapter.related().partitions.is_some();
        if !page.is_past_end() || !is_missing || !is_of_others {
            return Ok(page);
        }
        let detail = format!(
            "status {} on the first page, which cannot be past the end (`answers`, `means = \"end\"`): \
             correct the request, or let the rule mean `ok`, with `records.absent = \"empty\"`, if an empty list \
             answers so",
            page.status.as_u16()
        );
        Err(UpstreamError::new(ErrorKind::HttpStatus, detail).with_status(page.status))
    }

    /// Pages without records that each name a next one may have no end.
    fn note_empty(&mut self, page: &FetchedPage, reason: Reason<'_>) -> Result<(), PagerError> {
        let is_empty = page.listed() == 0 && page.parents().is_none();
        let is_named = is_empty && matches!(reason, Reason::Named(_));
        self.empty_in_a_row = if is_named { self.empty_in_a_row + 1 } else { 0 };
        let is_bounded = self.adapter.paging().empty_page == EmptyPage::Few;
        if is_bounded && self.empty_in_a_row == FRUITLESS_PAGES {
            return Err(PagerError::EmptyPages(FRUITLESS_PAGES));
        }
        Ok(())
    }

    /// An upstream that links to another origin may be compromised.
    fn warn(&self, error: &PagerError) {
        if let PagerError::Url(LinkError::Foreign { origin, .. }) = error {
            let source = &**self.adapter.name();
            let origin = self.adapter.masks.text(origin);
            tracing::warn!(source, origin, "refused a URL of another origin");
        }
    }

    /// What a repeat means: the end if the adapter declares it, or that the walk is `interrupted`.
    fn repeat(
        &mut self,
        what: PagerError,
        interrupted: impl Fn(UpstreamError) -> Interrupted,
    ) -> Result<Next, Interrupted> {
        let is_end = self.adapter.paging().on_repeat == Repeat::End;
        self.observers.notify(&Event::Repeated {
            what: format_args!("{what}"),
            is_end,
        });
        if is_end {
            return Ok(self.end(EndedBy::Repeat));
        }
        Err(interrupted(what.into()))
    }

    async fn fetch(&self, position: Position) -> Result<Box<FetchedPage>, UpstreamError> {
        let (observers, page) = (self.observers, position.clone());
        let page = (self.adapter.fetch_page(page, self.deadline, observers)).await;
        told(observers, &position, page)
    }
}

/// Tells observers if the page at `position` could not be read.
fn told(
    observers: &Observers,
    position: &Position,
    page: Result<Box<FetchedPage>, UpstreamError>,
) -> Result<Box<FetchedPage>, UpstreamError> {
    page.inspect_err(|error| observers.notify(&Event::PageFailed { position, error }))
}
