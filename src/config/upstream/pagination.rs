//! How the position advances from page to page: one variant for each style.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Location;
use super::value::{Nothing, nothing_else};
use crate::config::tree::{self, Misfit};

/// How the position advances from page to page. Where it is written is the request's matter: put
/// the style's placeholder into query, headers, path or body.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(tag = "style", rename_all = "snake_case")]
pub enum Pagination {
    /// The first answer is the whole list.
    #[default]
    #[serde(deserialize_with = "nothing_else")]
    None,
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

impl Pagination {
    /// The key that names the style.
    pub(in crate::config) const TAG: &'static str = "style";

    /// What is wrong with the keys beside the tag, and where. serde forgets the where when it
    /// reads a tagged table, so a refused one is read again as its style's own struct.
    pub(in crate::config) fn misfit(style: &str, keys: toml::Value) -> Option<Misfit> {
        match style {
            "none" => tree::read::<Nothing>(keys).err(),
            "cursor" => tree::read::<CursorPages>(keys).err(),
            "offset" => tree::read::<OffsetPages>(keys).err(),
            "page" => tree::read::<NumberedPages>(keys).err(),
            "link" => tree::read::<LinkPages>(keys).err(),
            "next_url" => tree::read::<NextUrlPages>(keys).err(),
            _ => None,
        }
    }
}

/// Each page names the next with a token.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CursorPages {
    /// Where a page names the next one. Absent, null or empty there: it was the last.
    pub next: Location,
    /// How many records to ask for, where `{limit}` stands.
    pub limit: Option<u32>,
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
    /// Where a page says how many records there are in all. The pages after the first are then
    /// fetched concurrently.
    pub total: Option<Location>,
    /// What it means when `total` is named but not there.
    #[serde(default)]
    pub absent: Absent,
    /// What a page with fewer records than asked for means.
    #[serde(default)]
    pub short_page: ShortPage,
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
    /// concurrently.
    pub pages: Option<Location>,
    /// Where a page says how many records there are in all.
    pub total: Option<Location>,
    /// What it means when `pages` or `total` is named but not there.
    #[serde(default)]
    pub absent: Absent,
    /// What a page with fewer records than asked for means.
    #[serde(default)]
    pub short_page: ShortPage,
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
    /// What a link or a page that was seen before means.
    #[serde(default)]
    pub on_repeat: Repeat,
}

/// The body holds the URL of the next page, absolute or relative, always of the same origin.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NextUrlPages {
    /// Where a page holds the URL of the next one. Absent, null or empty there: it was the last.
    pub next: Location,
    /// How many records to ask for, where `{limit}` stands.
    pub limit: Option<u32>,
    /// What a URL or a page that was seen before means.
    #[serde(default)]
    pub on_repeat: Repeat,
}

/// What a missing total means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShortPage {
    /// Nothing: many upstreams fill their pages before they filter them.
    #[default]
    Continue,
    /// It was the last one.
    End,
}

/// What a position or a page that was seen before means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// The walk fails: it would never end, or the list would be wrong.
    #[default]
    Error,
    /// The walk ends: this upstream is known to repeat its last page.
    End,
}
