//! That of a page which says something of its list: what is kept of it when nothing else is.

use http::header::{CONTENT_RANGE, HeaderName, LINK};
use http::{HeaderMap, Uri};
use serde_json::{Map, Value};

use super::context::{PageContext, WalkTotals};
use super::decision::Reason;
use super::link::next_link;
use super::{Paging, location};
use crate::page::format::Page;
use crate::page::position::Position;
use crate::plan::{EndFlag, Format, Location, NextCursor, PagingStyle, Path, Total};
use crate::upstream::links::requested;

impl Paging {
    /// A body and headers by which the page at `position` says of the list what it says by its own. `None` if they
    /// would not.
    pub(in crate::upstream) fn kept(
        &self,
        position: &Position,
        context: PageContext<'_>,
    ) -> Option<(Page, HeaderMap)> {
        // A new one would say that there is more, and the body would be what it was.
        let told_by = self.told_by(position, context);
        if told_by
            .iter()
            .any(|name| !context.headers.contains_key(name))
        {
            return None;
        }
        let mut body = Map::new();
        for place in self.places() {
            if let PagePlace::Body(path) = place
                && let Some(value) = context.page.find(path).and_then(location::as_json)
            {
                put(&mut body, path.segments(), value);
            }
        }
        let mut headers = HeaderMap::new();
        self.update(&mut headers, context.headers);
        let text = serde_json::to_vec(&body).ok()?;
        let page = Page::decode(Format::Json, &text).ok()?;
        let kept = PageContext {
            page: &page,
            headers: &headers,
            ..context
        };
        let says = |context: PageContext<'_>| {
            let totals = WalkTotals::first(context.records, None);
            let decision = self.decide(position, totals, context).ok()?;
            let announcement = self.announces(context).ok()?;
            let linked = self.linked(context);
            Some((
                announcement,
                linked,
                decision.next,
                decision.reason.ended_by(),
            ))
        };
        let is_same = says(context).is_some_and(|said| says(kept) == Some(said));
        is_same.then_some((page, headers))
    }

    /// Has `headers` of a page say of its list what those of another response say (RFC 9111, section 3.2), and
    /// returns whether that is something else.
    pub(in crate::upstream) fn update(&self, headers: &mut HeaderMap, by: &HeaderMap) -> bool {
        let mut names = vec![LINK, CONTENT_RANGE];
        names.extend(self.places().iter().filter_map(PagePlace::header));
        let before = headers.clone();
        for name in names {
            if !by.contains_key(&name) {
                continue;
            }
            headers.remove(&name);
            for value in by.get_all(&name) {
                headers.append(name.clone(), value.clone());
            }
        }
        *headers != before
    }

    /// The headers by which alone the page at `position` says how much there is, or that it is the last. An entity
    /// tag may stand for the body alone: that the page is what it was is certain only where a response has them.
    pub(in crate::upstream) fn told_by(
        &self,
        position: &Position,
        context: PageContext<'_>,
    ) -> Vec<HeaderName> {
        let totals = WalkTotals::first(context.records, None);
        let decision = self.decide(position, totals, context);
        let absent = match decision.map(|decision| decision.reason) {
            Ok(Reason::Unnamed(_)) => self.next_places(),
            Ok(Reason::NoTotal(at)) => vec![PagePlace::of(at)],
            Ok(_) | Err(_) => Vec::new(),
        };
        let stated = self.flag_place().into_iter().chain(self.total_places());
        let stated = stated.filter_map(|place| place.header());
        let stated = stated.filter(|name| context.headers.contains_key(name));
        let absent = absent.iter().filter_map(PagePlace::header);
        absent.chain(stated).collect()
    }

    /// Whether it is the body that says that the only page of a list is all of it, so that a body which is what it
    /// was says so again.
    pub(in crate::upstream) fn ends_by_body(&self) -> bool {
        let is_body = |place: &PagePlace<'_>| matches!(place, PagePlace::Body(_));
        if self.flag.is_some() {
            return self.flag_place().as_ref().is_none_or(is_body);
        }
        if self.total_places().iter().any(is_body) {
            return true;
        }
        match &self.style {
            PagingStyle::Whole | PagingStyle::Only(_) => true,
            PagingStyle::Cursor { .. } | PagingStyle::NextUrl { .. } | PagingStyle::Link => {
                let places = self.next_places();
                !places.is_empty() && places.iter().all(is_body)
            }
            PagingStyle::Offset(style) => style.full_page.is_some(),
            PagingStyle::Page(style) => style.full_page.is_some(),
        }
    }

    /// Whether headers of the page at `url` name another one, or may.
    pub(in crate::upstream) fn leads_on(&self, headers: &HeaderMap, url: &Uri) -> bool {
        let places = self.next_places();
        let mut names = places.iter().filter_map(PagePlace::header);
        let is_set = |name| (headers.get_all(name).iter()).any(|value| !value.is_empty());
        names.any(|name| name != LINK && is_set(name))
            || (headers.contains_key(LINK) && links_on(headers, url))
    }

    /// Where a page names the next one.
    fn next_places(&self) -> Vec<PagePlace<'_>> {
        match &self.style {
            PagingStyle::Cursor { next, .. } => PagePlace::of_cursor(next),
            PagingStyle::NextUrl { next } => vec![PagePlace::of(next)],
            PagingStyle::Only(page) => {
                let next = page.next.as_ref();
                next.map(PagePlace::of_cursor).unwrap_or_default()
            }
            PagingStyle::Link => vec![PagePlace::Header(LINK.as_str())],
            PagingStyle::Whole | PagingStyle::Offset(_) | PagingStyle::Page(_) => Vec::new(),
        }
    }

    fn flag_place(&self) -> Option<PagePlace<'_>> {
        let (EndFlag::More(at) | EndFlag::Last(at)) = self.flag.as_ref()?;
        at.in_page().map(PagePlace::of)
    }

    /// Where a page states how much there is.
    fn total_places(&self) -> Vec<PagePlace<'_>> {
        let pages = match &self.style {
            PagingStyle::Page(style) => style.pages.as_ref(),
            PagingStyle::Only(page) => page.pages.as_ref(),
            PagingStyle::Cursor { .. }
            | PagingStyle::NextUrl { .. }
            | PagingStyle::Whole
            | PagingStyle::Offset(_)
            | PagingStyle::Link => None,
        };
        let total = self.total.as_ref().and_then(Total::in_page);
        pages.into_iter().chain(total).map(PagePlace::of).collect()
    }

    /// Where a page says something of its list.
    fn places(&self) -> Vec<PagePlace<'_>> {
        let mut places = self.next_places();
        places.extend(self.flag_place());
        places.extend(self.total_places());
        places
    }
}

/// Where a page says something of its list.
enum PagePlace<'a> {
    Body(&'a Path),
    Header(&'a str),
}

impl<'a> PagePlace<'a> {
    fn of(location: &'a Location) -> Self {
        match location {
            Location::Body(path) => Self::Body(path),
            Location::Header { header } => Self::Header(header),
            Location::Chosen(place) => Self::Body(&place.each),
        }
    }

    /// The header, if it is one.
    fn header(&self) -> Option<HeaderName> {
        match self {
            Self::Header(header) => HeaderName::try_from(*header).ok(),
            Self::Body(_) => None,
        }
    }

    fn of_cursor(next: &'a NextCursor) -> Vec<Self> {
        let structure = match next {
            NextCursor::Structure { structure } => Some(Self::Body(structure)),
            NextCursor::One(_) | NextCursor::Several { .. } => None,
        };
        let sources = next.sources();
        let sources = sources.filter_map(|(_, source)| source.in_page().map(Self::of));
        structure.into_iter().chain(sources).collect()
    }
}

/// Puts a value at its place.
fn put(object: &mut Map<String, Value>, segments: &[String], value: Value) {
    match segments {
        [] => {}
        [name] => {
            object.entry(name).or_insert(value);
        }
        [name, below @ ..] => {
            let inner = (object.entry(name)).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, below, value);
            }
        }
    }
}

/// Whether `Link` headers of the page at `url` lead to another one, or may.
fn links_on(headers: &HeaderMap, url: &Uri) -> bool {
    let url = requested(url).ok();
    let is_same = |target: &str| {
        let url = url.as_ref();
        url.is_some_and(|url| url.join(target).as_ref() == Ok(url))
    };
    match next_link(headers, url.as_ref()) {
        Ok(target) => target.is_some_and(|target| !is_same(&target)),
        Err(_) => true,
    }
}
