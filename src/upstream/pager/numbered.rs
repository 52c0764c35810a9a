//! Numbered positions: offsets and pages.
//!
//! Both ask the same questions in the same order: does a flag decide, is it known how much there
//! is, did this page look like the last. They differ only in how far a page reaches, which
//! [`Reach`] tells.

use std::ops::Range;

use super::place::{name, number};
use super::{Look, Next, PagerError, Position, SoFar};
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
    pub(super) fn next(
        &self,
        offset: u64,
        flag: Option<bool>,
        so_far: SoFar,
        look: Look<'_>,
        max_pages: u32,
    ) -> Result<Next, PagerError> {
        let reach = Reach::of(self.step, self.limit, so_far.granted);
        let next = offset
            + match reach {
                Reach::Even(records) => records,
                Reach::Varying => look.records,
            };
        let one = Next::One(Position::Offset(next));
        match flag {
            Some(true) => return Ok(one),
            Some(false) => return Ok(Next::End),
            None => {}
        }
        let total = match announced_total(self.total.as_ref(), self.absent, so_far, look)? {
            Announced::Total(total) => total,
            Announced::Nothing if self.looks_last(look) => return Ok(Next::End),
            Announced::Nothing => return Ok(one),
            Announced::End => return Ok(Next::End),
        };
        let read = offset.saturating_sub(self.first);
        match reach {
            Reach::Even(_) if total == 0 => Ok(Next::End),
            Reach::Even(0) => Err(PagerError::EmptyOf(total)),
            Reach::Even(records) => {
                let pages = read / records + 1..total.div_ceil(records);
                rest(pages, max_pages, |page| {
                    Position::Offset(self.first + page * records)
                })
            }
            Reach::Varying if read + look.records >= total => Ok(Next::End),
            Reach::Varying if look.records == 0 => nothing_received(read == 0, total),
            Reach::Varying => Ok(one),
        }
    }

    fn looks_last(&self, look: Look<'_>) -> bool {
        looks_last(look, self.limit, self.short_page, self.empty_page)
    }
}

impl NumberedPages {
    /// Where to read on after the page numbered `page`. `flag` is what the page says of that.
    pub(super) fn next(
        &self,
        page: u64,
        flag: Option<bool>,
        so_far: SoFar,
        look: Look<'_>,
        max_pages: u32,
    ) -> Result<Next, PagerError> {
        let one = Next::One(Position::Page(page + 1));
        match flag {
            Some(true) => return Ok(one),
            Some(false) => return Ok(Next::End),
            None => {}
        }
        let read = page.saturating_sub(self.first);
        let announced = match &self.pages {
            Some(pages) => announced(Some(pages), self.absent, look)?,
            None => announced_total(self.total.as_ref(), self.absent, so_far, look)?,
        };
        let announced = match announced {
            Announced::Total(announced) => announced,
            Announced::Nothing if self.looks_last(look) => return Ok(Next::End),
            Announced::Nothing => return Ok(one),
            Announced::End => return Ok(Next::End),
        };
        let pages = match self.reach(so_far) {
            None => announced,
            Some(Reach::Even(_)) if announced == 0 => return Ok(Next::End),
            Some(Reach::Even(0)) => return Err(PagerError::EmptyOf(announced)),
            Some(Reach::Even(records)) => announced.div_ceil(records),
            Some(Reach::Varying) if so_far.received >= announced => return Ok(Next::End),
            Some(Reach::Varying) if look.records == 0 => {
                return nothing_received(read == 0, announced);
            }
            Some(Reach::Varying) => return Ok(one),
        };
        rest(read + 1..pages, max_pages, |page| {
            Position::Page(self.first + page)
        })
    }

    /// How far a page reaches, where that has to tell how many pages there are.
    fn reach(&self, so_far: SoFar) -> Option<Reach> {
        let step = self.step.unwrap_or_default();
        (self.pages.is_none()).then(|| Reach::of(step, self.limit, so_far.granted))
    }

    fn looks_last(&self, look: Look<'_>) -> bool {
        looks_last(look, self.limit, self.short_page, self.empty_page)
    }
}

/// What is known about how much there is.
enum Announced {
    /// So much.
    Total(u64),
    /// Nothing, and the walk goes on until a page looks like the last.
    Nothing,
    /// Nothing, and that means that it was the only page.
    End,
}

fn announced_total(
    total: Option<&Total>,
    absent: Absent,
    so_far: SoFar,
    look: Look<'_>,
) -> Result<Announced, PagerError> {
    match so_far.counted {
        Some(counted) => Ok(Announced::Total(counted)),
        None => announced(total.and_then(Total::in_page), absent, look),
    }
}

fn announced(
    location: Option<&Location>,
    absent: Absent,
    look: Look<'_>,
) -> Result<Announced, PagerError> {
    let Some(location) = location else {
        return Ok(Announced::Nothing);
    };
    match (number(location, look)?, absent) {
        (Some(total), _) => Ok(Announced::Total(total)),
        (None, Absent::Continue) => Ok(Announced::Nothing),
        (None, Absent::End) => Ok(Announced::End),
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
fn nothing_received(is_first: bool, announced: u64) -> Result<Next, PagerError> {
    if is_first {
        return Err(PagerError::EmptyOf(announced));
    }
    Ok(Next::End)
}

/// Without a total, an empty page is the end unless the adapter says otherwise; a short one only
/// where it says so.
fn looks_last(
    look: Look<'_>,
    limit: Option<u32>,
    short_page: ShortPage,
    empty_page: EmptyPage,
) -> bool {
    let is_empty = look.records == 0;
    let is_short = limit.is_some_and(|limit| look.records < limit.into());
    (is_empty && empty_page == EmptyPage::End)
        || (is_short && !is_empty && short_page == ShortPage::End)
}
