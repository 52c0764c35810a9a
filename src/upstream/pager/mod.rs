//! The pager: how the position advances from page to page.
//!
//! A pure function of a page ([`PageContext`]) and of the walk so far ([`WalkTotals`]): no I/O, no
//! state. The template writes a position into the request. The walk checks what needs all pages
//! (repeats, totals, limits).
//!
//! End conditions combine in all styles: a response that means the end, then a flag, then the
//! style's own condition, then an empty page.

use std::borrow::Cow;

use url::Url;

use crate::config::upstream::{CursorPages, Pagination, Total, TotalCall};
use crate::plan::{CursorSource, EmptyPage, Location, Part, Repeat};

use crate::page::format::Node;

pub mod context;
pub use context::{PageContext, WalkTotals};

pub use crate::page::position::{Announcement, Next, Position};

pub mod error;
pub use error::PagerError;

pub mod decision;
pub use decision::{Decision, Flag, Naming, Reason};

pub(crate) mod link;

mod location;
mod numbered;

/// How one upstream's pages follow each other.
#[derive(Debug, Clone)]
pub struct Pager {
    style: Pagination,
    max_pages: u32,
    /// The origin of the first page.
    home: Option<url::Origin>,
}

impl Pager {
    /// A pager of this style that returns at most `max_pages` positions at once.
    pub const fn new(style: Pagination, max_pages: u32) -> Self {
        Self {
            style,
            max_pages,
            home: None,
        }
    }

    /// The same pager, with `base_url` as the origin of the first page, to which pages of other
    /// origins may link.
    #[must_use]
    pub fn reading_from(mut self, base_url: &Url) -> Self {
        self.home = Some(base_url.origin());
        self
    }

    /// Where the first page is.
    pub fn first(&self) -> Position {
        match &self.style {
            Pagination::None(_) | Pagination::Link(_) | Pagination::NextUrl(_) => Position::Start,
            Pagination::Cursor(style) => match &style.first {
                Some(cursor) => Position::Cursor(cursor.clone()),
                None => Position::Start,
            },
            Pagination::Offset(style) => Position::Offset(style.first),
            Pagination::Page(style) => Position::Page(style.first),
        }
    }

    /// How many records to request per page.
    pub const fn limit(&self) -> Option<u32> {
        self.style.terms().limit
    }

    /// Whether the total comes from a request of its own.
    pub fn has_count(&self) -> bool {
        self.style.total_call().is_some()
    }

    /// The number of records at which the upstream silently truncates its list.
    pub const fn cap(&self) -> Option<u32> {
        self.style.terms().cap
    }

    /// What a repeated position or page means.
    pub const fn on_repeat(&self) -> Repeat {
        self.style.terms().on_repeat
    }

    /// The key of a record with which the next page is requested, if the style continues from the last
    /// record.
    pub fn last_record_key(&self, record: Node<'_>, key: Option<&str>) -> Option<String> {
        let Pagination::Cursor(CursorPages {
            next: CursorSource::Record { last_record },
            ..
        }) = &self.style
        else {
            return None;
        };
        let text = match last_record {
            Part::Key => Cow::Borrowed(key?),
            Part::At(path) => record.find(path)?.text()?,
        };
        (!text.is_empty()).then(|| text.into_owned())
    }

    /// The totals that this page states. Two pages of one walk that state different totals come from
    /// different lists.
    pub fn announces(&self, context: PageContext<'_>) -> Result<Announcement, PagerError> {
        let (total, pages) = match &self.style {
            Pagination::Offset(style) => (style.total.as_ref(), None),
            Pagination::Page(style) => (style.total.as_ref(), style.pages.as_ref()),
            Pagination::None(_)
            | Pagination::Cursor(_)
            | Pagination::Link(_)
            | Pagination::NextUrl(_) => (None, None),
        };
        let read = |location: Option<&Location>| {
            location.map_or(Ok(None), |location| location::number(location, context))
        };
        Ok(Announcement {
            records: read(total.and_then(Total::in_page))?,
            pages: read(pages)?,
        })
    }

    /// The total in the response to a request of its own ([`TotalCall`]).
    pub fn count(call: &TotalCall, context: PageContext<'_>) -> Result<u64, PagerError> {
        location::number(&call.at, context)?
            .ok_or_else(|| PagerError::TotalAbsent(location::name(&call.at)))
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
            (Pagination::None(_), _) => Ok(Decision::end(Reason::Whole)),
            (Pagination::Offset(style), Position::Offset(offset)) => {
                style.next(*offset, flag, totals, context, self.max_pages)
            }
            (Pagination::Page(style), Position::Page(page)) => {
                style.next(*page, flag, totals, context, self.max_pages)
            }
            // A numbered style starts at a number and only ever hands out numbers.
            (Pagination::Offset(_) | Pagination::Page(_), _) => Err(PagerError::Loop),
            (Pagination::Cursor(style), _) => self.follow(style.naming(), flag, context),
            (Pagination::Link(_), _) => self.follow(Naming::Link, flag, context),
            (Pagination::NextUrl(style), _) => self.follow(Naming::At(&style.next), flag, context),
        }
    }

    /// The flag that says whether there is more.
    fn flag(&self, context: PageContext<'_>) -> Result<Option<Flag<'_>>, PagerError> {
        let terms = self.style.terms();
        let read = |location: Option<&Location>| {
            location.map_or(Ok(None), |location| location::flag(location, context))
        };
        let more = read(terms.more)?;
        let last = read(terms.last)?;
        let more = terms.more.zip(more).map(|(at, more)| Flag { at, more });
        let last = terms.last.zip(last);
        Ok(more.or(last.map(|(at, is_last)| Flag { at, more: !is_last })))
    }

    /// Continues where the page itself says, at `naming`.
    fn follow<'a>(
        &'a self,
        naming: Naming<'a>,
        flag: Option<Flag<'a>>,
        context: PageContext<'_>,
    ) -> Result<Decision<'a>, PagerError> {
        match flag {
            Some(flag) if !flag.more => return Ok(Decision::end(Reason::Flag(flag))),
            None if context.records == 0 && self.style.terms().empty_page == EmptyPage::End => {
                return Ok(Decision::end(Reason::Empty));
            }
            Some(_) | None => {}
        }
        match (self.named(context)?, flag) {
            (Some(position), _) => Ok(Decision::one(position, Reason::Named(naming))),
            (None, Some(_)) => Err(PagerError::NoNext),
            (None, None) => Ok(Decision::end(Reason::Unnamed(naming))),
        }
    }

    /// The position that the page names, if it names one.
    fn named(&self, context: PageContext<'_>) -> Result<Option<Position>, PagerError> {
        let url = match &self.style {
            Pagination::Cursor(style) => {
                return Ok(style.named(context)?.map(Position::Cursor));
            }
            Pagination::Link(_) => link::next_link(context.headers)?,
            Pagination::NextUrl(style) => location::text(&style.next, context),
            Pagination::None(_) | Pagination::Offset(_) | Pagination::Page(_) => None,
        };
        url.map(|url| self.at_url(&url, context.url)).transpose()
    }

    /// The position of the page at `target`, relative to `base`. Allowed are the origin of this page,
    /// that of the first page, and those that the style lists.
    fn at_url(&self, target: &str, base: &Url) -> Result<Position, PagerError> {
        let url = base.join(target).map_err(|_| PagerError::BadUrl)?;
        let origin = url.origin();
        let is_allowed = origin == base.origin()
            || self.home.as_ref() == Some(&origin)
            || self.style.origins().iter().any(|one| one.covers(&url));
        if !is_allowed || !url.username().is_empty() || url.password().is_some() {
            return Err(PagerError::ForeignUrl(origin.ascii_serialization()));
        }
        Ok(Position::Url(url))
    }
}

impl CursorPages {
    const fn naming(&self) -> Naming<'_> {
        match &self.next {
            CursorSource::Page(location) => Naming::At(location),
            CursorSource::Record { last_record } => Naming::LastRecord(last_record),
        }
    }

    fn named(&self, context: PageContext<'_>) -> Result<Option<String>, PagerError> {
        match &self.next {
            CursorSource::Page(location) => Ok(location::text(location, context)),
            CursorSource::Record { .. } if context.records == 0 => Ok(None),
            CursorSource::Record { last_record } => match context.last_record_key {
                Some(mark) => Ok(Some(mark.to_owned())),
                None => Err(PagerError::NoLastRecordKey(last_record.to_string())),
            },
        }
    }
}

#[cfg(test)]
mod tests;
