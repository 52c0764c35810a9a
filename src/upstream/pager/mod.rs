//! The pager: how the position advances from page to page.
//!
//! A pure function of a page ([`PageContext`]) and of the walk so far ([`WalkTotals`]): no I/O, no
//! state. The template writes a position into the request. The walk checks what needs all pages
//! (repeats, totals, limits).
//!
//! End conditions combine in all styles: a response that means the end, then a flag, then the
//! style's own condition, then an empty page.

use crate::plan::{
    CursorSource, EmptyPage, EndFlag, Location, NextCursor, PagingStyle, Part, Stride, Total, Trust,
};

use crate::page::format::Node;

pub mod context;
pub use context::{PageContext, WalkTotals};

pub use crate::page::position::{Announcement, Next, Position};

pub mod error;
pub use error::PagerError;

pub mod decision;
pub use decision::{Decision, Flag, Naming, Reason};

pub(crate) mod link;

mod cursor;
use cursor::{key_in, next_cursor};

mod found;
pub(crate) mod likely;

mod kept;
mod location;
mod numbered;

pub use crate::plan::Paging;

impl Total {
    /// Where it is, as messages name it.
    pub(super) fn name(&self) -> String {
        location::name(&self.at)
    }
}

impl Paging {
    /// Where the first page is.
    pub fn first(&self) -> Position {
        match &self.style {
            PagingStyle::Whole
            | PagingStyle::Only(_)
            | PagingStyle::Link
            | PagingStyle::NextUrl { .. } => Position::Start,
            PagingStyle::Cursor { first, .. } => match first {
                Some(cursor) => Position::Cursor(cursor.clone()),
                None => Position::Start,
            },
            PagingStyle::Offset(style) => Position::Offset(style.first),
            PagingStyle::Page(style) => Position::Page(style.first),
        }
    }

    /// Whether the total comes from a request of its own.
    pub fn has_count(&self) -> bool {
        self.total.as_ref().and_then(Total::in_count).is_some()
    }

    /// The key of a record with which the next page is requested, if the style continues from the last
    /// record.
    pub fn last_record_key(&self, record: Node<'_>, key: Option<&str>) -> Option<Position> {
        let PagingStyle::Cursor { next, .. } = &self.style else {
            return None;
        };
        let values = next.sources().filter_map(|(name, source)| {
            let value = key_in(source, record, key)?;
            Some((name, value))
        });
        let mut several = Vec::new();
        for (name, value) in values {
            match name {
                None => return Some(value),
                Some(name) => several.push((name.to_owned(), value)),
            }
        }
        (!several.is_empty()).then_some(Position::Cursors(several))
    }

    /// What a record holds where the flag is, if the flag is in the last record.
    pub fn last_record_flag(&self, record: Node<'_>, key: Option<&str>) -> Option<String> {
        let (EndFlag::More(source) | EndFlag::Last(source)) = self.flag.as_ref()?;
        match source {
            CursorSource::Page(_) => None,
            CursorSource::Record {
                last_record: Part::Key,
            } => key.map(str::to_owned),
            CursorSource::Record {
                last_record: Part::At(path),
            } => found::flag_in(record.find(path)?),
        }
    }

    /// The totals that this page states. Two pages of one walk that state different totals come from
    /// different lists. What cannot be read past the end of the list states none.
    pub fn announces(&self, context: PageContext<'_>) -> Result<Announcement, PagerError> {
        let pages = match &self.style {
            PagingStyle::Page(style) => style.pages.as_ref(),
            PagingStyle::Only(page) => page.pages.as_ref(),
            PagingStyle::Whole
            | PagingStyle::Cursor { .. }
            | PagingStyle::Offset(_)
            | PagingStyle::Link
            | PagingStyle::NextUrl { .. } => None,
        };
        let read = |location: Option<&Location>| {
            let number = location.map_or(Ok(None), |location| location::number(location, context));
            number.or_else(|error| {
                if context.is_past_end {
                    Ok(None)
                } else {
                    Err(error)
                }
            })
        };
        Ok(Announcement {
            records: read(self.total.as_ref().and_then(Total::in_page))?,
            pages: read(pages)?,
        })
    }

    /// The total in the response to a request of its own, if there is one.
    pub fn count(&self, context: PageContext<'_>) -> Result<Option<u64>, PagerError> {
        let Some(at) = self.total.as_ref().and_then(Total::in_count) else {
            return Ok(None);
        };
        let total = location::number(at, context)?;
        total
            .map(Some)
            .ok_or_else(|| PagerError::CountAbsent(location::name(at)))
    }

    /// Where to read on after the page at `position`.
    pub fn next(
        &self,
        position: &Position,
        totals: WalkTotals,
        context: PageContext<'_>,
    ) -> Result<Next, PagerError> {
        let decision = self.decide(position, totals, context)?;
        Ok(decision.next)
    }

    /// Where to read on after the page at `position`, and why there.
    pub fn decide(
        &self,
        position: &Position,
        totals: WalkTotals,
        context: PageContext<'_>,
    ) -> Result<Decision<'_>, PagerError> {
        if context.is_past_end {
            return Ok(Decision::end(Reason::PastEnd));
        }
        let flag = self.flag(context)?;
        match (&self.style, position) {
            (PagingStyle::Whole, _) => match whole_says_more(None, flag, context)? {
                Some(name) => Err(PagerError::MoreThanOnePage(name)),
                None => Ok(Decision::end(Reason::Whole)),
            },
            (PagingStyle::Only(page), _) => {
                match whole_says_more(page.next.as_ref(), flag, context)? {
                    Some(name) => Err(PagerError::MoreThanOneAnswer(name)),
                    None => Ok(Decision::end(Reason::Whole)),
                }
            }
            (PagingStyle::Offset(style), Position::Offset(offset)) => {
                self.next_offset(style, *offset, flag, totals, context)
            }
            (PagingStyle::Page(style), Position::Page(page)) => {
                self.next_number(style, *page, flag, totals, context)
            }
            // A numbered style starts at a number and only ever hands out numbers.
            (PagingStyle::Offset(_) | PagingStyle::Page(_), _) => Err(PagerError::Loop),
            (PagingStyle::Cursor { next, .. }, _) => {
                let naming = match next {
                    NextCursor::One(CursorSource::Page(location)) => Naming::At(location),
                    NextCursor::One(CursorSource::Record { last_record }) => {
                        Naming::LastRecord(last_record)
                    }
                    NextCursor::Structure { structure } => Naming::Structure(structure),
                    NextCursor::Several { values } => Naming::Several(values),
                };
                self.follow(naming, flag, totals, context)
            }
            (PagingStyle::Link, _) => self.follow(Naming::Link, flag, totals, context),
            (PagingStyle::NextUrl { next }, _) => {
                self.follow(Naming::At(next), flag, totals, context)
            }
        }
    }

    /// Where a page would be that is so many records or parents after this one, if positions are taken to
    /// count records and nothing declares that they do.
    pub fn further(&self, position: &Position, step: u64) -> Option<Position> {
        match (&self.style, position) {
            (PagingStyle::Offset(style), Position::Offset(offset))
                if style.stride == Stride::FirstPage =>
            {
                Some(Position::Offset(offset + step))
            }
            _ => None,
        }
    }

    /// Whether a page with so many records is short, where that is declared to be the end.
    pub fn is_short(&self, records: u64) -> bool {
        let full_page = match &self.style {
            PagingStyle::Offset(style) => style.full_page,
            PagingStyle::Page(style) => style.full_page,
            PagingStyle::Whole
            | PagingStyle::Only(_)
            | PagingStyle::Cursor { .. }
            | PagingStyle::Link
            | PagingStyle::NextUrl { .. } => None,
        };
        full_page.is_some_and(|limit| records < limit.into())
    }

    /// Where the page after this one would be, if positions are numbers. None if it would be this one
    /// again.
    pub fn after(&self, position: &Position, totals: WalkTotals, records: u64) -> Option<Position> {
        match (&self.style, position) {
            (PagingStyle::Offset(style), Position::Offset(offset)) => {
                let step = numbered::step(style.stride, totals, records);
                (step > 0).then_some(Position::Offset(offset + step))
            }
            (PagingStyle::Page(_), Position::Page(page)) => Some(Position::Page(page + 1)),
            _ => None,
        }
    }

    /// Whether the total only says how far to read at least.
    pub fn is_hint(&self) -> bool {
        let total = self.total.as_ref();
        total.is_some_and(|total| total.trust == Trust::Hint)
    }

    /// Whether it is that of answers to filters, which come without pages.
    pub const fn is_only_page(&self) -> bool {
        matches!(self.style, PagingStyle::Only(_))
    }

    /// Whether positions are numbers, so that there is a position after any page.
    pub const fn is_numbered(&self) -> bool {
        matches!(self.style, PagingStyle::Offset(_) | PagingStyle::Page(_))
    }

    /// Whether the page says that there is more.
    pub fn says_more(&self, context: PageContext<'_>) -> Result<bool, PagerError> {
        Ok(self.flag(context)?.is_some_and(|flag| flag.more))
    }

    /// The flag that says whether there is more.
    fn flag(&self, context: PageContext<'_>) -> Result<Option<Flag<'_>>, PagerError> {
        let (at, means_more) = match &self.flag {
            Some(EndFlag::More(at)) => (at, true),
            Some(EndFlag::Last(at)) => (at, false),
            None => return Ok(None),
        };
        let is_set = location::flag(at, context)?;
        Ok(is_set.map(|is_set| Flag {
            at,
            more: is_set == means_more,
        }))
    }

    /// Continues where the page itself says, at `naming`.
    fn follow<'a>(
        &'a self,
        naming: Naming<'a>,
        flag: Option<Flag<'a>>,
        totals: WalkTotals,
        context: PageContext<'_>,
    ) -> Result<Decision<'a>, PagerError> {
        match flag {
            Some(flag) if !flag.more => return Ok(Decision::end(Reason::Flag(flag))),
            None if context.records == 0 && self.empty_page == EmptyPage::End => {
                return Ok(Decision::end(Reason::Empty));
            }
            Some(_) | None => {}
        }
        match (self.named(context)?, flag) {
            (Some(_), None) if let Some(reason) = self.reached(totals, context)? => {
                Ok(Decision::end(reason))
            }
            (Some(position), _) => Ok(Decision::one(position, Reason::Named(naming))),
            (None, Some(_)) => Err(PagerError::NoNext),
            (None, None) => Ok(Decision::end(Reason::Unnamed(naming))),
        }
    }

    /// The exact total that has come, if one has and nothing more comes. It may be the length of the only page
    /// with records: then two pages in a row must be empty.
    fn reached(
        &self,
        totals: WalkTotals,
        context: PageContext<'_>,
    ) -> Result<Option<Reason<'_>>, PagerError> {
        let is_sure = totals.received > totals.granted || totals.is_after_empty;
        let is_end =
            |total: &&Total| total.trust == Trust::Exact && context.records == 0 && is_sure;
        let Some(total) = self.total.as_ref().filter(is_end) else {
            return Ok(None);
        };
        let stated = self.announces(context)?.records.or(totals.announced);
        let Some(stated) = stated.filter(|&stated| stated == totals.received) else {
            return Ok(None);
        };
        Ok(Some(match total.in_page() {
            Some(at) => Reason::Records(at, stated),
            None => Reason::Counted(stated),
        }))
    }

    /// The position that the page names, if it names one.
    fn named(&self, context: PageContext<'_>) -> Result<Option<Position>, PagerError> {
        let (target, requested) = match &self.style {
            PagingStyle::Cursor { next, .. } => {
                return next_cursor(next, context);
            }
            PagingStyle::Link => {
                let requested = context.requested()?;
                let target = link::next_link(context.headers, Some(&requested))?;
                (target, Some(requested))
            }
            PagingStyle::NextUrl { next } => (location::position(next, context)?, None),
            PagingStyle::Whole
            | PagingStyle::Only(_)
            | PagingStyle::Offset(_)
            | PagingStyle::Page(_) => (None, None),
        };
        let Some(target) = target else {
            return Ok(None);
        };
        let requested = requested.map_or_else(|| context.requested(), Ok)?;
        let url = self.links.follow(&target, &requested)?;
        Ok(Some(Position::Url(url)))
    }

    /// The URL at a location, if there is one. It is allowed where one of a page is.
    pub(in crate::upstream) fn link_at(
        &self,
        location: &Location,
        context: PageContext<'_>,
    ) -> Result<Option<url::Url>, PagerError> {
        let Some(text) = location::position(location, context)? else {
            return Ok(None);
        };
        Ok(Some(self.links.follow(&text, &context.requested()?)?))
    }
}

/// What says that there is more than the only page, if anything does: a flag, or the place where a page
/// names the `next` one.
fn whole_says_more(
    next: Option<&NextCursor>,
    flag: Option<Flag<'_>>,
    context: PageContext<'_>,
) -> Result<Option<String>, PagerError> {
    if let Some(flag) = flag {
        return Ok(flag.more.then(|| location::flag_name(flag.at)));
    }
    match next {
        Some(next) if next_cursor(next, context)?.is_some() => {
            Ok(Some(decision::cursor_name(next)))
        }
        Some(_) | None => Ok(None),
    }
}

#[cfg(test)]
mod tests;
