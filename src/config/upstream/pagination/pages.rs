//! What each style may say of its pages, as users read it.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::upstream::Total;
use crate::plan::{
    Absent, CursorSource, EmptyPage, LinkBase, Location, NextCursor, Origin, Repeat, ShortPage,
    Step, Trust,
};

/// The first page is the whole list.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WholeList {
    /// Where the page contains the total number of records, or a separate request for it. A walk that
    /// receives another number fails.
    pub total: Option<Total>,
    /// How far `total` is trusted.
    #[serde(default)]
    pub trust: Trust,
    /// Where the page says whether there are more records than it contains, which is an error. Not
    /// together with `last`.
    pub more: Option<CursorSource>,
    /// Where the page says whether it is the last one: the opposite of `more`.
    pub last: Option<CursorSource>,
    /// The length at which the upstream cuts off its list without saying so. Reaching it is an
    /// error.
    #[schemars(range(min = 1))]
    pub cap: Option<u32>,
}

/// Each page contains a token for the next one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CursorPages {
    /// Where a page contains the next cursor: a path, `{ header = "X-Next" }`, or `{ last_record =
    /// "id" }` for a part of its last record (`$key` for the name of a keyed one). If the value is
    /// missing, null or empty, the page was the last one.
    pub next: NextCursor,
    /// The cursor of the first page, such as `""` or `"*"`. Without it, the first request has no
    /// cursor, and its parameter is left out.
    pub first: Option<String>,
    /// How many records to request per page, where `{limit}` is.
    #[schemars(range(min = 1))]
    pub limit: Option<u32>,
    /// Where a page says whether there are more: true continues the walk, and false ends it no
    /// matter what else the page contains. If the value is missing, it says nothing. Not together
    /// with `last`.
    pub more: Option<CursorSource>,
    /// Where a page says whether it is the last one: the opposite of `more`.
    pub last: Option<CursorSource>,
    /// Where a page contains the total number of records, or a separate request for it. A walk that
    /// receives another number fails. If the total changes during the walk, even when the list is read
    /// again, any number from the lowest to the highest total of the walk is accepted.
    pub total: Option<Total>,
    /// How far `total` is trusted.
    #[serde(default)]
    pub trust: Trust,
    /// What a page without records means. Whatever it means, it is the end where an exact `total` has come (two
    /// in a row, where a single page had them all).
    #[serde(default = "few")]
    pub empty_page: EmptyPage,
    /// The length at which the upstream cuts off its list without saying so. Reaching it is an
    /// error.
    #[schemars(range(min = 1))]
    pub cap: Option<u32>,
    /// What it means if a position or a page comes a second time.
    #[serde(default)]
    pub on_repeat: Repeat,
}

/// Pages are counted in records.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OffsetPages {
    /// The offset of the first record: 0, or 1 if the upstream counts from 1.
    #[serde(default)]
    pub first: u64,
    /// How many records to request per page, where `{limit}` is.
    #[schemars(range(min = 1))]
    pub limit: Option<u32>,
    /// How far the offset advances from page to page.
    #[serde(default)]
    pub step: Step,
    /// Where a page contains the total number of records, or a separate request for it. The
    /// remaining pages are then fetched concurrently, unless `more`, `last` or `step = "received"`
    /// requires one after another.
    pub total: Option<Total>,
    /// How far `total` is trusted.
    #[serde(default)]
    pub trust: Trust,
    /// What it means if `total` is set but missing from a page.
    #[serde(default)]
    pub absent: Absent,
    /// Where a page says whether there are more: true continues the walk, and false ends it no
    /// matter what else the page contains. If the value is missing, it says nothing. Not together
    /// with `last`.
    pub more: Option<CursorSource>,
    /// Where a page says whether it is the last one: the opposite of `more`.
    pub last: Option<CursorSource>,
    /// What a page with fewer records than requested means. `"end"` requires `limit`.
    #[serde(default)]
    pub short_page: ShortPage,
    /// What a page without records means. `"continue"` requires another way to end the walk: an exact
    /// total, a flag, or a rule that means `end`.
    #[serde(default = "ends")]
    pub empty_page: EmptyPage,
    /// The length at which the upstream cuts off its list without saying so. Reaching it is an
    /// error.
    #[schemars(range(min = 1))]
    pub cap: Option<u32>,
    /// What it means if a position or a page comes a second time.
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
    /// How many records to request per page, where `{limit}` is.
    #[schemars(range(min = 1))]
    pub limit: Option<u32>,
    /// Where a page contains the number of pages. The remaining pages are then fetched
    /// concurrently, unless `more` or `last` is set.
    pub pages: Option<Location>,
    /// Where a page contains the total number of records, or a separate request for it.
    pub total: Option<Total>,
    /// How far `total` is trusted.
    #[serde(default)]
    pub trust: Trust,
    /// How many records a page holds, to calculate the number of pages from `total`. The page
    /// number always advances by one. Only with `total` and without `pages`; `"granted"` if not
    /// set.
    #[schemars(default = "Step::default")]
    pub step: Option<Step>,
    /// What it means if `pages` or `total` is set but missing from a page.
    #[serde(default)]
    pub absent: Absent,
    /// Where a page says whether there are more: true continues the walk, and false ends it no
    /// matter what else the page contains. If the value is missing, it says nothing. Not together
    /// with `last`.
    pub more: Option<CursorSource>,
    /// Where a page says whether it is the last one: the opposite of `more`.
    pub last: Option<CursorSource>,
    /// What a page with fewer records than requested means. `"end"` requires `limit`.
    #[serde(default)]
    pub short_page: ShortPage,
    /// What a page without records means. `"continue"` requires another way to end the walk: an exact
    /// total, a flag, or a rule that means `end`.
    #[serde(default = "ends")]
    pub empty_page: EmptyPage,
    /// The length at which the upstream cuts off its list without saying so. Reaching it is an
    /// error.
    #[schemars(range(min = 1))]
    pub cap: Option<u32>,
    /// What it means if a position or a page comes a second time.
    #[serde(default)]
    pub on_repeat: Repeat,
}

const fn one() -> u64 {
    1
}

/// The `Link` header contains the URL of the next page.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkPages {
    /// How many records to request per page, where `{limit}` is.
    #[schemars(range(min = 1))]
    pub limit: Option<u32>,
    /// Where a page says whether there are more: true continues the walk, and false ends it no
    /// matter what else the page contains. If the value is missing, it says nothing. Not together
    /// with `last`.
    pub more: Option<CursorSource>,
    /// Where a page says whether it is the last one: the opposite of `more`.
    pub last: Option<CursorSource>,
    /// Where a page contains the total number of records, or a separate request for it. A walk that
    /// receives another number fails. If the total changes during the walk, even when the list is read
    /// again, any number from the lowest to the highest total of the walk is accepted.
    pub total: Option<Total>,
    /// How far `total` is trusted.
    #[serde(default)]
    pub trust: Trust,
    /// What a page without records means. Whatever it means, it is the end where an exact `total` has come (two
    /// in a row, where a single page had them all).
    #[serde(default = "few")]
    pub empty_page: EmptyPage,
    /// The length at which the upstream cuts off its list without saying so. Reaching it is an
    /// error.
    #[schemars(range(min = 1))]
    pub cap: Option<u32>,
    /// Other origins that pages may be read from, such as `["https://pages.example.com"]`. They
    /// receive everything that `base_url` receives, including credentials. The URL of a next page
    /// on any other origin is refused; `http` instead of `https` is another origin. Those of the list of groups
    /// hold for links in records as well (`path = "{record/PATH}"`), and other styles have no such key.
    #[serde(default)]
    pub origins: Vec<Origin>,
    /// What the URL of a next page is relative to.
    #[serde(default)]
    pub relative_to: LinkBase,
    /// What it means if a position or a page comes a second time.
    #[serde(default)]
    pub on_repeat: Repeat,
}

/// The body contains the URL of the next page.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NextUrlPages {
    /// Where a page contains the URL of the next one. If the value is missing, null or empty, the
    /// page was the last one.
    pub next: Location,
    /// How many records to request per page, where `{limit}` is.
    #[schemars(range(min = 1))]
    pub limit: Option<u32>,
    /// Where a page says whether there are more: true continues the walk, and false ends it no
    /// matter what else the page contains. If the value is missing, it says nothing. Not together
    /// with `last`.
    pub more: Option<CursorSource>,
    /// Where a page says whether it is the last one: the opposite of `more`.
    pub last: Option<CursorSource>,
    /// Where a page contains the total number of records, or a separate request for it. A walk that
    /// receives another number fails. If the total changes during the walk, even when the list is read
    /// again, any number from the lowest to the highest total of the walk is accepted.
    pub total: Option<Total>,
    /// How far `total` is trusted.
    #[serde(default)]
    pub trust: Trust,
    /// What a page without records means. Whatever it means, it is the end where an exact `total` has come (two
    /// in a row, where a single page had them all).
    #[serde(default = "few")]
    pub empty_page: EmptyPage,
    /// The length at which the upstream cuts off its list without saying so. Reaching it is an
    /// error.
    #[schemars(range(min = 1))]
    pub cap: Option<u32>,
    /// Other origins that pages may be read from, such as `["https://pages.example.com"]`. They
    /// receive everything that `base_url` receives, including credentials. The URL of a next page
    /// on any other origin is refused; `http` instead of `https` is another origin. Those of the list of groups
    /// hold for links in records as well (`path = "{record/PATH}"`), and other styles have no such key.
    #[serde(default)]
    pub origins: Vec<Origin>,
    /// What the URL of a next page is relative to.
    #[serde(default)]
    pub relative_to: LinkBase,
    /// What it means if a position or a page comes a second time.
    #[serde(default)]
    pub on_repeat: Repeat,
}

const fn ends() -> EmptyPage {
    EmptyPage::End
}

const fn few() -> EmptyPage {
    EmptyPage::Few
}
