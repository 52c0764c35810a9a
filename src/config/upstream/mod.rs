//! One `[upstreams.NAME]` block: how a backend is asked, and how its answer becomes groups.

pub mod request;
pub use request::{Method, Request, Values};

pub mod pagination;
pub use pagination::{
    Absent, CursorPages, EmptyPage, LinkPages, NextUrlPages, NumberedPages, OffsetPages,
    Pagination, Repeat, ShortPage, Step, Terms, WholeList,
};

pub mod source;
pub use source::{CursorSource, Total, TotalCall};

pub mod answers;
pub use answers::{DelayUnit, HeaderCondition, Meaning, RetryAfter, Rule, StatusPattern};

pub mod auth;
pub use auth::{
    ApiKeyAuth, Auth, AwsSigv4Auth, BasicAuth, BearerAuth, DateHeader, Encoding, Expiry, Hash,
    HmacAuth, LoginFormat, Oauth2Auth, TokenExchangeAuth,
};

pub mod connection;
pub use connection::{Connection, HttpVersion};

pub mod origin;
pub use origin::Origin;

pub mod pushdown;
pub use pushdown::{List, Pushable, Pushdown};

pub mod resilience;
pub use resilience::{Breaker, Hedge};

pub mod records;
pub use records::{AbsentRecords, RecordList, Records};

pub mod fields;
pub use fields::{Each, Extra, Fields};

pub mod field;
pub use field::{Conversion, Decode, Field, Part, Source, Take, Template, TemplatePiece};

pub mod time;
pub use time::TimeFormat;

pub mod value;
pub use value::{Json, Location, OneOrMany, PathOr, Scalar, Text};

use bytesize::ByteSize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Path, Rate, Share, Span, preset, text};

/// How one backend is asked, and how its answer becomes groups.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// An adapter that ships with groupgate, laid under this block: what the block sets replaces
    /// what the preset says, key by key. `groupgate presets` lists them, and with a name prints one.
    #[serde(default)]
    #[schemars(schema_with = "preset::schema")]
    pub preset: Option<String>,
    /// Scheme, host and, where there is one, the path that every request starts with.
    #[serde(deserialize_with = "text::url")]
    #[schemars(with = "String", extend("format" = "uri"))]
    pub base_url: url::Url,
    /// The request that lists groups.
    pub request: Request,
    /// The request for the pages after the first, where they are asked for in another way. Where
    /// the upstream names the URL of a page, its path and query are not used.
    pub continuation: Option<Request>,
    /// Whether queries are answered from the whole list, or the upstream is asked for what each
    /// needs.
    #[serde(default)]
    pub list: List,
    /// How the upstream takes filters. Only with `list = "by_query"`.
    #[serde(default)]
    pub pushdown: Pushdown,
    /// What the answers are written in.
    #[serde(default)]
    pub format: Format,
    /// What stands before the JSON of every answer to keep it from being run as a script, such as
    /// `)]}'`. An answer that does not begin with it is read as it is, as errors often are. It
    /// holds for logins too.
    pub strip_prefix: Option<String>,
    /// Where the list of groups stands in a page. `/` is the page itself. A table says more: whether
    /// the list may be missing, is an object keyed by id, or holds trees.
    pub records: Records,
    /// How to tell from the body whether an answer under a 2xx status is a success.
    pub success: Option<Success>,
    /// What an answer means where status and `success` do not tell: of several rules, the first
    /// that holds.
    #[serde(default)]
    pub answers: Vec<Rule>,
    /// Where a failed answer says why: the first of these places that holds a text. Shown by
    /// `probe` and in logs, never to clients.
    pub message: Option<OneOrMany<Path>>,
    /// How the position advances from page to page.
    #[serde(default)]
    pub pagination: Pagination,
    /// Who we are to this upstream.
    #[serde(default)]
    pub auth: Auth,
    /// A name of your own for the account that `auth` stands for. A list that was read is only served
    /// to the same account again, after a restart too. Without it, the account is known by the public
    /// part of `auth` (user name, client id, key id), or by the token itself where there is none, and
    /// by a client certificate. A token that is rotated then leads to another list, unless it has a
    /// name here.
    pub account: Option<String>,
    /// How it is reached: CA, client certificate, proxy, HTTP version.
    #[serde(default)]
    pub connection: Connection,
    /// Which part of a record becomes which field of a group.
    pub fields: Fields,
    /// What becomes of what a record holds and no field takes.
    #[serde(default)]
    pub extra: Extra,
    /// What this upstream may be asked for, and how much it may answer.
    #[serde(default)]
    pub limits: Limits,
    /// When it is given a rest because it fails.
    #[serde(default)]
    pub breaker: Breaker,
    /// When a page that is late is asked for a second time, as in `hedge = { after = "300ms" }`.
    /// Without it, never.
    pub hedge: Option<Hedge>,
    /// Without this upstream there is no answer at all.
    #[serde(default)]
    pub required: bool,
    /// Overrides `cache.ttl`.
    pub ttl: Option<Span>,
    /// Overrides `cache.stale_while_revalidate`.
    pub stale_while_revalidate: Option<Span>,
    /// Overrides `cache.stale_if_error`.
    pub stale_if_error: Option<Span>,
    /// Overrides `cache.min_refresh`.
    pub min_refresh: Option<Span>,
    /// When the list is read anew.
    #[serde(default)]
    pub refresh: Refresh,
    /// The share of the groups that are served which a new list must have, to replace them at once.
    /// A shorter one is held back, shown as `pending_shrink` by `/sources` and logged; another walk
    /// follows after `min_refresh`, and if that is as short again it is believed. Lists of less
    /// than ten groups are only held back if nothing is left of them, and nothing is held back when
    /// the older list may be served no more. `0` turns the guard off.
    #[serde(default = "half")]
    pub shrink_guard: Share,
}

const fn half() -> Share {
    Share::HALF
}

/// When a list is read anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refresh {
    /// When somebody asks for it past its `ttl`.
    #[default]
    OnDemand,
    /// Before its `ttl` is over, also when nobody asks, so that no caller ever waits for it. The
    /// moment is drawn anew each time, so that replicas do not ask all at once. The list is then
    /// also served past `stale_while_revalidate` while a late refresh runs.
    Background,
}

impl Upstream {
    /// What every URL that is asked starts with. No page is read from elsewhere than `base_url` and
    /// `pagination.origins`, and no login but one kind goes elsewhere.
    pub fn urls(&self) -> impl Iterator<Item = &url::Url> {
        let token_url = match &self.auth {
            Auth::Oauth2ClientCredentials(auth) => Some(&auth.token_url),
            Auth::None
            | Auth::Bearer(_)
            | Auth::Basic(_)
            | Auth::ApiKey(_)
            | Auth::TokenExchange(_)
            | Auth::AwsSigv4(_)
            | Auth::Hmac(_) => None,
        };
        let origins = self.pagination.origins().iter().map(Origin::url);
        std::iter::once(&self.base_url)
            .chain(token_url)
            .chain(origins)
    }
}

/// What the answers are written in.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Format {
    /// JSON (RFC 8259).
    #[default]
    Json,
    /// XML 1.0: an element path takes the place of a pointer, `@name` is an attribute.
    Xml,
}

/// How to tell from the body whether an answer under a 2xx status is a success.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Success {
    /// Where the body says so: the first path that is there and not null.
    pub path: OneOrMany<Path>,
    /// What it says on success. Compared as text, so that `200` also fits `"200"`.
    pub equals: OneOrMany<Scalar>,
    /// What it means when none of the paths is there.
    #[serde(default)]
    pub absent: Absence,
    /// Where a failed answer says why. Shown by `probe` and in logs, never to clients.
    pub message: Option<OneOrMany<Path>>,
}

/// What a missing in-body status means.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Absence {
    /// The answer is a failure.
    #[default]
    Error,
    /// The answer is a success.
    Ok,
}

/// How deep lists, objects and elements may stand in each other unless `limits.depth` says so.
pub(crate) const DEFAULT_DEPTH: u32 = 128;

/// The most that `limits.depth` may say. It holds a tree of 64 records with three levels each, and
/// what is read and written in a recursion fits on a worker's stack, in debug builds too.
pub(crate) const DEEPEST: u32 = 192;

/// What an upstream may be asked for, and how much it may answer. Reaching a bound is an error,
/// never a shorter list.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// How often it may be asked, as `"5/s"`: pages, logins, retries and redirects together. Without
    /// it, as fast as it answers.
    pub rate: Option<Rate>,
    /// Whether it is asked more slowly when its answers say that little is left of its own rate
    /// limit, before it refuses anything: what is left is spread over the time until more comes.
    /// Goes by the headers `RateLimit`, `RateLimit-Remaining` and `RateLimit-Reset`,
    /// `X-RateLimit-…`, `X-Rate-Limit-…`, and by `Retry-After` on any answer. A reset of a thousand
    /// million and more is a moment (seconds since 1970, or milliseconds), a smaller one is so many
    /// seconds. What stands on an answer that refuses nothing holds turns for a minute at most, on a
    /// refusal for ten.
    pub pacing: bool,
    /// How many requests may be under way at once.
    pub concurrency: u32,
    /// How long one try of one request may take, from connecting to the end of the body.
    pub timeout: Span,
    /// How long it may take to open a connection, within `timeout`: the name looked up, TLS and a
    /// proxy's consent included. Without it, 3s.
    pub connect_timeout: Option<Span>,
    /// How long the head of an answer, its status and headers, may take from when its request began,
    /// within `timeout`. Without it, as long as `timeout`.
    pub head_timeout: Option<Span>,
    /// How long nothing may come in the middle of a body, within `timeout`. Without it, 30s. Worth
    /// setting where `timeout` is long because pages are.
    pub idle_timeout: Option<Span>,
    /// How often a request that may be repeated is tried again.
    pub retries: u32,
    /// How long a whole walk may take.
    pub walk: Span,
    /// How many pages a walk may have.
    pub pages: u32,
    /// How many records a walk may bring.
    pub groups: u32,
    /// How large one page may be, before and after decompression. What is in it may take sixteen times
    /// as much memory.
    #[serde(with = "text::size")]
    #[schemars(with = "text::Size")]
    pub page_bytes: ByteSize,
    /// How deep lists and objects, or XML elements, may stand in each other in any answer, a login's
    /// too: at most 192. What a record holds reaches callers as deep as it came, and many of them
    /// read no JSON that is deeper than 64 or 128.
    pub depth: u32,
    /// How large all pages of a walk may be together.
    #[serde(with = "text::size")]
    #[schemars(with = "text::Size")]
    pub walk_bytes: ByteSize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rate: None,
            pacing: true,
            concurrency: 4,
            timeout: Span::seconds(5),
            connect_timeout: None,
            head_timeout: None,
            idle_timeout: None,
            retries: 2,
            walk: Span::seconds(5 * 60),
            pages: 20_000,
            groups: 2_000_000,
            page_bytes: ByteSize::mib(64),
            depth: DEFAULT_DEPTH,
            walk_bytes: ByteSize::gib(1),
        }
    }
}
