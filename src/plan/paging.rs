//! How pages follow each other: the style, and the terms that every style has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CursorSource, LinkRules, Location, NextCursor};

/// How the pages of one list follow each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Paging {
    /// How the position advances.
    pub style: PagingStyle,
    /// How many records to request per page.
    pub limit: Option<u32>,
    /// Where a page says whether more follow.
    pub flag: Option<EndFlag>,
    /// Where the total number of records is.
    pub total: Option<Total>,
    /// The length at which the upstream silently truncates its list.
    pub cap: Option<u32>,
    /// What a page without records means.
    pub empty_page: EmptyPage,
    /// What a repeated position or page means.
    pub on_repeat: Repeat,
    /// Where the URLs of next pages may lead.
    pub links: LinkRules,
    /// The number of pages that may be announced.
    pub max_pages: u32,
}

impl Paging {
    /// A response that is no list of pages: all of it is one.
    #[must_use]
    pub fn of_one_group(&self) -> Self {
        Self {
            style: PagingStyle::Whole,
            limit: None,
            flag: None,
            total: None,
            cap: None,
            empty_page: EmptyPage::End,
            on_repeat: Repeat::Error,
            links: self.links.clone(),
            max_pages: 1,
        }
    }

    /// Whether anything depends on which records a page has: where to read on, or whether the list is whole.
    pub fn counts_records(&self) -> bool {
        let is_in_record = match &self.flag {
            Some(EndFlag::More(flag) | EndFlag::Last(flag)) => flag.in_page().is_none(),
            None => false,
        };
        let is_whole = self.style == PagingStyle::Whole;
        !is_whole || is_in_record || self.total.is_some() || self.cap.is_some()
    }

    /// The same list if it is always a single page. What its pages say of how much there is still counts;
    /// `total` is where that states the number of its records; one that may count more than is shown says
    /// nothing of a page that nothing can be read beyond.
    #[must_use]
    pub fn single_page(&self, total: Option<Total>) -> Self {
        let (next, pages) = match &self.style {
            PagingStyle::Whole | PagingStyle::Offset(_) | PagingStyle::Link => (None, None),
            PagingStyle::Cursor { next, .. } => (next.in_page(), None),
            PagingStyle::NextUrl { next } => {
                let next = CursorSource::Page(next.clone());
                (Some(NextCursor::One(next)), None)
            }
            PagingStyle::Page(numbered) => (None, numbered.pages.clone()),
            PagingStyle::Only(only) => (only.next.clone(), only.pages.clone()),
        };
        Self {
            style: PagingStyle::Only(OnlyPage { next, pages }),
            limit: None,
            flag: self.flag.clone(),
            total: total.filter(|total| total.trust == Trust::Exact),
            cap: self.cap,
            empty_page: EmptyPage::End,
            on_repeat: Repeat::Error,
            links: self.links.clone(),
            max_pages: self.max_pages,
        }
    }
}

/// How the position advances from page to page.
#[derive(Debug, Clone, PartialEq)]
pub enum PagingStyle {
    /// The first page is the whole list.
    Whole,
    /// The first page is the whole list, although pages of other lists of this upstream follow each other.
    Only(OnlyPage),
    /// Each page contains a cursor for the next one.
    Cursor {
        /// Where a page contains the next cursor.
        next: NextCursor,
        /// The cursor of the first page, if it has one.
        first: Option<String>,
    },
    /// Pages are counted in records.
    Offset(OffsetPages),
    /// Pages are numbered.
    Page(NumberedPages),
    /// The `Link` header contains the URL of the next page.
    Link,
    /// The body contains the URL of the next page.
    NextUrl {
        /// Where it is.
        next: Location,
    },
}

/// What the URL of a next page is relative to.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum LinkBase {
    /// The URL of the page that names it, as in a browser.
    #[default]
    Page,
    /// The scheme and host of `base_url`, whatever host it names: for upstreams behind a proxy that name
    /// the host that they see themselves.
    Origin,
    /// All of `base_url`, whatever host it names: for upstreams that leave out the path that a proxy puts
    /// before theirs. One that begins with that path already is taken as it is, and so is one that is
    /// relative to the page, such as `?page=2`.
    BaseUrl,
}

/// Where a page of which there is only one would say that there are more.
#[derive(Debug, Clone, PartialEq)]
pub struct OnlyPage {
    /// Where it would name the next one.
    pub next: Option<NextCursor>,
    /// Where it would state the number of pages.
    pub pages: Option<Location>,
}

/// Pages that are counted in records.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetPages {
    /// The offset of the first record.
    pub first: u64,
    /// How far the offset advances from page to page.
    pub stride: Stride,
    /// What a missing total means.
    pub absent: Absent,
    /// A page with fewer records than this is the last.
    pub full_page: Option<u32>,
}

/// Pages that are numbered.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberedPages {
    /// The number of the first page.
    pub first: u64,
    /// Where the number of pages is. It takes precedence over the total.
    pub pages: Option<Location>,
    /// How many records a page holds, to calculate the number of pages from the total.
    pub stride: Stride,
    /// What a missing number of pages or total means.
    pub absent: Absent,
    /// A page with fewer records than this is the last.
    pub full_page: Option<u32>,
}

/// How far a page advances the position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stride {
    /// By as many records as the first page contained.
    FirstPage,
    /// By as many records as the page contains.
    EachPage,
    /// By this many records, whatever a page contains.
    Fixed(u32),
}

/// The total number of records: where it is, and how far it is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// Where it is.
    pub at: Location,
    /// Whether that is in the response to a request of its own, and not in every page.
    pub is_counted: bool,
    /// How far it is trusted.
    pub trust: Trust,
}

impl Total {
    /// Where a page states it, if pages do.
    pub fn in_page(&self) -> Option<&Location> {
        (!self.is_counted).then_some(&self.at)
    }

    /// Where the response to a request of its own states it, if there is one.
    pub fn in_count(&self) -> Option<&Location> {
        self.is_counted.then_some(&self.at)
    }
}

/// How far a total is trusted.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Trust {
    /// It is the number of records in the list. A walk that receives fewer different ones fails, and so does one that
    /// receives more, but for numbered pages: these are read until nothing more comes, and the log says so.
    #[default]
    Exact,
    /// It only says how far to read at least, for upstreams that also count what they do not show.
    /// Offsets and pages are read up to there, whatever the pages on the way contain.
    Hint,
}

/// Where a page says whether more follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndFlag {
    /// True if there are more.
    More(CursorSource),
    /// True if it is the last.
    Last(CursorSource),
}

/// How far an offset advances, or how many records a page holds.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Step {
    /// As many records as the first page contained, whatever was requested.
    #[default]
    Granted,
    /// As many records as each page contained, for upstreams whose pages vary in size, or that count
    /// records where those stand under several parents.
    Received,
    /// `limit`, for upstreams that count parents of records, or also what they filtered out of a page.
    /// Requires `limit`.
    Asked,
}

/// What a missing total means.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Absent {
    /// The walk fails, because the upstream always sends it.
    #[default]
    Error,
    /// The page was the only one.
    End,
    /// The walk continues until a page is empty.
    Continue,
}

/// What a page with fewer records than requested means.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ShortPage {
    /// Nothing, because many upstreams filter their pages after cutting them.
    #[default]
    Continue,
    /// It was the last page.
    End,
}

/// What a page without records means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum EmptyPage {
    /// It was the last page, unless a flag says that there are more.
    End,
    /// Nothing, as long as twenty of them do not follow each other: a walk along pages without records that
    /// each name a next one would not end, so that is an error.
    Few,
    /// Nothing. The walk ends in another way.
    Continue,
}

/// What a repeated position or page means.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Repeat {
    /// The walk fails. Otherwise it could run forever, or the list could be wrong.
    #[default]
    Error,
    /// The walk ends, because this upstream repeats its last page.
    End,
}
