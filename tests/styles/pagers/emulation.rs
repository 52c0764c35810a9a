//! An upstream of any style of paging, and of any habit of filling its pages.
//!
//! It holds slots, some of which hold nothing: what a caller may not see is left out of a page
//! after the page was cut, as real upstreams do it.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use serde_json::{Value, json};

use crate::support::server::{self, parameter};

/// How a page says where the next one is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Next {
    /// It does not: positions are numbers.
    #[default]
    Nowhere,
    Body,
    Header,
    Link,
    Url,
    AbsoluteUrl,
}

/// What positions count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Counts {
    /// Slots from this number on.
    Slots(u64),
    /// Pages from this number on.
    Pages(u64),
    /// The id of the last record read.
    #[default]
    LastRecord,
}

/// What stands where the next page is named, on the last one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum LastNext {
    #[default]
    Absent,
    Null,
    Empty,
    /// Another position: only the page there is empty.
    Another,
}

/// An upstream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Emulation {
    pub(crate) slots: Vec<Option<u64>>,
    pub(crate) counts: Counts,
    pub(crate) next: Next,
    pub(crate) last_next: LastNext,
    /// The most that it grants on a page.
    pub(crate) granted: u64,
    /// The most that it grants on a page that is not the first.
    pub(crate) granted_later: u64,
    /// Where it cuts its list.
    pub(crate) cap: usize,
    /// Whether the page past the end is a 404.
    pub(crate) is_404_past_end: bool,
}

impl Emulation {
    /// The ids that a walk should bring.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.visible().map(|id| id.to_string()).collect()
    }

    fn visible(&self) -> impl Iterator<Item = u64> {
        self.slots.iter().copied().flatten()
    }

    /// Answers a request for a page, or for the count.
    pub(crate) fn answer(&self, request: &Request<Bytes>) -> Response<String> {
        if request.uri().path().ends_with("/count") {
            let count = self.visible().count().to_string();
            return server::json(&json!({ "count": count }));
        }
        let number = |name| parameter(request, name)?.parse::<u64>().ok();
        let at = number("at");
        let asked = number("limit").unwrap_or(u64::MAX);
        let page = self.page(at, asked);
        if self.is_404_past_end && page.is_past_end {
            return server::status(404);
        }
        let mut headers = HeaderMap::new();
        let host = server::header(request, "host").unwrap_or_default();
        let url = format!("http://{host}{}", request.uri().path());
        let mut response = server::json(&self.body(&url, &page, asked, &mut headers));
        response.headers_mut().extend(headers);
        response
    }

    fn page(&self, at: Option<u64>, asked: u64) -> PageCut {
        let slots = &self.slots[..self.slots.len().min(self.cap)];
        let end = slots.len() as u64;
        let (start, is_first) = match self.counts {
            Counts::Slots(first) => {
                let at = at.unwrap_or(first);
                (at - first, at == first)
            }
            Counts::Pages(first) => {
                let at = at.unwrap_or(first);
                let size = self.size(at == first, asked);
                ((at - first) * size, at == first)
            }
            Counts::LastRecord => {
                let after = |id| slots.iter().position(|slot| *slot == Some(id));
                let start = at.and_then(after).map_or(0, |index| index as u64 + 1);
                (start, at.is_none())
            }
        };
        let size = self.size(is_first, asked);
        let stop = (start + size).min(end);
        let start = start.min(end);
        PageCut {
            items: slots[start as usize..stop as usize]
                .iter()
                .copied()
                .flatten()
                .collect(),
            size,
            stop,
            is_last: stop == end,
            is_past_end: start == end,
        }
    }

    fn size(&self, is_first: bool, asked: u64) -> u64 {
        let granted = if is_first {
            self.granted
        } else {
            self.granted_later
        };
        asked.min(granted).max(1)
    }

    fn body(&self, url: &str, page: &PageCut, asked: u64, headers: &mut HeaderMap) -> Value {
        let total = self.visible().count() as u64;
        let items: Vec<_> = page
            .items
            .iter()
            .map(|id| json!({ "id": id, "name": format!("group {id}") }))
            .collect();
        let mut body = json!({
            "items": items,
            "total": total,
            "pages": (self.slots.len() as u64).div_ceil(page.size),
            "more": !page.is_last,
            "last": page.is_last.to_string(),
        });
        headers.insert("x-total", total.into());
        let next = match self.last_next {
            LastNext::Another => (!page.is_past_end).then_some(page.stop),
            LastNext::Absent | LastNext::Null | LastNext::Empty => {
                (!page.is_last).then_some(page.stop)
            }
        };
        let text = next.map(|next| self.text(url, next, asked));
        match (self.next, text) {
            (Next::Header, Some(text)) => {
                headers.insert("x-next", text.parse().unwrap());
            }
            (Next::Header, None) if self.last_next == LastNext::Empty => {
                headers.insert("x-next", "".parse().unwrap());
            }
            (Next::Link, Some(text)) => {
                headers.append("link", "</first>; rel=\"first\"".parse().unwrap());
                let link = format!("<{text}>; rel=\"next\", </list>; rel=\"last\"");
                headers.append("link", link.parse().unwrap());
            }
            (Next::Link, None) if self.last_next == LastNext::Empty => {
                headers.insert("link", "".parse().unwrap());
            }
            (Next::Nowhere, _) | (Next::Header | Next::Link, None) => {}
            (Next::Body | Next::Url | Next::AbsoluteUrl, Some(text)) => body["next"] = text.into(),
            (Next::Body | Next::Url | Next::AbsoluteUrl, None) => match self.last_next {
                LastNext::Null => body["next"] = Value::Null,
                LastNext::Empty => body["next"] = "".into(),
                LastNext::Absent | LastNext::Another => {}
            },
        }
        body
    }

    fn text(&self, url: &str, next: u64, asked: u64) -> String {
        let mut text = match self.next {
            Next::Nowhere | Next::Body | Next::Header => return next.to_string(),
            Next::Link | Next::Url => String::new(),
            Next::AbsoluteUrl => url.to_owned(),
        };
        write!(text, "?at={next}&limit={asked}").unwrap();
        text
    }
}

/// One page, cut.
struct PageCut {
    items: Vec<u64>,
    size: u64,
    /// The first slot after it.
    stop: u64,
    is_last: bool,
    is_past_end: bool,
}
