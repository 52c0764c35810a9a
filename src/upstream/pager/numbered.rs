//! Numbered positions: offsets and pages.
//!
//! Both check the same things in the same order: a flag, a total, signs that this page is the last.
//! They differ only in how far a page advances the position ([`Advance`]).

use std::ops::Range;

use super::context::{PageContext, WalkTotals};
use super::decision::{Decision, Flag, Reason};
use super::error::PagerError;
use super::location::{name, number};
use crate::page::position::{Next, Position};
use crate::plan::{Absent, EmptyPage, Location, NumberedPages, OffsetPages, Paging, Stride, Trust};

/// How far a page advances the position.
#[derive(Debug, Clone, Copy)]
enum Advance {
    /// The same for all pages: positions are known before the pages are read.
    Fixed(u64),
    /// As many records as the page has: one page after the other.
    Varying,
}

/// How far a page with so many records advances an offset.
pub(super) fn step(stride: Stride, totals: WalkTotals, records: u64) -> u64 {
    match Advance::of(stride, totals) {
        Advance::Fixed(fixed) => fixed,
        Advance::Varying => records,
    }
}

impl Advance {
    fn of(stride: Stride, totals: WalkTotals) -> Self {
        match stride {
            Stride::FirstPage => Self::Fixed(totals.granted),
            Stride::EachPage => Self::Varying,
            Stride::Fixed(records) => Self::Fixed(records.into()),
        }
    }
}

impl Paging {
    /// Where to read on after the page at `offset`. `flag` is the flag on the page.
    ///
    /// Where records stand under several parents, a step by records is right only if the upstream
    /// counts records. `step = "received"` declares that, which is never set unless it is written. An exact
    /// total shows it in the end; without either it would be a guess.
    pub(super) fn next_offset<'a>(
        &'a self,
        style: &'a OffsetPages,
        offset: u64,
        flag: Option<Flag<'a>>,
        totals: WalkTotals,
        context: PageContext<'_>,
    ) -> Result<Decision<'a>, PagerError> {
        let decision = self.step_offset(style, offset, flag, totals, context)?;
        let is_guess = style.stride == Stride::FirstPage;
        let is_stepped = decision.next != Next::End || decision.reason == Reason::Empty;
        match context.parents.filter(|_| is_guess && is_stepped) {
            Some(parents) if self.exact_total(totals, context)?.is_none() => {
                Err(PagerError::SeveralParents {
                    records: context.records,
                    parents: parents.count,
                })
            }
            Some(_) | None => Ok(decision),
        }
    }

    /// The total, if there is one that is exact.
    fn exact_total(
        &self,
        totals: WalkTotals,
        context: PageContext<'_>,
    ) -> Result<Option<u64>, PagerError> {
        let total = self
            .total
            .as_ref()
            .filter(|total| total.trust == Trust::Exact);
        match total.and_then(|total| total.in_page()) {
            Some(at) => number(at, context),
            None => Ok(total.and(totals.counted)),
        }
    }

    fn step_offset<'a>(
        &'a self,
        style: &'a OffsetPages,
        offset: u64,
        flag: Option<Flag<'a>>,
        totals: WalkTotals,
        context: PageContext<'_>,
    ) -> Result<Decision<'a>, PagerError> {
        let advance = Advance::of(style.stride, totals);
        let next = offset + step(style.stride, totals, context.records);
        let one = |reason| Ok(Decision::one(Position::Offset(next), reason));
        if let Some((hint, reason)) = self.hint(totals, context)? {
            let read = offset.saturating_sub(style.first);
            let fixed = match advance {
                // A first page that shows nothing says nothing of how long pages are.
                Advance::Fixed(0) => self.limit.map(u64::from),
                Advance::Fixed(records) => Some(records),
                Advance::Varying => None,
            };
            if let Some(records) = fixed {
                let pages = read / records + 1..hint.div_ceil(records);
                let rest = rest(pages, self.max_pages, |page| {
                    Position::Offset(style.first + page * records)
                })?;
                if rest != Next::End {
                    return Ok(Decision::new(rest, reason));
                }
            } else if context.records == 0 && read < hint {
                return Err(PagerError::EmptyBeforeHint(hint));
            } else if read + context.records < hint {
                return one(reason);
            }
            // What is left out of pages that go by what was asked may be counted elsewhere.
            let is_shown = !matches!(style.stride, Stride::Fixed(_));
            if totals.received == hint && flag.is_none() && is_shown {
                return end(reason);
            }
        }
        match flag {
            Some(flag) if flag.more => return one(Reason::Flag(flag)),
            Some(flag) => return end(Reason::Flag(flag)),
            None => {}
        }
        let (total, reason) = match self.announced_total(style.absent, totals, context)? {
            Announced::Total(total, reason) => (total, reason),
            Announced::Nothing => {
                return self
                    .looks_last(context, style.full_page)
                    .map_or_else(|| one(Reason::Open), end);
            }
            Announced::End(at) => return end(Reason::NoTotal(at)),
        };
        let read = offset.saturating_sub(style.first);
        match advance {
            Advance::Fixed(_) if total == 0 => end(reason),
            Advance::Fixed(0) => Err(PagerError::EmptyFirstPage(total)),
            Advance::Fixed(records) => {
                let pages = read / records + 1..total.div_ceil(records);
                let next = rest(pages, self.max_pages, |page| {
                    Position::Offset(style.first + page * records)
                });
                Ok(Decision::new(next?, reason))
            }
            Advance::Varying if read + context.records >= total => end(reason),
            Advance::Varying if context.records == 0 => nothing_received(read == 0, total),
            Advance::Varying => one(reason),
        }
    }

    /// Where to read on after page number `page`. `flag` is the flag on the page.
    pub(super) fn next_number<'a>(
        &'a self,
        style: &'a NumberedPages,
        page: u64,
        flag: Option<Flag<'a>>,
        totals: WalkTotals,
        context: PageContext<'_>,
    ) -> Result<Decision<'a>, PagerError> {
        let one = |reason| Ok(Decision::one(Position::Page(page + 1), reason));
        if style.pages.is_none()
            && let Some((hint, reason)) = self.hint(totals, context)?
        {
            let read = page.saturating_sub(style.first);
            let pages = match (Advance::of(style.stride, totals), self.limit) {
                // A first page that shows nothing says nothing of how long pages are.
                (Advance::Fixed(0), Some(limit)) => Some(hint.div_ceil(limit.into())),
                (Advance::Fixed(records), _) if records > 0 => Some(hint.div_ceil(records)),
                _ if totals.received >= hint => None,
                _ if context.records == 0 => return Err(PagerError::EmptyBeforeHint(hint)),
                _ => return one(reason),
            };
            let rest = rest(read + 1..pages.unwrap_or(0), self.max_pages, |page| {
                Position::Page(style.first + page)
            })?;
            if rest != Next::End {
                return Ok(Decision::new(rest, reason));
            }
            // What is left out of pages that go by what was asked may be counted elsewhere.
            let is_shown = !matches!(style.stride, Stride::Fixed(_));
            if totals.received == hint && flag.is_none() && is_shown {
                return end(reason);
            }
        }
        match flag {
            Some(flag) if flag.more => return one(Reason::Flag(flag)),
            Some(flag) => return end(Reason::Flag(flag)),
            None => {}
        }
        let read = page.saturating_sub(style.first);
        let announced = match &style.pages {
            Some(pages) => announced(Some(pages), style.absent, context, Reason::Pages)?,
            None => self.announced_total(style.absent, totals, context)?,
        };
        let (announced, reason) = match announced {
            Announced::Total(announced, reason) => (announced, reason),
            Announced::Nothing => {
                return self
                    .looks_last(context, style.full_page)
                    .map_or_else(|| one(Reason::Open), end);
            }
            Announced::End(at) => return end(Reason::NoTotal(at)),
        };
        // The number of pages is known, or follows from how many records a page holds.
        let advance = (style.pages.is_none()).then(|| Advance::of(style.stride, totals));
        let pages = match advance {
            None => announced,
            Some(Advance::Fixed(_)) if announced == 0 => return end(reason),
            Some(Advance::Fixed(0)) => return Err(PagerError::EmptyFirstPage(announced)),
            Some(Advance::Fixed(records)) => announced.div_ceil(records),
            Some(Advance::Varying) if totals.received >= announced => return end(reason),
            Some(Advance::Varying) if context.records == 0 => {
                return nothing_received(read == 0, announced);
            }
            Some(Advance::Varying) => return one(reason),
        };
        let next = rest(read + 1..pages, self.max_pages, |page| {
            Position::Page(style.first + page)
        });
        Ok(Decision::new(next?, reason))
    }

    /// What is known about the total, where it is exact.
    fn announced_total(
        &self,
        absent: Absent,
        totals: WalkTotals,
        context: PageContext<'_>,
    ) -> Result<Announced<'_>, PagerError> {
        match (&self.total, totals.counted) {
            (None, _) => Ok(Announced::Nothing),
            (Some(total), _) if total.trust == Trust::Hint => Ok(Announced::Nothing),
            (Some(_), Some(counted)) => Ok(Announced::Total(counted, Reason::Counted(counted))),
            (Some(total), None) => announced(total.in_page(), absent, context, Reason::Records),
        }
    }

    /// How far to read at least, if a total says so that is only a hint.
    fn hint(
        &self,
        totals: WalkTotals,
        context: PageContext<'_>,
    ) -> Result<Option<(u64, Reason<'_>)>, PagerError> {
        let Some(total) = self
            .total
            .as_ref()
            .filter(|total| total.trust == Trust::Hint)
        else {
            return Ok(None);
        };
        match (totals.counted, total.in_page()) {
            (Some(counted), _) => Ok(Some((counted, Reason::Counted(counted)))),
            (None, Some(at)) => {
                let hint = number(at, context)?;
                Ok(hint.map(|hint| (hint, Reason::Records(at, hint))))
            }
            (None, None) => Ok(None),
        }
    }

    /// Why a page looks like the last, if it does. Without a total, an empty page is the end unless
    /// the adapter says otherwise; a short page only if it says so. A page is neither where it has
    /// parents of records, as many as were requested.
    fn looks_last(
        &self,
        context: PageContext<'_>,
        full_page: Option<u32>,
    ) -> Option<Reason<'static>> {
        let parents = context.parents.map_or(0, |parents| parents.count);
        if context.records == 0 {
            let is_end = self.empty_page == EmptyPage::End && parents == 0;
            return is_end.then_some(Reason::Empty);
        }
        full_page
            .filter(|&limit| context.records.max(parents) < limit.into())
            .map(Reason::Short)
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
