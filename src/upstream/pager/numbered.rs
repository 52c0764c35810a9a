//! Numbered positions: offsets and pages.
//!
//! Both check the same things in the same order: a flag, a total, signs that this page is the last.
//! They differ only in how far a page advances the position ([`Stride`]).

use std::ops::Range;

use super::context::{PageContext, WalkTotals};
use super::decision::{Decision, Flag, Reason};
use super::error::PagerError;
use super::location::{name, number};
use crate::config::upstream::{NumberedPages, OffsetPages, Total};
use crate::page::position::{Next, Position};
use crate::plan::{Absent, EmptyPage, Location, ShortPage, Step};

/// How far a page advances the position.
#[derive(Debug, Clone, Copy)]
enum Stride {
    /// The same for all pages: positions are known before the pages are read.
    Fixed(u64),
    /// As many records as the page has: one page after the other.
    Varying,
}

impl Stride {
    fn of(step: Step, limit: Option<u32>, granted: u64) -> Self {
        match step {
            Step::Granted => Self::Fixed(granted),
            Step::Received => Self::Varying,
            // The configuration requires a limit for this step.
            Step::Asked => Self::Fixed(limit.map_or(granted, u64::from)),
        }
    }
}

impl OffsetPages {
    /// Where to read on after the page at `offset`. `flag` is the flag on the page.
    pub(super) fn next<'a>(
        &'a self,
        offset: u64,
        flag: Option<Flag<'a>>,
        totals: WalkTotals,
        context: PageContext<'_>,
        max_pages: u32,
    ) -> Result<Decision<'a>, PagerError> {
        let stride = Stride::of(self.step, self.limit, totals.granted);
        let next = offset
            + match stride {
                Stride::Fixed(records) => records,
                Stride::Varying => context.records,
            };
        let one = |reason| Ok(Decision::one(Position::Offset(next), reason));
        match flag {
            Some(flag) if flag.more => return one(Reason::Flag(flag)),
            Some(flag) => return end(Reason::Flag(flag)),
            None => {}
        }
        let (total, reason) =
            match announced_total(self.total.as_ref(), self.absent, totals, context)? {
                Announced::Total(total, reason) => (total, reason),
                Announced::Nothing => {
                    return self
                        .looks_last(context)
                        .map_or_else(|| one(Reason::Open), end);
                }
                Announced::End(at) => return end(Reason::NoTotal(at)),
            };
        let read = offset.saturating_sub(self.first);
        match stride {
            Stride::Fixed(_) if total == 0 => end(reason),
            Stride::Fixed(0) => Err(PagerError::EmptyFirstPage(total)),
            Stride::Fixed(records) => {
                let pages = read / records + 1..total.div_ceil(records);
                let next = rest(pages, max_pages, |page| {
                    Position::Offset(self.first + page * records)
                });
                Ok(Decision::new(next?, reason))
            }
            Stride::Varying if read + context.records >= total => end(reason),
            Stride::Varying if context.records == 0 => nothing_received(read == 0, total),
            Stride::Varying => one(reason),
        }
    }

    fn looks_last(&self, context: PageContext<'_>) -> Option<Reason<'static>> {
        looks_last(context, self.limit, self.short_page, self.empty_page)
    }
}

impl NumberedPages {
    /// Where to read on after page number `page`. `flag` is the flag on the page.
    pub(super) fn next<'a>(
        &'a self,
        page: u64,
        flag: Option<Flag<'a>>,
        totals: WalkTotals,
        context: PageContext<'_>,
        max_pages: u32,
    ) -> Result<Decision<'a>, PagerError> {
        let one = |reason| Ok(Decision::one(Position::Page(page + 1), reason));
        match flag {
            Some(flag) if flag.more => return one(Reason::Flag(flag)),
            Some(flag) => return end(Reason::Flag(flag)),
            None => {}
        }
        let read = page.saturating_sub(self.first);
        let announced = match &self.pages {
            Some(pages) => announced(Some(pages), self.absent, context, Reason::Pages)?,
            None => announced_total(self.total.as_ref(), self.absent, totals, context)?,
        };
        let (announced, reason) = match announced {
            Announced::Total(announced, reason) => (announced, reason),
            Announced::Nothing => {
                return self
                    .looks_last(context)
                    .map_or_else(|| one(Reason::Open), end);
            }
            Announced::End(at) => return end(Reason::NoTotal(at)),
        };
        let pages = match self.stride(totals) {
            None => announced,
            Some(Stride::Fixed(_)) if announced == 0 => return end(reason),
            Some(Stride::Fixed(0)) => return Err(PagerError::EmptyFirstPage(announced)),
            Some(Stride::Fixed(records)) => announced.div_ceil(records),
            Some(Stride::Varying) if totals.received >= announced => return end(reason),
            Some(Stride::Varying) if context.records == 0 => {
                return nothing_received(read == 0, announced);
            }
            Some(Stride::Varying) => return one(reason),
        };
        let next = rest(read + 1..pages, max_pages, |page| {
            Position::Page(self.first + page)
        });
        Ok(Decision::new(next?, reason))
    }

    /// How far a page advances, if the number of pages follows from it.
    fn stride(&self, totals: WalkTotals) -> Option<Stride> {
        let step = self.step.unwrap_or_default();
        (self.pages.is_none()).then(|| Stride::of(step, self.limit, totals.granted))
    }

    fn looks_last(&self, context: PageContext<'_>) -> Option<Reason<'static>> {
        looks_last(context, self.limit, self.short_page, self.empty_page)
    }
}

/// The end, for this reason.
#[expect(
    clippy::unnecessary_wraps,
    reason = "every way out of a pager is a result"
)]
const fn end(reason: Reason<'_>) -> Result<Decision<'_>, PagerError> {
    Ok(Decision::end(reason))
}

/// What is known about the total.
enum Announced<'a> {
    /// The total, and what states it.
    Total(u64, Reason<'a>),
    /// Unknown: the walk goes on until a page looks like the last.
    Nothing,
    /// Absent, which means that this is the only page.
    End(&'a Location),
}

fn announced_total<'a>(
    total: Option<&'a Total>,
    absent: Absent,
    totals: WalkTotals,
    context: PageContext<'_>,
) -> Result<Announced<'a>, PagerError> {
    match totals.counted {
        Some(counted) => Ok(Announced::Total(counted, Reason::Counted(counted))),
        None => announced(
            total.and_then(Total::in_page),
            absent,
            context,
            Reason::Records,
        ),
    }
}

fn announced<'a>(
    location: Option<&'a Location>,
    absent: Absent,
    context: PageContext<'_>,
    reason: impl Fn(&'a Location, u64) -> Reason<'a>,
) -> Result<Announced<'a>, PagerError> {
    let Some(location) = location else {
        return Ok(Announced::Nothing);
    };
    match (number(location, context)?, absent) {
        (Some(total), _) => Ok(Announced::Total(total, reason(location, total))),
        (None, Absent::Continue) => Ok(Announced::Nothing),
        (None, Absent::End) => Ok(Announced::End(location)),
        (None, Absent::Error) => Err(PagerError::TotalAbsent(name(location))),
    }
}

/// The announced pages that were not read yet, counted from 0.
fn rest(
    pages: Range<u64>,
    max_pages: u32,
    position: impl Fn(u64) -> Position,
) -> Result<Next, PagerError> {
    if pages.is_empty() {
        return Ok(Next::End);
    }
    if pages.end > max_pages.into() {
        return Err(PagerError::TooMany(pages.end));
    }
    Ok(Next::Rest(pages.map(position).collect()))
}

/// An empty page although more records are announced. After the first page the walk ends, and the
/// total is checked.
const fn nothing_received(is_first: bool, announced: u64) -> Result<Decision<'static>, PagerError> {
    if is_first {
        return Err(PagerError::EmptyFirstPage(announced));
    }
    end(Reason::Empty)
}

/// Why a page looks like the last, if it does. Without a total, an empty page is the end unless the
/// adapter says otherwise; a short page only if it says so.
fn looks_last(
    context: PageContext<'_>,
    limit: Option<u32>,
    short_page: ShortPage,
    empty_page: EmptyPage,
) -> Option<Reason<'static>> {
    if context.records == 0 {
        return (empty_page == EmptyPage::End).then_some(Reason::Empty);
    }
    let limit = limit.filter(|&limit| context.records < limit.into())?;
    (short_page == ShortPage::End).then_some(Reason::Short(limit))
}
