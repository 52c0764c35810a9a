//! An upstream that misreports how much it has.

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use super::parents::Parents;
use super::written::{response, xml};
use crate::support::server::parameter;

/// How its pages follow each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Style {
    #[default]
    Whole,
    Cursor,
    Link,
    NextUrl,
    /// With this `step`.
    Offset(&'static str),
    Page,
}

/// Where the adapter looks for a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Claim {
    #[default]
    Nowhere,
    Body,
    Header,
    ContentRange,
    Count,
    Pages,
}

/// What the upstream says where that is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Number {
    #[default]
    True,
    Zero,
    One,
    /// The length of the page, or its number.
    Own,
    TooMany,
    /// The number of parents of the records.
    Parents,
    Absent,
    Object,
    /// True, with a fraction of zero.
    Fraction,
}

/// Of what type a next position is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum NextType {
    #[default]
    Text,
    Number,
    Object,
    List,
    True,
    /// A text that stands where the adapter does not look.
    Misspelt,
}

/// What comes in place of a page, or on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Oddity {
    #[default]
    None,
    /// An object in place of the list.
    Object,
    /// A text among the records.
    Text,
    /// A page for people, which is well-formed.
    Html,
}

/// The upstream, and what its adapter declares.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a lie of its own, and they come in every combination"
)]
pub(super) struct Liar {
    pub(super) style: Style,
    pub(super) is_xml: bool,
    pub(super) claim: Claim,
    pub(super) number: Number,
    pub(super) is_hint: bool,
    pub(super) has_limit: bool,
    /// How many slots the list has.
    pub(super) length: usize,
    /// How many of them are on a page.
    pub(super) page: usize,
    /// The slot that holds the same record as the first.
    pub(super) twice: Option<usize>,
    pub(super) next_type: NextType,
    /// How the last page says that there is no next one.
    pub(super) last_next: u8,
    /// What `Content-Range` says: nothing, the truth, `*`, or a range without a unit.
    pub(super) range: u8,
    /// Whether more is asked for per page than it grants.
    pub(super) is_clamped: bool,
    /// Whether it never shows what is past the first page.
    pub(super) is_cut: bool,
    pub(super) ignores_position: bool,
    /// Whether the second page shows nothing of what it holds.
    pub(super) has_holes: bool,
    pub(super) is_refused_past_end: bool,
    pub(super) is_206: bool,
    /// Whether a `Link` header names the next page, in every style.
    pub(super) is_linked: bool,
    pub(super) oddity: Oddity,
    /// Whether that is on the first page, and not on those after it.
    pub(super) is_odd_first: bool,
    /// If records stand under several parents. The list then has as many of those as slots.
    pub(super) parents: Option<Parents>,
}

impl Liar {
    pub(super) const fn is_numbered(&self) -> bool {
        matches!(self.style, Style::Offset(_) | Style::Page)
    }

    /// Whether the adapter reads the true number of records and trusts it.
    fn is_counted(&self) -> bool {
        let is_true = matches!(
            self.number,
            Number::True | Number::Fraction | Number::TooMany
        );
        let is_read = !matches!(self.claim, Claim::Nowhere | Claim::Pages);
        is_true && is_read && !self.is_hint
    }

    /// Without what no evidence tells.
    pub(super) fn tellable(mut self) -> Self {
        if self.claim == Claim::Pages && self.style != Style::Page {
            self.claim = Claim::Nowhere;
        }
        if self.claim == Claim::ContentRange {
            // A header holds no structure.
            self.range = 0;
            if matches!(self.number, Number::Object | Number::Fraction) {
                self.number = Number::True;
            }
        }
        if self.style == Style::Whole {
            self.has_limit = false;
        }
        self.is_clamped &= self.has_limit;
        // The adapter goes by what it asked for, and gets less.
        if self.is_clamped && self.style == Style::Offset("asked") && !self.is_counted() {
            self.is_clamped = false;
        }
        if self.style == Style::Offset("asked") {
            self.has_limit = true;
        }
        // A page shorter than asked that says it is the only one is.
        let is_own_page = matches!(self.number, Number::Own | Number::One);
        if self.claim == Claim::Pages && is_own_page && self.has_limit {
            self.is_clamped = false;
        }
        if let Some(parents) = &mut self.parents {
            self.has_holes = false;
            // A page of one parent looks like a page of records.
            if parents.are_counted {
                self.page = self.page.max(2);
                // Parents of which none has a record, and as many pages or records as were announced, are also what an
                // upstream without any groups sends, so nothing contradicts such a page. A request beyond it would tell no more:
                // one that ignores the position answers with the same page, which may well be its last.
                let is_announced = self.claim == Claim::Pages && is_own_page;
                if is_announced || self.ignores_position {
                    parents.sizes = parents.sizes.map(|size| size.max(1));
                }
            } else {
                parents.sizes = parents.sizes.map(|size| size.max(1));
            }
        }
        // `received` declares that positions count records.
        if let (Style::Offset("received"), Some(parents)) = (self.style, &mut self.parents) {
            parents.are_counted = false;
            parents.sizes = parents.sizes.map(|size| size.max(1));
        }
        // That a total counts parents shows where pages have several.
        if self.number == Number::Parents
            && !self.parents.is_some_and(|parents| parents.are_counted)
        {
            self.number = Number::True;
        }
        // In XML, elements of other names are no records.
        if self.is_xml && self.oddity == Oddity::Object {
            self.oddity = Oddity::Text;
        }
        // Holes: a token leads over them, and so does a true hint where the offset counts slots.
        let is_led = match self.style {
            Style::Whole | Style::Page => false,
            Style::Cursor | Style::Link | Style::NextUrl => true,
            Style::Offset(step) => {
                let is_true = matches!(self.number, Number::True | Number::TooMany);
                step == "asked" && self.is_hint && is_true && self.claim != Claim::Nowhere
            }
        };
        self.has_holes &= is_led && !self.is_clamped;
        // What is cut silently, and what is misspelt, only a number tells.
        let is_told = self.is_counted() || (self.range == 1 && self.claim != Claim::ContentRange);
        let is_linked = self.is_linked && !self.is_numbered() && self.style != Style::Link;
        let is_told = is_told || is_linked;
        self.is_cut &= is_told;
        if self.style == Style::Whole {
            self.is_cut |= is_told && self.next_type == NextType::Object;
            self.next_type = NextType::Text;
        }
        if self.next_type == NextType::Misspelt && !is_told {
            self.next_type = NextType::Text;
        }
        // Where the same page comes again, a number that is its own is confirmed by it.
        let is_own = matches!(self.number, Number::Own | Number::One);
        let is_confirmed = is_own || self.is_hint || self.number == Number::Parents;
        self.ignores_position &= !is_confirmed;
        // A page of one record that comes twice is the same page again.
        if is_own && self.page == 1 {
            self.twice = None;
        }
        if self.is_xml && self.number == Number::Fraction {
            self.number = Number::True;
        }
        self
    }

    /// What a walk that is complete brings.
    pub(super) fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        for slot in 0..self.records() {
            let id = self.id(slot).to_string();
            if !self.is_hidden(slot) && !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    pub(super) fn id(&self, slot: usize) -> usize {
        if self.twice == Some(slot) { 0 } else { slot }
    }

    pub(super) fn is_hidden(&self, slot: usize) -> bool {
        self.has_holes && slot / self.page == 1 && self.length > 2 * self.page
    }

    /// How many records it has in all. A hint also counts those that it does not show.
    fn total(&self) -> usize {
        let shown = (0..self.records()).filter(|slot| self.is_hint || !self.is_hidden(*slot));
        shown.count()
    }

    /// The number that it states on a page, if it states one.
    fn stated(&self, own: usize, truth: usize) -> Option<Value> {
        Some(match self.number {
            Number::True => json!(truth),
            Number::Zero => json!(0),
            Number::One => json!(1),
            Number::Own => json!(own),
            Number::TooMany => json!(truth + 3),
            Number::Parents => json!(self.length),
            Number::Absent => return None,
            Number::Object => json!({ "relation": "eq", "value": truth }),
            Number::Fraction => json!(truth as f64),
        })
    }

    pub(super) fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let at = parameter(request, "at").and_then(|at| at.parse::<usize>().ok());
        let is_whole = self.style == Style::Whole && !self.is_cut;
        let size = if is_whole {
            self.units().max(1)
        } else {
            self.page
        };
        let start = match (self.style, at) {
            _ if self.ignores_position => 0,
            (Style::Page, at) => (at.unwrap_or(1) - 1) * size,
            (_, at) => at.unwrap_or(0),
        };
        let end = if self.is_cut {
            size.min(self.units())
        } else {
            self.units()
        };
        let start = start.min(end);
        let stop = (start + size).min(end);
        if start == end && start > 0 && self.is_refused_past_end {
            return response(400, Bytes::from("past the end"));
        }
        let is_odd = self.is_odd_first == (start == 0);
        if is_odd && self.oddity == Oddity::Html {
            return response(200, Bytes::from("<html><body><p>Sign in</p></body></html>"));
        }
        let records = self.shown(start..stop);
        let mut body = json!({});
        let is_count = request.uri().path() == "/count";
        let own = if is_count { size } else { records.len() };
        let total = self.stated(own, self.total());
        let pages = self.stated(start / size + 1, self.units().div_ceil(size));
        let mut headers = Vec::new();
        if let Some(total) = &total {
            if is_count || self.claim == Claim::Body {
                body["total"] = total.clone();
            }
            let text = total.to_string();
            if self.claim == Claim::Header && total.is_number() {
                headers.push(("x-total", text.clone()));
            }
            if self.claim == Claim::ContentRange {
                headers.push(("content-range", format!("items {start}-{stop}/{text}")));
            }
        }
        if let (Claim::Pages, Some(pages)) = (self.claim, pages) {
            body["pages"] = pages;
        }
        let (last, total) = (stop.saturating_sub(1), self.total());
        match self.range {
            1 => headers.push(("content-range", format!("items {start}-{last}/{total}"))),
            2 => headers.push(("content-range", format!("items {start}-{last}/*"))),
            3 => headers.push(("content-range", format!("{start}-{last}/{total}"))),
            _ => {}
        }
        self.next(stop, end, &mut body, &mut headers);
        let is_linked = self.is_linked && self.style != Style::Link;
        if is_linked && stop < self.units() && !headers.iter().any(|(name, _)| *name == "link") {
            headers.push(("link", format!("</list?at={stop}&linked>; rel=\"next\"")));
        }
        let oddity = if is_odd { self.oddity } else { Oddity::None };
        self.list(start..stop, &records, oddity, &mut body);
        let text = if self.is_xml {
            xml(&body)
        } else {
            body.to_string()
        };
        let status = if self.is_206 { 206 } else { 200 };
        let mut response = response(status, Bytes::from(text));
        for (name, value) in headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        response
    }

    /// Names the next page.
    fn next(
        &self,
        stop: usize,
        end: usize,
        body: &mut Value,
        headers: &mut Vec<(&'static str, String)>,
    ) {
        let has_next = stop < end || (self.ignores_position && end > 0);
        let text = match self.style {
            Style::NextUrl => format!("/list?at={stop}"),
            Style::Whole | Style::Cursor | Style::Link | Style::Offset(_) | Style::Page => {
                stop.to_string()
            }
        };
        match self.style {
            Style::Link if has_next && self.next_type != NextType::Misspelt => {
                headers.push(("link", format!("</list?at={stop}>; rel=\"next\"")));
            }
            Style::Cursor | Style::NextUrl if has_next => match self.next_type {
                NextType::Text => body["next"] = json!(text),
                // A URL is no number.
                NextType::Number if self.style == Style::NextUrl => body["next"] = json!(text),
                NextType::Number => body["next"] = json!(stop as f64),
                NextType::Object => body["next"] = json!({ "href": text }),
                NextType::List => body["next"] = json!([text]),
                NextType::True => body["next"] = json!(true),
                NextType::Misspelt => body["nextPage"] = json!(text),
            },
            Style::Cursor | Style::NextUrl => match self.last_next {
                1 => body["next"] = Value::Null,
                2 => body["next"] = json!(false),
                3 => body["next"] = json!(""),
                _ => {}
            },
            Style::Whole | Style::Link | Style::Offset(_) | Style::Page => {}
        }
    }
}
