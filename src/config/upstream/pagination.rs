//! How the position advances from page to page: one variant for each style.
//!
//! What the keys mean that every style has ([`Terms`]) does not depend on the style, so that end
//! conditions combine instead of multiplying.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CursorSource, Location, Origin, Total, TotalCall};
use crate::config::tree::{self, Misfit};

/// How the position advances from page to page. Where it is written is the request's matter: put
/// the style's placeholder into query, headers, path or body.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "style", rename_all = "snake_case")]
pub enum Pagination {
    /// The first answer is the whole list.
    None(WholeList),
    /// Each page names the next with a token, which goes where `{cursor}` stands.
    Cursor(CursorPages),
    /// Pages are counted in records; `{offset}` is how many come before the page.
    Offset(OffsetPages),
    /// Pages are numbered; `{page}` is the number.
    Page(NumberedPages),
    /// The `Link` header names the next page (RFC 8288, `rel="next"`).
    Link(LinkPages),
    /// The body holds the URL of the next page.
    NextUrl(NextUrlPages),
}

impl Default for Pagination {
    fn default() -> Self {
        Self::None(WholeList::default())
    }
}

impl Pagination {
    /// The key that names the style.
    pub(in crate::config) const TAG: &'static str = "style";

    /// What is wrong with the keys beside the tag, and where. serde forgets the where when it
    /// reads a tagged table, so a refused one is read again as its style's own struct.
    pub(in crate::config) fn misfit(style: &str, keys: toml::Value) -> Option<Misfit> {
        match style {
            "none" => tree::read::<WholeList>(keys).err(),
            "cursor" => tree::read::<CursorPages>(keys).err(),
            "offset" => tree::read::<OffsetPages>(keys).err(),
            "page" => tree::read::<NumberedPages>(keys).err(),
            "link" => tree::read::<LinkPages>(keys).err(),
            "next_url" => tree::read::<NextUrlPages>(keys).err(),
            _ => None,
        }
    }

    /// The request that asks how many records there are, if there is one.
    pub fn total_call(&self) -> Option<&TotalCall> {
        let total = match self {
            Self::Offset(pages) => pages.total.as_ref(),
            Self::Page(pages) => pages.total.as_ref(),
            Self::None(_) | Self::Cursor(_) | Self::Link(_) | Self::NextUrl(_) => None,
        };
        total?.call()
    }

    /// The origins besides that of `base_url` that pages may be read from.
    pub fn origins(&self) -> &[Origin] {
        match self {
            Self::Link(pages) => &pages.origins,
            Self::NextUrl(pages) => &pages.origins,
            Self::None(_) | Self::Cursor(_) | Self::Offset(_) | Self::Page(_) => &[],
        }
    }

    /// What the style says of the keys that every style has.
    pub const fn terms(&self) -> Terms<'_> {
        macro_rules! terms {
            ($pages:ident) => {
                Terms {
                    limit: $pages.limit,
                    more: $pages.more.as_ref(),
                    last: $pages.last.as_ref(),
                    empty_page: $pages.empty_page,
                    cap: $pages.cap,
                    on_repeat: $pages.on_repeat,
                }
            };
        }
        match self {
            Self::None(list) => Terms {
                limit: None,
                more: None,
                last: None,
                empty_page: EmptyPage::End,
                cap: list.cap,
                on_repeat: Repeat::Error,
            },
            Self::Cursor(pages) => terms!(pages),
            Self::Offset(pages) => terms!(pages),
            Self::Page(pages) => terms!(pages),
            Self::Link(pages) => terms!(pages),
            Self::NextUrl(pages) => terms!(pages),
        }
    }
}

/// The keys that every style has.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// How many records to ask for.
    pub limit: Option<u32>,
    /// Where a page says that there is more.
    pub more: Option<&'a Location>,
    /// Where a page says that it is the last.
    pub last: Option<&'a Location>,
    /// What a page without records means.
    pub empty_page: EmptyPage,
    /// Where the upstream cuts its list.
    pub cap: Option<u32>,
    /// What a position or a page that was seen before means.
    pub on_repeat: Repeat,
}

/// The first answer is the whole list.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WholeList {
    /// How many records the upstream cuts its list at without saying so. Reaching it is an error.
    pub cap: Option<u32>,
}

/// Each page names the next with a token.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CursorPages {
    /// Where a page names the next one: a path, `{ header = "X-Next" }`, or `{ last_record = "id" }`
    /// for a part of its last record (`$key` for the name of a keyed one). Absent, null or empty
    /// there: it was the last.
    pub next: CursorSource,
    /// The cursor of the first page, such as `""` or `"*"`. Without it the first request has none,
    /// and its parameter is left out.
    pub first: Option<String>,
    /// How many records to ask for, where `{limit}` stands.
    pub limit: Option<u32>,
    /// Where a page says whether there is more: true goes on, false ends the walk whatever else is
    /// there. Absent, it says nothing.
    pub more: Option<Location>,
    /// Where a page says whether it is the last: the opposite of `more`.
    pub last: Option<Location>,
    /// What a page without records means. Without it, `continue`.
    #[serde(default = "goes_on")]
    pub empty_page: EmptyPage,
    /// How many records the upstream cuts its list at without saying so. Reaching it is an error.
    pub cap: Option<u32>,
    /// What a cursor or a page that was seen before means.
    #[serde(default)]
    pub on_repeat: Repeat,
}

/// Pages are counted in records.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OffsetPages {
    /// The offset of the first record: 0, or 1 where the upstream counts from there.
    #[serde(default)]
    pub first: u64,
    /// How many records to ask for, where `{limit}` stands.
    pub limit: Option<u32>,
    /// How far the offset advances from page to page.
    #[serde(default)]
    pub step: Step,
    /// Where a page says how many records there are in all, or the request that asks for it. The
    /// pages after the first are then fetched concurrently, unless they have to follow each other:
    /// with `more` or `last`, and with `step = "received"`.
    pub total: Option<Total>,
    /// What it means when `total` is named but not there.
    #[serde(default)]
    pub absent: Absent,
    /// Where a page says whether there is more: true goes on, false ends the walk whatever else is
    /// there. Absent, it says nothing.
    pub more: Option<Location>,
    /// Where a page says whether it is the last: the opposite of `more`.
    pub last: Option<Location>,
    /// What a page with fewer records than asked for means.
    #[serde(default)]
    pub short_page: ShortPage,
    /// What a page without records means. Without it, `end`; `continue` needs something else to end
    /// the walk: a total, a flag, or a rule that means `end`.
    #[serde(default = "ends")]
    pub empty_page: EmptyPage,
    /// How many records the upstream cuts its list at without saying so. Reaching it is an error.
    pub cap: Option<u32>,
    /// What a page that was seen before means.
    #[serde(default)]
    pub on_repeat: Repeat,
}

/// Pages are numbered.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NumberedPages {
    /// The number of the first page.
    #[serde(default = "one")]
    pub first: u64,
    /// How many records to ask for, where `{limit}` stands.
    pub limit: Option<u32>,
    /// Where a page says how many pages there are. The pages after the first are then fetched
    /// concurrently, unless `more` or `last` says page by page whether another follows.
    pub pages: Option<Location>,
    /// Where a page says how many records there are in all, or the request that asks for it.
    pub total: Option<Total>,
    /// How many records a page is taken to hold where `total` has to tell how many pages there
    /// are. The number itself always advances by one.
    pub step: Option<Step>,
    /// What it means when `pages` or `total` is named but not there.
    #[serde(default)]
    pub absent: Absent,
    /// Where a page says whether there is more: true goes on, false ends the walk whatever else is
    /// there. Absent, it says nothing.
    pub more: Option<Location>,
    /// Where a page says whether it is the last: the opposite of `more`.
    pub last: Option<Location>,
    /// What a page with fewer records than asked for means.
    #[serde(default)]
    pub short_page: ShortPage,
    /// What a page without records means. Without it, `end`; `continue` needs something else to end
    /// the walk: a total, a flag, or a rule that means `end`.
    #[serde(default = "ends")]
    pub empty_page: EmptyPage,
    /// How many records the upstream cuts its list at without saying so. Reaching it is an error.
    pub cap: Option<u32>,
    /// What a page that was seen before means.
    #[serde(default)]
    pub on_repeat: Repeat,
}

const fn one() -> u64 {
    1
}

/// The `Link` header names the next page.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkPages {
    /// How many records to ask for, where `{limit}` stands.
    pub limit: Option<u32>,
    /// Where a page says whether there is more: true goes on, false ends the walk whatever else is
    /// there. Absent, it says nothing.
    pub more: Option<Location>,
    /// Where a page says whether it is the last: the opposite of `more`.
    pub last: Option<Location>,
    /// What a page without records means. Without it, `continue`.
    #[serde(default = "goes_on")]
    pub empty_page: EmptyPage,
    /// How many records the upstream cuts its list at without saying so. Reaching it is an error.
    pub cap: Option<u32>,
    /// Further origins that a next page may be read from, as in `["https://pages.example.com"]`.
    /// Everything that goes to `base_url` goes there too, credentials included. A next page of any
    /// other origin is refused, and `http` where `base_url` is `https` is another origin.
    #[serde(default)]
    pub origins: Vec<Origin>,
    /// What a link or a page that was seen before means.
    #[serde(default)]
    pub on_repeat: Repeat,
}

/// The body holds the URL of the next page, absolute or relative, of the same origin unless
/// `origins` names another.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NextUrlPages {
    /// Where a page holds the URL of the next one. Absent, null or empty there: it was the last.
    pub next: Location,
    /// How many records to ask for, where `{limit}` stands.
    pub limit: Option<u32>,
    /// Where a page says whether there is more: true goes on, false ends the walk whatever else is
    /// there. Absent, it says nothing.
    pub more: Option<Location>,
    /// Where a page says whether it is the last: the opposite of `more`.
    pub last: Option<Location>,
    /// What a page without records means. Without it, `continue`.
    #[serde(default = "goes_on")]
    pub empty_page: EmptyPage,
    /// How many records the upstream cuts its list at without saying so. Reaching it is an error.
    pub cap: Option<u32>,
    /// Further origins that a next page may be read from, as in `["https://pages.example.com"]`.
    /// Everything that goes to `base_url` goes there too, credentials included. A next page of any
    /// other origin is refused, and `http` where `base_url` is `https` is another origin.
    #[serde(default)]
    pub origins: Vec<Origin>,
    /// What a URL or a page that was seen before means.
    #[serde(default)]
    pub on_repeat: Repeat,
}

/// How far an offset advances, or how much a page is taken to hold.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Step {
    /// By as many records as the first page held, whatever was asked for.
    #[default]
    Granted,
    /// By as many as each page held: for upstreams whose pages vary and leave nothing out.
    Received,
    /// By `limit`: for upstreams that count what they left out of a page.
    Asked,
}

/// What a missing total means.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Absent {
    /// The walk fails: the upstream always says it.
    #[default]
    Error,
    /// The page was the only one.
    End,
    /// The walk goes on until a page is empty.
    Continue,
}

/// What a page with fewer records than asked for means.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ShortPage {
    /// Nothing: many upstreams fill their pages before they filter them.
    #[default]
    Continue,
    /// It was the last one.
    End,
}

/// What a page without records means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum EmptyPage {
    /// It was the last one, unless a flag says that there is more.
    End,
    /// Nothing: what else there is ends the walk.
    Continue,
}

const fn ends() -> EmptyPage {
    EmptyPage::End
}

const fn goes_on() -> EmptyPage {
    EmptyPage::Continue
}

/// What a position or a page that was seen before means.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Repeat {
    /// The walk fails: it would never end, or the list would be wrong.
    #[default]
    Error,
    /// The walk ends: this upstream is known to repeat its last page.
    End,
}
