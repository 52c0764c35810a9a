//! Numbered positions: offsets and pages.
//!
//! Both ask the same questions in the same order: does a flag decide, is it known how much there
//! is, did this page look like the last. They differ only in how far a page reaches, which
//! [`Reach`] tells.

use std::ops::Range;

use super::place::{name, number};
use super::{Decision, Flag, Look, Next, PagerError, Position, SoFar, Why};
use crate::config::upstream::{
    Absent, EmptyPage, Location, NumberedPages, OffsetPages, ShortPage, Step, Total,
};

/// How far the pages of a numbered style reach.
#[derive(Debug, Clone, Copy)]
enum Reach {
    /// Every page as far as any other: positions can be told before pages are read.
    Even(u64),
    /// Each page as far as it turns out to: one page after the other.
    Varying,
}

impl Reach {
    fn of(step: Step, limit: Option<u32>, granted: u64) -> Self {
        match step {
            Step::Granted => Self::Even(granted),
            Step::Received => Self::Varying,
            // Without a limit nothing was asked for, which is refused where settings are checked.
            Step::Asked => Self::Even(limit.map_or(granted, u64::from)),
        }
    }
}

impl OffsetPages {
    /// Where to read on after the page at `offset`. `flag` is what the page says of that.
    pub(super) fn next<'a>(
        &'a self,
        offset: u64,
        flag: Option<Flag<'a>>,
        so_far: SoFar,
        look: Look<'_>,
        max_pages: u32,
    ) -> Result<Decision<'a>, PagerError> {
        let reach = Reach::of(self.step, self.limit, so_far.granted);
        let next = offset
            + match reach {
                Reach::Even(records) => records,
                Reach::Varying => look.records,
            };
        let one = |why| Ok(Decision::one(Position::Offset(next), why));
        match flag {
            Some(flag) if flag.more => return one(Why::Flag(flag)),
            Some(flag) => return end(Why::Flag(flag)),
            None => {}
        }
        let (total, why) = match announced_total(self.total.as_ref(), self.absent, so_far, look)? {
            Announced::Total(total, why) => (total, why),
            Announced::Nothing => {
                return self.looks_last(look).map_or_else(|| one(Why::Open), end);
            }
            Announced::End(at) => return end(Why::NoTotal(at)),
        };
        let read = offset.saturating_sub(self.first);
        match reach {
            Reach::Even(_) if total == 0 => end(why),
            Reach::Even(0) => Err(PagerError::EmptyOf(total)),
            Reach::Even(records) => {
                let pages = read / records + 1..total.div_ceil(records);
                let next = rest(pages, max_pages, |page| {
                    Position::Offset(self.first + page * records)
                });
                Ok(Decision::new(next?, why))
            }
            Reach::Varying if read + look.records >= total => end(why),
            Reach::Varying if look.records == 0 => nothing_received(read == 0, total),
            Reach::Varying => one(why),
        }
    }

    fn looks_last(&self, look: Look<'_>) -> Option<Why<'static>> {
        looks_last(look, self.limit, self.short_page, self.empty_page)
    }
}

impl NumberedPages {
    /// Where to read on after the page numbered `page`. `flag` is what the page says of that.
    pub(super) fn next<'a>(
        &'a self,
        page: u64,
        flag: Option<Flag<'a>>,
        so_far: SoFar,
        look: Look<'_>,
        max_pages: u32,
    ) -> Result<Decision<'a>, PagerError> {
        let one = |why| Ok(Decision::one(Position::Page(page + 1), why));
        match flag {
            Some(flag) if flag.more => return one(Why::Flag(flag)),
            Some(flag) => return end(Why::Flag(flag)),
            None => {}
        }
        let read = page.saturating_sub(self.first);
        let announced = match &self.pages {
            Some(pages) => announced(Some(pages), self.absent, look, Why::Pages)?,
            None => announced_total(self.total.as_ref(), self.absent, so_far, look)?,
        };
        let (announced, why) = match announced {
            Announced::Total(announced, why) => (announced, why),
            Announced::Nothing => {
                return self.looks_last(look).map_or_else(|| one(Why::Open), end);
            }
            Announced::End(at) => return end(Why::NoTotal(at)),
        };
        let pages = match self.reach(so_far) {
            None => announced,
            Some(Reach::Even(_)) if announced == 0 => return end(why),
            Some(Reach::Even(0)) => return Err(PagerError::EmptyOf(announced)),
            Some(Reach::Even(records)) => announced.div_ceil(records),
            Some(Reach::Varying) if so_far.received >= announced => return end(why),
            Some(Reach::Varying) if look.records == 0 => {
                return nothing_received(read == 0, announced);
            }
            Some(Reach::Varying) => return one(why),
        };
        let next = rest(read + 1..pages, max_pages, |page| {
            Position::Page(self.first + page)
        });
        Ok(Decision::new(next?, why))
    }

    /// How far a page reaches, where that has to tell how many pages there are.
    fn reach(&self, so_far: SoFar) -> Option<Reach> {
        let step = self.step.unwrap_or_default();
        (self.pages.is_none()).then(|| Reach::of(step, self.limit, so_far.granted))
    }

    fn looks_last(&self, look: Look<'_>) -> Option<Why<'static>> {
        looks_last(look, self.limit, self.short_page, self.empty_page)
    }
}

/// The end, for this reason.
#[expect(
    clippy::unnecessary_wraps,
    reason = "every way out of a pager is a result"
)]
const fn end(why: Why<'_>) -> Result<Decision<'_>, PagerError> {
    Ok(Decision::end(why))
}

/// What is known about how much there is.
enum Announced<'a> {
    /// So much, as this says.
    Total(u64, Why<'a>),
    /// Nothing, and the walk goes on until a page looks like the last.
    Nothing,
    /// Nothing here, and that means that it was the only page.
    End(&'a Location),
}

fn announced_total<'a>(
    total: Option<&'a Total>,
    absent: Absent,
    so_far: SoFar,
    look: Look<'_>,
) -> Result<Announced<'a>, PagerError> {
    match so_far.counted {
        Some(counted) => Ok(Announced::Total(counted, Why::Counted(counted))),
        None => announced(total.and_then(Total::in_page), absent, look, Why::Records),
    }
}

fn announced<'a>(
    location: Option<&'a Location>,
    absent: Absent,
    look: Look<'_>,
    why: impl Fn(&'a Location, u64) -> Why<'a>,
) -> Result<Announced<'a>, PagerError> {
    let Some(location) = location else {
        return Ok(Announced::Nothing);
    };
    match (number(location, look)?, absent) {
        (Some(total), _) => Ok(Announced::Total(total, why(location, total))),
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

/// A page without records where more are to come. Later than on the first page the walk ends, and
/// what was announced is held against what came.
const fn nothing_received(is_first: bool, announced: u64) -> Result<Decision<'static>, PagerError> {
    if is_first {
        return Err(PagerError::EmptyOf(announced));
    }
    end(Why::Empty)
}

/// Why a page looks like the last, if it does. Without a total, an empty page is the end unless the
/// adapter says otherwise; a short one only where it says so.
fn looks_last(
    look: Look<'_>,
    limit: Option<u32>,
    short_page: ShortPage,
    empty_page: EmptyPage,
) -> Option<Why<'static>> {
    if look.records == 0 {
        return (empty_page == EmptyPage::End).then_some(Why::Empty);
    }
    let limit = limit.filter(|&limit| look.records < limit.into())?;
    (short_page == ShortPage::End).then_some(Why::Short(limit))
}
