//! How to get from one page to the next: one variant per style.
//!
//! The keys that every style has ([`Terms`]) mean the same in each of them, so that end conditions
//! combine instead of multiplying.

use std::str::FromStr as _;

use schemars::JsonSchema;
use serde::Deserialize;
use strum::{EnumDiscriminants, EnumString};

use super::{Total, TotalCall};
use crate::config::tree::{self, Misfit};
use crate::plan::{CursorSource, EmptyPage, LinkBase, Origin, Repeat, Trust};

mod pages;
pub use pages::{CursorPages, LinkPages, NextUrlPages, NumberedPages, OffsetPages, WholeList};

/// How to get from one page to the next. Where the position goes is up to the request: put the
/// placeholder of the style into its query, headers, path or body.
#[derive(Debug, Clone, Deserialize, JsonSchema, EnumDiscriminants)]
#[serde(tag = "style", rename_all = "snake_case")]
#[strum_discriminants(
    name(PagingStyle),
    vis(pub(in crate::config)),
    derive(EnumString),
    strum(serialize_all = "snake_case")
)]
pub enum Pagination {
    /// The first page is the whole list. This is the default.
    None(WholeList),
    /// Each page contains a token for the next one, which goes where `{cursor}` is.
    Cursor(CursorPages),
    /// Pages are counted in records. `{offset}` is the number of records before the page. For closed
    /// ranges, `{first}` and `{last}` are the positions of its first and its last record, and `{end}` is the
    /// one after: `Range = "items={first}-{last}"`.
    Offset(OffsetPages),
    /// Pages are numbered. `{page}` is the number.
    Page(NumberedPages),
    /// The `Link` header contains the URL of the next page (RFC 8288, `rel="next"`). A link with
    /// `results="false"` is none. Where the last page has a next link like any other, set
    /// `empty_page = "end"`.
    Link(LinkPages),
    /// The body contains the URL of the next page, absolute or relative. It must have the same
    /// origin as `base_url` or one of `origins`. Where the last page names a next one like any other, set
    /// `empty_page = "end"`, or `total`.
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
        match PagingStyle::from_str(style).ok()? {
            PagingStyle::None => tree::read::<WholeList>(keys).err(),
            PagingStyle::Cursor => tree::read::<CursorPages>(keys).err(),
            PagingStyle::Offset => tree::read::<OffsetPages>(keys).err(),
            PagingStyle::Page => tree::read::<NumberedPages>(keys).err(),
            PagingStyle::Link => tree::read::<LinkPages>(keys).err(),
            PagingStyle::NextUrl => tree::read::<NextUrlPages>(keys).err(),
        }
    }

    /// The request that asks how many records there are, if there is one.
    pub fn total_call(&self) -> Option<&TotalCall> {
        self.terms().total?.call()
    }

    /// The origins besides that of `base_url` that pages may be read from.
    pub fn origins(&self) -> &[Origin] {
        match self {
            Self::Link(pages) => &pages.origins,
            Self::NextUrl(pages) => &pages.origins,
            Self::None(_) | Self::Cursor(_) | Self::Offset(_) | Self::Page(_) => &[],
        }
    }

    /// What the URLs of next pages are relative to.
    pub const fn relative_to(&self) -> LinkBase {
        match self {
            Self::Link(pages) => pages.relative_to,
            Self::NextUrl(pages) => pages.relative_to,
            Self::None(_) | Self::Cursor(_) | Self::Offset(_) | Self::Page(_) => LinkBase::Page,
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
                    total: $pages.total.as_ref(),
                    trust: $pages.trust,
                    empty_page: $pages.empty_page,
                    cap: $pages.cap,
                    on_repeat: $pages.on_repeat,
                }
            };
        }
        match self {
            Self::None(list) => Terms {
                limit: None,
                more: list.more.as_ref(),
                last: list.last.as_ref(),
                total: list.total.as_ref(),
                trust: list.trust,
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
    /// How many records to request per page, where `{limit}` is.
    pub limit: Option<u32>,
    /// Where a page says that there is more.
    pub more: Option<&'a CursorSource>,
    /// Where a page says that it is the last.
    pub last: Option<&'a CursorSource>,
    /// Where the total number of records is.
    pub total: Option<&'a Total>,
    /// How far it is trusted.
    pub trust: Trust,
    /// What a page without records means.
    pub empty_page: EmptyPage,
    /// The length at which the upstream cuts off its list without saying so. Reaching it is an
    /// error.
    pub cap: Option<u32>,
    /// What it means if a position or a page comes a second time.
    pub on_repeat: Repeat,
}
