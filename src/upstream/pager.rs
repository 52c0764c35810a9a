//! The pager: how the position advances from page to page.
//!
//! A pure function of what a page says: no I/O, no state beyond what the first page granted. Where
//! a position is written into the request is the template's matter. The walk keeps the account
//! that needs every page (repeats, totals, bounds).

use std::ops::Range;

use http::HeaderMap;
use http::header::LINK;
use thiserror::Error;
use url::Url;

use crate::config::upstream::{
    Absent, CursorPages, LinkPages, Location, NextUrlPages, NumberedPages, OffsetPages, Pagination,
    Repeat, ShortPage,
};

use super::format::Page;

/// Where a page is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Position {
    /// The first page of a style that needs no position for it.
    Start,
    /// What the page before named.
    Cursor(String),
    /// How many records come before it.
    Offset(u64),
    /// Its number.
    Page(u64),
    /// Its URL.
    Url(Url),
}

/// What the pager looks at in an answer.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// The decoded body.
    pub page: &'a Page,
    /// The header section.
    pub headers: &'a HeaderMap,
    /// The URL that was asked.
    pub url: &'a Url,
    /// How many records the page holds.
    pub records: u64,
}

/// How much an upstream says there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announcement {
    /// Records in all.
    pub records: Option<u64>,
    /// Pages in all.
    pub pages: Option<u64>,
}

impl Announcement {
    /// Whether both may be said of one list: what a page does not say contradicts nothing.
    pub fn agrees(self, other: Self) -> bool {
        let agree = |one: Option<u64>, other: Option<u64>| {
            one.zip(other).is_none_or(|(one, other)| one == other)
        };
        agree(self.records, other.records) && agree(self.pages, other.pages)
    }
}

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

/// Why the walk cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PagerError {
    /// The upstream always says how much there is, and now does not.
    #[error("the page does not say `{0}`")]
    TotalAbsent(String),
    /// What should be a number is none.
    #[error("`{name}` is `{value}`, which is no number")]
    NotANumber {
        /// Where it stands.
        name: String,
        /// What it says.
        value: String,
    },
    /// The page holds nothing although there is something.
    #[error("the first page holds no record of the {0} that it announces")]
    EmptyOf(u64),
    /// The first page announces more pages than a walk may have.
    #[error("{0} pages are announced, more than `limits.pages` allows")]
    TooMany(u64),
    /// The next page's URL cannot be read.
    #[error("the next page's URL cannot be read")]
    BadUrl,
    /// The next page's URL leads to another origin, where our credentials must not go.
    #[error("the next page's URL leads to another origin, `{0}`")]
    ForeignUrl(String),
    /// The position was read before.
    #[error("a position comes a second time: the walk would never end")]
    Loop,
    /// The page was read before, at another position.
    #[error("a page comes a second time, at another position")]
    SamePage,
    /// Fewer records came than were announced.
    #[error("{announced} records were announced and {received} came")]
    Short {
        /// How many there should be.
        announced: u64,
        /// How many there were.
        received: u64,
    },
}

/// How one upstream's pages follow each other.
#[derive(Debug, Clone)]
pub struct Pager {
    style: Pagination,
    max_pages: u32,
}

impl Pager {
    /// The pager of this style, which announces no more than `max_pages` at once.
    pub const fn new(style: Pagination, max_pages: u32) -> Self {
        Self { style, max_pages }
    }

    /// Where the first page is.
    pub const fn first(&self) -> Position {
        match &self.style {
            Pagination::None
            | Pagination::Cursor(_)
            | Pagination::Link(_)
            | Pagination::NextUrl(_) => Position::Start,
            Pagination::Offset(style) => Position::Offset(style.first),
            Pagination::Page(style) => Position::Page(style.first),
        }
    }

    /// How many records to ask for on each page.
    pub const fn limit(&self) -> Option<u32> {
        match &self.style {
            Pagination::None => None,
            Pagination::Cursor(style) => style.limit,
            Pagination::Offset(style) => style.limit,
            Pagination::Page(style) => style.limit,
            Pagination::Link(style) => style.limit,
            Pagination::NextUrl(style) => style.limit,
        }
    }

    /// What a position or page that was seen before means.
    pub const fn on_repeat(&self) -> Repeat {
        match &self.style {
            Pagination::None => Repeat::Error,
            Pagination::Cursor(style) => style.on_repeat,
            Pagination::Offset(style) => style.on_repeat,
            Pagination::Page(style) => style.on_repeat,
            Pagination::Link(style) => style.on_repeat,
            Pagination::NextUrl(style) => style.on_repeat,
        }
    }

    /// How much there is in all, as far as this page says. Two pages of one walk that say
    /// different things were cut from different lists.
    pub fn announces(&self, look: Look<'_>) -> Result<Announcement, PagerError> {
        let (total, pages) = match &self.style {
            Pagination::Offset(style) => (style.total.as_ref(), None),
            Pagination::Page(style) => (style.total.as_ref(), style.pages.as_ref()),
            Pagination::None
            | Pagination::Cursor(_)
            | Pagination::Link(_)
            | Pagination::NextUrl(_) => (None, None),
        };
        let read = |location: Option<&Location>| {
            location.map_or(Ok(None), |location| number(location, look))
        };
        Ok(Announcement {
            records: read(total)?,
            pages: read(pages)?,
        })
    }

    /// Where to read on after the page at `position`, of which the first `granted` so many records.
    pub fn next(
        &self,
        position: &Position,
        granted: u64,
        look: Look<'_>,
    ) -> Result<Next, PagerError> {
        match (&self.style, position) {
            (Pagination::None, _) => Ok(Next::End),
            (Pagination::Cursor(style), _) => Ok(style.next(look)),
            (Pagination::Link(_), _) => LinkPages::next(look),
            (Pagination::NextUrl(style), _) => style.next(look),
            (Pagination::Offset(style), Position::Offset(offset)) => {
                style.next(*offset, granted, look, self.max_pages)
            }
            (Pagination::Page(style), Position::Page(page)) => {
                style.next(*page, granted, look, self.max_pages)
            }
            // A numbered style starts at a number and only ever hands out numbers.
            (Pagination::Offset(_) | Pagination::Page(_), _) => Err(PagerError::Loop),
        }
    }
}

impl CursorPages {
    fn next(&self, look: Look<'_>) -> Next {
        match text(&self.next, look) {
            Some(cursor) => Next::One(Position::Cursor(cursor)),
            None => Next::End,
        }
    }
}

impl LinkPages {
    fn next(look: Look<'_>) -> Result<Next, PagerError> {
        match next_link(look.headers) {
            Some(target) => at_url(&target, look.url),
            None => Ok(Next::End),
        }
    }
}

impl NextUrlPages {
    fn next(&self, look: Look<'_>) -> Result<Next, PagerError> {
        match text(&self.next, look) {
            Some(target) => at_url(&target, look.url),
            None => Ok(Next::End),
        }
    }
}

impl OffsetPages {
    fn next(
        &self,
        offset: u64,
        granted: u64,
        look: Look<'_>,
        max_pages: u32,
    ) -> Result<Next, PagerError> {
        let announced = match announced(self.total.as_ref(), self.absent, look)? {
            Announced::Total(total) => total,
            Announced::Nothing => {
                let ends = ends_here(look.records, self.limit, self.short_page);
                return Ok(if ends {
                    Next::End
                } else {
                    // The first page says how far a page reaches, whatever was asked for.
                    Next::One(Position::Offset(offset + granted))
                });
            }
            Announced::End => return Ok(Next::End),
        };
        if announced == 0 {
            return Ok(Next::End);
        }
        if granted == 0 {
            return Err(PagerError::EmptyOf(announced));
        }
        let read = offset.saturating_sub(self.first) / granted + 1;
        rest(read..announced.div_ceil(granted), max_pages, |page| {
            Position::Offset(self.first + page * granted)
        })
    }
}

impl NumberedPages {
    fn next(
        &self,
        page: u64,
        granted: u64,
        look: Look<'_>,
        max_pages: u32,
    ) -> Result<Next, PagerError> {
        let pages = match self.pages.as_ref() {
            Some(_) => announced(self.pages.as_ref(), self.absent, look)?,
            None => match announced(self.total.as_ref(), self.absent, look)? {
                Announced::Total(total) if total > 0 && granted == 0 && page == self.first => {
                    return Err(PagerError::EmptyOf(total));
                }
                Announced::Total(total) => Announced::Total(total.div_ceil(granted.max(1))),
                Announced::Nothing => Announced::Nothing,
                Announced::End => Announced::End,
            },
        };
        match pages {
            Announced::End => Ok(Next::End),
            Announced::Nothing if ends_here(look.records, self.limit, self.short_page) => {
                Ok(Next::End)
            }
            Announced::Nothing => Ok(Next::One(Position::Page(page + 1))),
            Announced::Total(pages) => {
                let read = page.saturating_sub(self.first) + 1;
                rest(read..pages, max_pages, |page| {
                    Position::Page(self.first + page)
                })
            }
        }
    }
}

/// What a page says about how much there is.
enum Announced {
    /// So much.
    Total(u64),
    /// Nothing, and the walk goes on until a page is empty.
    Nothing,
    /// Nothing, and that means that it was the only page.
    End,
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

/// Without a total, an empty page is the end; a short one only where the adapter says so.
fn ends_here(records: u64, limit: Option<u32>, short_page: ShortPage) -> bool {
    records == 0
        || (short_page == ShortPage::End && limit.is_some_and(|limit| records < limit.into()))
}

fn name(location: &Location) -> String {
    match location {
        Location::Body(path) => path.to_string(),
        Location::Header { header } => header.clone(),
    }
}

/// The text at a location; absent, null and empty are the same to a walk.
fn text(location: &Location, look: Look<'_>) -> Option<String> {
    let text = match location {
        Location::Body(path) => look.page.find(path)?.text()?.into_owned(),
        Location::Header { header } => look.headers.get(header)?.to_str().ok()?.to_owned(),
    };
    (!text.is_empty()).then_some(text)
}

fn number(location: &Location, look: Look<'_>) -> Result<Option<u64>, PagerError> {
    text(location, look)
        .map(|text| {
            text.trim().parse().map_err(|_| PagerError::NotANumber {
                name: name(location),
                value: text,
            })
        })
        .transpose()
}

/// The position of the page that `target` names, seen from `base`.
fn at_url(target: &str, base: &Url) -> Result<Next, PagerError> {
    let url = base.join(target).map_err(|_| PagerError::BadUrl)?;
    if url.origin() != base.origin() || !url.username().is_empty() || url.password().is_some() {
        return Err(PagerError::ForeignUrl(url.origin().ascii_serialization()));
    }
    Ok(Next::One(Position::Url(url)))
}

/// The target of the first `rel="next"` link (RFC 8288, section 3), over all `Link` fields.
fn next_link(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(LINK)
        .iter()
        .filter_map(|field| field.to_str().ok())
        .flat_map(links)
        .find(|(_, parameters)| is_next(parameters))
        .map(|(target, _)| target.to_owned())
}

/// The links of one field: targets in angle brackets, each with its parameters.
fn links(field: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = field;
    std::iter::from_fn(move || {
        let start = rest.find('<')? + 1;
        let end = start + rest[start..].find('>')?;
        let target = &rest[start..end];
        let parameters = &rest[end + 1..];
        // A comma between links, unlike one inside quotes.
        let mut quoted = false;
        let stop = parameters
            .char_indices()
            .find(|&(_, character)| {
                quoted ^= character == '"';
                character == ',' && !quoted
            })
            .map_or(parameters.len(), |(index, _)| index);
        rest = &parameters[stop..];
        Some((target, &parameters[..stop]))
    })
}

/// Whether `rel` is or holds `next`: it is a list of words, quoted or not, in any case.
fn is_next(parameters: &str) -> bool {
    parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("rel"))
        .is_some_and(|(_, value)| {
            value
                .trim()
                .trim_matches('"')
                .split_ascii_whitespace()
                .any(|relation| relation.eq_ignore_ascii_case("next"))
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use crate::config::upstream::Format;

    use super::*;

    fn pagination(toml: &str) -> Pagination {
        toml::from_str(toml).unwrap()
    }

    /// An upstream with `total` records that grants at most `granted` of what is asked for.
    struct Emulated {
        total: u64,
        granted: u64,
    }

    struct Reply {
        page: Page,
        headers: HeaderMap,
    }

    impl Emulated {
        fn reply(&self, position: &Position, asked: u64) -> Reply {
            let size = asked.min(self.granted);
            let (start, size) = match position {
                Position::Start => (0, size),
                Position::Cursor(cursor) => (cursor.parse().unwrap(), size),
                Position::Offset(offset) => (*offset, size),
                Position::Page(page) => ((page - 1) * size, size),
                Position::Url(url) => {
                    let (_, from) = url.query_pairs().next().unwrap();
                    (from.parse().unwrap(), size)
                }
            };
            let end = (start + size).min(self.total);
            let records: Vec<u64> = (start..end).collect();
            let more = end < self.total;
            let body = json!({
                "items": records,
                "total": self.total,
                "pages": self.total.div_ceil(size),
                "next": more.then(|| end.to_string()),
                "next_url": more.then(|| format!("/list?from={end}")),
            });
            let mut headers = HeaderMap::new();
            if more {
                let link = format!(
                    "<https://u.example/first>; rel=\"first\", </list?from={end}>; title=\"a, b\"; rel=\"last NEXT\""
                );
                headers.insert(LINK, link.parse().unwrap());
            }
            Reply {
                page: Page::decode(Format::Json, body.to_string().as_bytes()).unwrap(),
                headers,
            }
        }
    }

    /// Reads the whole list as the walk does, without its account of repeats.
    fn read(pager: &Pager, upstream: &Emulated) -> Result<Vec<u64>, PagerError> {
        let url: Url = "https://u.example/list".parse().unwrap();
        let asked = pager.limit().map_or(u64::MAX, u64::from);
        let mut list = Vec::new();
        let mut granted = None;
        let mut read_page = |position: &Position| {
            let reply = upstream.reply(position, asked);
            let records: Vec<u64> = reply
                .page
                .records(&"/items".parse().unwrap())
                .unwrap()
                .into_iter()
                .map(|record| record.text().unwrap().parse().unwrap())
                .collect();
            list.extend_from_slice(&records);
            let count = records.len() as u64;
            let granted = *granted.get_or_insert(count);
            let look = Look {
                page: &reply.page,
                headers: &reply.headers,
                url: &url,
                records: count,
            };
            pager.next(position, granted, look)
        };
        let mut position = pager.first();
        loop {
            match read_page(&position)? {
                Next::End => break,
                Next::One(next) => position = next,
                Next::Rest(positions) => {
                    for position in positions {
                        read_page(&position)?;
                    }
                    break;
                }
            }
        }
        Ok(list)
    }

    const STYLES: [&str; 9] = [
        "style = 'cursor'\nnext = '/next'",
        "style = 'offset'\ntotal = '/total'",
        "style = 'offset'",
        "style = 'page'\npages = '/pages'",
        "style = 'page'\ntotal = '/total'",
        "style = 'page'\npages = '/pages'\ntotal = '/total'",
        "style = 'page'",
        "style = 'link'",
        "style = 'next_url'\nnext = '/next_url'",
    ];

    proptest! {
        #[test]
        fn every_style_reads_every_record_once_whatever_the_sizes(
            style in proptest::sample::select(&STYLES[..]),
            limit in 1_u32..12,
            granted in 1_u64..12,
            pages in 0_u64..6,
            rest in 0_u64..12,
        ) {
            // Exact multiples of the page size are drawn as often as not.
            let total = pages * granted.min(limit.into()) + rest % 3 * (rest / 3);
            let pager = Pager::new(pagination(&format!("{style}\nlimit = {limit}")), 1000);
            let read = read(&pager, &Emulated { total, granted }).unwrap();
            prop_assert_eq!(read, (0..total).collect::<Vec<_>>());
        }
    }

    fn next(style: &str, position: &Position, body: &str) -> Result<Next, PagerError> {
        let page = Page::decode(Format::Json, body.as_bytes()).unwrap();
        let records = page.records(&"/items".parse().unwrap()).unwrap().len() as u64;
        let look = Look {
            page: &page,
            headers: &HeaderMap::new(),
            url: &"https://u.example/list?a=b".parse().unwrap(),
            records,
        };
        Pager::new(pagination(style), 100).next(position, records, look)
    }

    #[test]
    fn a_missing_total_means_what_is_declared() {
        let body = r#"{"items": [1, 2]}"#;
        let page = |absent: &str| {
            next(
                &format!("style = 'page'\npages = '/pages'\n{absent}"),
                &Position::Page(1),
                body,
            )
        };
        assert_eq!(page(""), Err(PagerError::TotalAbsent("/pages".to_owned())));
        assert_eq!(page("absent = 'end'"), Ok(Next::End));
        assert_eq!(
            page("absent = 'continue'"),
            Ok(Next::One(Position::Page(2)))
        );
    }

    #[test]
    fn a_short_page_ends_the_walk_only_where_that_is_declared() {
        let body = r#"{"items": [1, 2]}"#;
        let offset = |short: &str| {
            next(
                &format!("style = 'offset'\nlimit = 10\n{short}"),
                &Position::Offset(0),
                body,
            )
        };
        assert_eq!(offset(""), Ok(Next::One(Position::Offset(2))));
        assert_eq!(offset("short_page = 'end'"), Ok(Next::End));
    }

    #[test]
    fn a_list_that_grew_goes_on_after_the_page_that_was_its_last() {
        let offsets = "style = 'offset'\nfirst = 1\ntotal = '/total'";
        let pages = "style = 'page'\ntotal = '/total'";
        let body = |total: u64| json!({"items": [1, 2], "total": total}).to_string();
        let after = |style, at, total| next(style, &at, &body(total)).unwrap();
        assert_eq!(after(offsets, Position::Offset(5), 6), Next::End);
        assert_eq!(after(pages, Position::Page(3), 6), Next::End);
        assert_eq!(
            after(offsets, Position::Offset(5), 9),
            Next::Rest(vec![Position::Offset(7), Position::Offset(9)])
        );
        assert_eq!(
            after(pages, Position::Page(3), 9),
            Next::Rest(vec![Position::Page(4), Position::Page(5)])
        );
    }

    #[test]
    fn a_total_may_be_written_as_text_and_nothing_else() {
        let style = "style = 'offset'\ntotal = '/total'";
        let at = Position::Offset(0);
        assert_eq!(
            next(style, &at, r#"{"items": [1, 2], "total": "3"}"#),
            Ok(Next::Rest(vec![Position::Offset(2)]))
        );
        assert!(matches!(
            next(style, &at, r#"{"items": [1], "total": "many"}"#),
            Err(PagerError::NotANumber { .. })
        ));
    }

    #[test]
    fn an_empty_first_page_of_a_full_list_is_a_contradiction() {
        let body = r#"{"items": [], "total": 7}"#;
        for (style, at) in [("offset", Position::Offset(0)), ("page", Position::Page(1))] {
            assert_eq!(
                next(&format!("style = '{style}'\ntotal = '/total'"), &at, body),
                Err(PagerError::EmptyOf(7))
            );
        }
    }

    #[test]
    fn more_pages_than_allowed_are_refused_before_any_is_asked_for() {
        let body = r#"{"items": [1], "total": 1000000}"#;
        assert_eq!(
            next(
                "style = 'offset'\ntotal = '/total'",
                &Position::Offset(0),
                body
            ),
            Err(PagerError::TooMany(1_000_000))
        );
    }

    #[test]
    fn a_next_url_never_leaves_the_origin() {
        let to = |target: &str| {
            let body = json!({"items": [1], "next": target}).to_string();
            next(
                "style = 'next_url'\nnext = '/next'",
                &Position::Start,
                &body,
            )
        };
        let expected = Position::Url("https://u.example/list?from=2".parse().unwrap());
        assert_eq!(to("?from=2"), Ok(Next::One(expected.clone())));
        assert_eq!(to("https://u.example/list?from=2"), Ok(Next::One(expected)));
        for foreign in [
            "https://evil.example/",
            "http://u.example/",
            "//evil.example/",
            "https://u.example:8443/",
            "https://user@u.example/",
            "file:///etc/passwd",
        ] {
            assert!(
                matches!(to(foreign), Err(PagerError::ForeignUrl(_))),
                "{foreign}"
            );
        }
        assert_eq!(to(""), Ok(Next::End));
    }

    #[test]
    fn the_next_link_is_found_in_any_field_and_any_spelling() {
        let headers = |fields: &[&str]| {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(LINK, field.parse().unwrap());
            }
            headers
        };
        let found = |fields: &[&str]| next_link(&headers(fields));
        assert_eq!(found(&["<a>; rel=next"]).as_deref(), Some("a"));
        assert_eq!(
            found(&["<a>; rel=\"prev\"", "<b>; rel=\"next\""]).as_deref(),
            Some("b")
        );
        assert_eq!(found(&["<a,b>; rel=\"next last\""]).as_deref(), Some("a,b"));
        assert_eq!(
            found(&["<a>; rel=prev, <b>;REL=\"Next\""]).as_deref(),
            Some("b")
        );
        assert_eq!(found(&["<a>; rel=\"last\"", ""]), None);
        assert_eq!(found(&["garbage, <"]), None);
    }
}
