//! The pager: how the position advances from page to page.
//!
//! A pure function of what a page says and of what the walk has counted ([`SoFar`]): no I/O, no
//! state. Where a position is written into the request is the template's matter. The walk keeps
//! the account that needs every page (repeats, totals, bounds).
//!
//! Ends combine, whatever the style: an answer that means the end, then a flag, then the style's
//! own end, then an empty page where that is one.

use std::borrow::Cow;

use url::Url;

use crate::config::upstream::{
    CursorPages, CursorSource, EmptyPage, Location, Pagination, Part, Repeat, Total, TotalCall,
};

use crate::page::format::Node;

pub mod position;
pub use position::{Announcement, Look, Position, SoFar};

pub mod error;
pub use error::PagerError;

pub mod decision;
pub use decision::{Decision, Flag, Naming, Why};

pub(crate) mod link;

mod numbered;
mod place;

/// Where to read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nowhere: that was the last page.
    End,
    /// At this one page.
    One(Position),
    /// At all of these, in any order: the page told how many there are.
    Rest(Vec<Position>),
}

/// How one upstream's pages follow each other.
#[derive(Debug, Clone)]
pub struct Pager {
    style: Pagination,
    max_pages: u32,
    /// Where the first page is read from.
    home: Option<url::Origin>,
}

impl Pager {
    /// The pager of this style, which announces no more than `max_pages` at once.
    pub const fn new(style: Pagination, max_pages: u32) -> Self {
        Self {
            style,
            max_pages,
            home: None,
        }
    }

    /// The same pager, whose first page is read from `base_url`: pages that lead to other origins
    /// may lead back there.
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

    /// How many records to ask for on each page.
    pub const fn limit(&self) -> Option<u32> {
        self.style.terms().limit
    }

    /// Whether a request of its own tells how many records there are.
    pub fn has_count(&self) -> bool {
        self.style.total_call().is_some()
    }

    /// How many records the upstream silently cuts its list at.
    pub const fn cap(&self) -> Option<u32> {
        self.style.terms().cap
    }

    /// What a position or page that was seen before means.
    pub const fn on_repeat(&self) -> Repeat {
        self.style.terms().on_repeat
    }

    /// What a record holds, or is keyed by, that the page after it is asked with, where the style
    /// reads on from a record.
    pub fn mark(&self, record: Node<'_>, key: Option<&str>) -> Option<String> {
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

    /// How much there is in all, as far as this page says. Two pages of one walk that say
    /// different things were cut from different lists.
    pub fn announces(&self, look: Look<'_>) -> Result<Announcement, PagerError> {
        let (total, pages) = match &self.style {
            Pagination::Offset(style) => (style.total.as_ref(), None),
            Pagination::Page(style) => (style.total.as_ref(), style.pages.as_ref()),
            Pagination::None(_)
            | Pagination::Cursor(_)
            | Pagination::Link(_)
            | Pagination::NextUrl(_) => (None, None),
        };
        let read = |location: Option<&Location>| {
            location.map_or(Ok(None), |location| place::number(location, look))
        };
        Ok(Announcement {
            records: read(total.and_then(Total::in_page))?,
            pages: read(pages)?,
        })
    }

    /// How many records there are, as the answer to a request of its own says ([`TotalCall`]).
    pub fn count(call: &TotalCall, look: Look<'_>) -> Result<u64, PagerError> {
        place::number(&call.at, look)?.ok_or_else(|| PagerError::TotalAbsent(place::name(&call.at)))
    }

    /// Where to read on after the page at `position`.
    pub fn next(
        &self,
        position: &Position,
        so_far: SoFar,
        look: Look<'_>,
    ) -> Result<Next, PagerError> {
        let decision = self.decide(position, so_far, look)?;
        Ok(decision.next)
    }

    /// Where to read on after the page at `position`, and why there.
    pub fn decide(
        &self,
        position: &Position,
        so_far: SoFar,
        look: Look<'_>,
    ) -> Result<Decision<'_>, PagerError> {
        if look.is_past_end {
            return Ok(Decision::end(Why::PastEnd));
        }
        let flag = self.flag(look)?;
        match (&self.style, position) {
            (Pagination::None(_), _) => Ok(Decision::end(Why::Whole)),
            (Pagination::Offset(style), Position::Offset(offset)) => {
                style.next(*offset, flag, so_far, look, self.max_pages)
            }
            (Pagination::Page(style), Position::Page(page)) => {
                style.next(*page, flag, so_far, look, self.max_pages)
            }
            // A numbered style starts at a number and only ever hands out numbers.
            (Pagination::Offset(_) | Pagination::Page(_), _) => Err(PagerError::Loop),
            (Pagination::Cursor(style), _) => self.follow(style.naming(), flag, look),
            (Pagination::Link(_), _) => self.follow(Naming::Link, flag, look),
            (Pagination::NextUrl(style), _) => self.follow(Naming::At(&style.next), flag, look),
        }
    }

    /// What a flag says of whether there is more.
    fn flag(&self, look: Look<'_>) -> Result<Option<Flag<'_>>, PagerError> {
        let terms = self.style.terms();
        let read = |location: Option<&Location>| {
            location.map_or(Ok(None), |location| place::flag(location, look))
        };
        let more = read(terms.more)?;
        let last = read(terms.last)?;
        let more = terms.more.zip(more).map(|(at, more)| Flag { at, more });
        let last = terms.last.zip(last);
        Ok(more.or(last.map(|(at, is_last)| Flag { at, more: !is_last })))
    }

    /// Reads on where the page itself says, at `naming`.
    fn follow<'a>(
        &'a self,
        naming: Naming<'a>,
        flag: Option<Flag<'a>>,
        look: Look<'_>,
    ) -> Result<Decision<'a>, PagerError> {
        match flag {
            Some(flag) if !flag.more => return Ok(Decision::end(Why::Flag(flag))),
            None if look.records == 0 && self.style.terms().empty_page == EmptyPage::End => {
                return Ok(Decision::end(Why::Empty));
            }
            Some(_) | None => {}
        }
        match (self.named(look)?, flag) {
            (Some(position), _) => Ok(Decision::one(position, Why::Named(naming))),
            (None, Some(_)) => Err(PagerError::NoNext),
            (None, None) => Ok(Decision::end(Why::Unnamed(naming))),
        }
    }

    /// The position that the page names, if it names one.
    fn named(&self, look: Look<'_>) -> Result<Option<Position>, PagerError> {
        let url = match &self.style {
            Pagination::Cursor(style) => {
                return Ok(style.named(look)?.map(Position::Cursor));
            }
            Pagination::Link(_) => link::next_link(look.headers)?,
            Pagination::NextUrl(style) => place::text(&style.next, look),
            Pagination::None(_) | Pagination::Offset(_) | Pagination::Page(_) => None,
        };
        url.map(|url| self.at_url(&url, look.url)).transpose()
    }

    /// The position of the page that `target` names, seen from the page at `base`. It may be of the
    /// origin that this page came from, of the first page's, or of one that the style allows.
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

    fn named(&self, look: Look<'_>) -> Result<Option<String>, PagerError> {
        match &self.next {
            CursorSource::Page(location) => Ok(place::text(location, look)),
            CursorSource::Record { .. } if look.records == 0 => Ok(None),
            CursorSource::Record { last_record } => match look.mark {
                Some(mark) => Ok(Some(mark.to_owned())),
                None => Err(PagerError::NoMark(last_record.to_string())),
            },
        }
    }
}

#[cfg(test)]
mod tests;
