//! That of a page which says something of its list: what is kept of it when nothing else is.

use http::HeaderMap;
use http::header::{CONTENT_RANGE, HeaderName, LINK};
use serde_json::{Map, Value};

use super::context::{PageContext, WalkTotals};
use super::{Paging, location};
use crate::page::format::Page;
use crate::page::position::Position;
use crate::plan::{EndFlag, Format, Location, NextCursor, PagingStyle, Path, Total};

impl Paging {
    /// A body and headers by which the page at `position` says of the list what it says by its own. `None` if they
    /// would not.
    pub(in crate::upstream) fn kept(
        &self,
        position: &Position,
        context: PageContext<'_>,
    ) -> Option<(Page, HeaderMap)> {
        let mut body = Map::new();
        let mut names = vec![LINK, CONTENT_RANGE];
        for place in self.places() {
            match place {
                PagePlace::Body(path) => {
                    let found = context.page.find(path).and_then(location::as_json);
                    if let Some(value) = found {
                        put(&mut body, path.segments(), value);
                    }
                }
                PagePlace::Header(header) => names.extend(HeaderName::try_from(header).ok()),
            }
        }
        let mut headers = HeaderMap::new();
        for name in names {
            if headers.contains_key(&name) {
                continue;
            }
            for value in context.headers.get_all(&name) {
                headers.append(name.clone(), value.clone());
            }
        }
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

    /// Where a page says something of its list.
    fn places(&self) -> Vec<PagePlace<'_>> {
        let mut places = Vec::new();
        match &self.style {
            PagingStyle::Cursor { next, .. } => places.extend(PagePlace::of_cursor(next)),
            PagingStyle::NextUrl { next } => places.push(PagePlace::of(next)),
            PagingStyle::Page(style) => places.extend(style.pages.as_ref().map(PagePlace::of)),
            PagingStyle::Only(page) => {
                places.extend(page.next.iter().flat_map(PagePlace::of_cursor));
                places.extend(page.pages.as_ref().map(PagePlace::of));
            }
            PagingStyle::Whole | PagingStyle::Offset(_) | PagingStyle::Link => {}
        }
        if let Some(EndFlag::More(at) | EndFlag::Last(at)) = &self.flag {
            places.extend(at.in_page().map(PagePlace::of));
        }
        let total = self.total.as_ref().and_then(Total::in_page);
        places.extend(total.map(PagePlace::of));
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
