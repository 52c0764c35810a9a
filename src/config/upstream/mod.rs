//! One `[upstreams.NAME]` block: how to query a backend, and how its response becomes groups.

pub mod request;
pub use request::{Method, Request, Values};

pub mod pagination;
pub use pagination::{
    CursorPages, LinkPages, NextUrlPages, NumberedPages, OffsetPages, Pagination, Terms, WholeList,
};

pub mod total;
pub use total::{Total, TotalCall};

pub mod pushdown;
pub use pushdown::Pushdown;

pub mod auth;
pub use auth::{
    ApiKeyAuth, Auth, AwsSigv4Auth, BasicAuth, BearerAuth, DigestAuth, ForwardAuth,
    TokenExchangeAuth,
};

pub mod signing;
pub use signing::{HmacAuth, MessageSignatureAuth, SigningDate};

pub mod oauth2;
pub use oauth2::{
    CallerExchangeAuth, ClientAuth, ClientCredentialsAuth, ClientKeys, JwtBearerAuth, PasswordAuth,
    RefreshTokenAuth, SignedAssertion,
};

pub mod connection;
pub use connection::Connection;

pub mod records;
pub use records::Records;

pub mod related;
pub use related::{
    Details, MemberFields, MemberList, PartitionValue, Partitions, UserFields, Users,
};

pub mod field;
pub use field::{Conversion, Field, Source};

pub mod incremental;
pub use incremental::{Incremental, Since};

pub mod fields;
pub use fields::{Each, Fields};

pub mod value;
pub use value::{Json, OneOrMany, PathOr, Text};

use std::collections::BTreeMap;

use bytesize::ByteSize;
use schemars::JsonSchema;
use serde::Deserialize;

use super::preset;
use crate::plan::limits::DEEPEST;
use crate::plan::{
    self, BreakerThresholds, Extra, Format, Hedging, List, Origin, Path, Rate, Refresh, Rule,
    Share, Span, Success, text,
};
use crate::problem::KeyPath;

/// How to query one backend, and how its response becomes groups.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// An adapter that ships with groupgate and fills in whatever this block leaves out. `groupgate
    /// presets` lists them; `groupgate presets NAME` prints one.
    #[serde(default)]
    #[schemars(schema_with = "preset::schema")]
    pub preset: Option<String>,
    /// Scheme, host and, if there is one, the path that all requests start with. Only `http` and
    /// `https` are supported. A query, a fragment, or a user name and password in it are refused.
    #[serde(deserialize_with = "text::url")]
    #[schemars(with = "String", extend("format" = "uri"))]
    pub base_url: url::Url,
    /// The request that lists groups.
    pub request: Request,
    /// The request for every page after the first, if it differs from `request`. When the upstream
    /// sends the URL of a page, the path and query of this request are not used.
    pub continuation: Option<Request>,
    /// Headers of all requests but those of logins: for each page of each list, for what is asked for each group, and
    /// for one group. A header of the same name that a request has itself takes the place of one here. `{login.…}`,
    /// `{caller.id}` and claims of the caller's token may stand in a value, and no other placeholders.
    #[serde(default)]
    pub headers: BTreeMap<String, Text>,
    /// Whether queries are answered from the whole list, or passed on to the upstream.
    #[serde(default)]
    pub list: List,
    /// How the upstream takes filters. Only with `list = "by_query"`.
    #[serde(default)]
    pub pushdown: Pushdown,
    /// The format of responses.
    #[serde(default)]
    pub format: Format,
    /// A prefix such as `)]}'` that the upstream puts before JSON to stop browsers from running it
    /// as a script. Responses that do not start with it, as is common for errors, are read as they
    /// are. It applies to logins too. JSON only.
    pub strip_prefix: Option<String>,
    /// Where a response holds JSON within a string, such as `"/d"` or `"/groups/members"`: it is read as if
    /// it stood there without quotes, and paths lead on into it. Lists on the way are followed. A string
    /// that is no list or object of JSON stays a string. JSON only.
    pub embedded: Option<OneOrMany<Path>>,
    /// Where a page holds the list of groups; `/` is the page itself. A table can add that the list
    /// may be missing, is an object keyed by id, or contains trees.
    pub records: Records,
    /// How the body of a 2xx response tells success from failure. Without it, every 2xx response is
    /// a success.
    pub success: Option<Success>,
    /// What a response means when the status and `success` do not tell. The first rule that matches
    /// applies.
    #[serde(default)]
    pub answers: Vec<Rule>,
    /// Where a failed response explains the error: the first of these paths that holds text.
    /// `probe` and the logs show it; clients never see it.
    pub message: Option<OneOrMany<Path>>,
    /// How to get from one page to the next. Without it, the first page is the whole list.
    #[serde(default)]
    pub pagination: Pagination,
    /// How requests are authenticated. Without it, they are not.
    #[serde(default)]
    pub auth: Auth,
    /// A name for the account that `auth` stands for. A stored list is served only to the account
    /// that fetched it, even after a restart. Without a name, the account is identified by the
    /// public part of `auth` (user name, client id or key id) and by the client certificate (its
    /// issuer, subject and alternative names, so that a renewed one is the same account); if `auth`
    /// has no public part, by the token itself. Name the account if such a token is rotated, so that
    /// its list is kept.
    pub account: Option<String>,
    /// How many lists of callers are kept at most, where each caller is asked for by itself: with
    /// `auth.type = "forward"` or `"token_exchange_caller"`, or with `{caller.id}` or `{caller.claims/…}`
    /// in a request. Callers with the same values share one. Beyond it, the least recently used is
    /// dropped. They have an eighth of `cache.capacity`, together with upstreams that are asked by query,
    /// and are never on disk.
    #[schemars(default = "default_scopes", range(min = 1))]
    pub scopes: Option<u32>,
    /// TLS, proxy and HTTP version.
    #[serde(default)]
    pub connection: Connection,
    /// Which part of a record becomes which field of a group.
    pub fields: Fields,
    /// What happens to the parts of a record that no field uses.
    #[serde(default)]
    pub extra: Extra,
    /// Attributes that callers can filter by, as paths from the record: with `["extra/department"]`,
    /// `?attribute.department=Sales` finds the groups that have this value under `attributes`, exactly as
    /// written; of a number, its value. If a list stands there, any of its items may have it. The name in queries is
    /// the last part of the path.
    #[serde(default)]
    pub filterable: Vec<Path>,
    /// What the list of groups is read once per item of, such as organizations.
    pub partitions: Option<Partitions>,
    /// One request for each group, whose record is laid over the listed one.
    pub details: Option<Details>,
    /// A list of the members of each group.
    pub members: Option<MemberList>,
    /// A list of the administrators of each group.
    pub admins: Option<MemberList>,
    /// A list of the members of each group from outside the organization.
    pub guests: Option<MemberList>,
    /// Who has which email address, where groups name people by their ids alone.
    pub users: Option<Users>,
    /// How much the upstream may be asked for, and how much it may send.
    #[serde(default)]
    pub limits: Limits,
    /// When requests are suspended because the upstream keeps failing.
    #[serde(default)]
    pub breaker: BreakerThresholds,
    /// When to send a second request for a slow page, for example `hedge = { after = "300ms" }`.
    /// Without it, never.
    pub hedge: Option<Hedging>,
    /// Whether requests carry W3C trace context: `traceparent`, and the caller's `tracestate` where there is
    /// one. They are not signed. An upstream that does not expect them ignores them.
    #[serde(default = "yes")]
    pub trace_context: bool,
    /// If true, no answer is given without this upstream.
    #[serde(default)]
    pub required: bool,
    /// Whether pages of the list of groups are asked for only if they have changed: with `If-None-Match` and
    /// `If-Modified-Since`, as the same request was answered in the last complete walk. What a page came to is
    /// remembered in memory, with the list and for as long as it; its groups are taken from the list. A walk of
    /// which every page is answered with 304 keeps the list, which is fresh again. Not together with `details`,
    /// `members`, `admins` and `guests`. The first walk after a start asks for everything, and so do walks for
    /// filters. Pages without an `ETag` or `Last-Modified`, and those with a record that came before, are always
    /// asked for anew.
    #[serde(default)]
    pub conditional: bool,
    /// Walks that ask only for what has changed, with one for everything from time to time.
    pub incremental: Option<Incremental>,
    /// Overrides `cache.ttl`.
    pub ttl: Option<Span>,
    /// Overrides `cache.stale_while_revalidate`.
    pub stale_while_revalidate: Option<Span>,
    /// Overrides `cache.stale_if_error`.
    pub stale_if_error: Option<Span>,
    /// Overrides `cache.min_refresh`.
    pub min_refresh: Option<Span>,
    /// When the list is refreshed.
    #[serde(default)]
    pub refresh: Refresh,
    /// Protects against lists that suddenly shrink. A new list replaces the current one at once
    /// only if it has at least this share of its groups. A shorter list is held back: it is logged,
    /// `/sources` reports it as `pending_shrink`, and another walk after `min_refresh` has to
    /// confirm it. Below ten groups, only an empty list is held back. Nothing is held back once the
    /// current list is too old to be served. `0` turns the guard off.
    #[serde(default = "half")]
    pub shrink_guard: Share,
}

/// How many lists of callers are kept where a block does not say.
pub(in crate::config) const fn default_scopes() -> u32 {
    1000
}

const fn yes() -> bool {
    true
}

const fn half() -> Share {
    Share::HALF
}

impl Upstream {
    /// The requests that list groups, and the keys that lead to them.
    pub(in crate::config) fn requests(&self) -> Vec<(KeyPath, &Request)> {
        let mut requests = vec![(KeyPath::new(["request"]), &self.request)];
        let continuation = self.continuation.iter();
        requests.extend(continuation.map(|request| (KeyPath::new(["continuation"]), request)));
        if let Some(call) = self.pagination.total_call() {
            let at = KeyPath::new(["pagination", "total", "request"]);
            requests.push((at, &call.request));
        }
        if let Some(lookup) = self.pushdown.lookup() {
            requests.push((KeyPath::new(["pushdown", "id", "request"]), lookup));
        }
        requests
    }

    /// A request that has the headers of all, and nothing else.
    pub(in crate::config) fn common_request(&self) -> Request {
        Request {
            headers: self.headers.clone(),
            ..Request::default()
        }
    }

    /// The `Host` headers that are written out and name another host than `base_url`, and the keys that lead to them.
    pub fn other_hosts(&self) -> Vec<(KeyPath, &str)> {
        let own = &self.base_url;
        let name = own.host_str().unwrap_or_default();
        let port = own.port_or_known_default().unwrap_or_default();
        let is_own = |host: &str| match host.rsplit_once(':') {
            Some((host, named)) if named.parse() == Ok(port) => host.eq_ignore_ascii_case(name),
            Some(_) | None => host.eq_ignore_ascii_case(name),
        };
        let related = self.related_requests().into_iter();
        let related = related.map(|(at, request)| (KeyPath::new(at), request));
        let requests = self.requests().into_iter().chain(related);
        let headers = requests.map(|(at, request)| (at.join("headers"), &request.headers));
        let headers = headers.chain([(KeyPath::new(["headers"]), &self.headers)]);
        let headers = headers.flat_map(|(at, headers)| {
            let headers = headers.iter();
            headers.map(move |(name, value)| (at.join(name), name, value))
        });
        let hosts = headers.filter_map(|(at, name, value)| match value {
            Text::Literal(host) if name.eq_ignore_ascii_case("host") => Some((at, host.as_str())),
            Text::Literal(_) | Text::Secret(_) => None,
        });
        hosts
            .filter(|(_, host)| !host.contains('{') && !is_own(host))
            .collect()
    }

    /// What every URL that is asked starts with. No page is read from elsewhere than `base_url` and
    /// `pagination.origins`.
    pub fn urls(&self) -> impl Iterator<Item = &url::Url> {
        let origins = self.pagination.origins().iter().map(Origin::url);
        std::iter::once(&self.base_url)
            .chain(self.auth.login_urls())
            .chain(origins)
    }
}

/// How much an upstream may be asked for, and how much it may send. Exceeding a limit is an error;
/// it never shortens a list.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The maximum request rate, such as `"5/s"`. Pages, logins, retries and redirects all count.
    /// Without it, requests are as fast as the responses.
    pub rate: Option<Rate>,
    /// Whether to slow down when response headers say that the upstream's own rate limit is nearly
    /// used up. The remaining requests are spread over the time until the limit resets. The headers
    /// are `RateLimit`, `RateLimit-Remaining`, `RateLimit-Reset`, their `X-RateLimit-…` and
    /// `X-Rate-Limit-…` forms, these with a name between as well (`X-Sentry-Rate-Limit-Remaining`), and
    /// `Retry-After`. A reset value of 1,000,000,000 or more is a Unix
    /// time in seconds or milliseconds; a smaller one is a number of seconds from now. A successful
    /// response can delay requests by one minute at most, a refusal by ten.
    pub pacing: bool,
    /// How many requests may be in flight at once.
    #[schemars(range(min = 1))]
    pub concurrency: u32,
    /// How long one attempt of one request may take, from connecting to the end of the body. At
    /// most `walk`, and longer than zero.
    pub timeout: Span,
    /// How long connecting may take, including DNS, TLS and the proxy. At most `timeout`.
    #[schemars(default = "Self::connect_timeout")]
    pub connect_timeout: Option<Span>,
    /// How long the status and headers of a response may take, counted from the start of the
    /// request. At most `timeout`. Without it, `timeout` applies.
    pub head_timeout: Option<Span>,
    /// How long a response body may pause. At most `timeout`. Worth setting when `timeout` is long
    /// because pages are large.
    #[schemars(default = "Self::idle_timeout")]
    pub idle_timeout: Option<Span>,
    /// How often a request is retried, if it is safe to repeat.
    pub retries: u32,
    /// How long a whole walk may take.
    pub walk: Span,
    /// How many pages a walk may fetch.
    #[schemars(range(min = 1))]
    pub pages: u32,
    /// How many records a walk may fetch.
    #[schemars(range(min = 1))]
    pub groups: u32,
    /// The maximum size of one page, both compressed and decompressed. At most `walk_bytes`.
    /// Decoding a page may take sixteen times as much memory.
    #[serde(with = "text::size")]
    #[schemars(with = "text::Size")]
    pub page_bytes: ByteSize,
    /// How deeply lists, objects and XML elements may nest in any response, including logins.
    /// Clients get the data of a record as deep as it was received, and many cannot read JSON
    /// deeper than 64 or 128.
    #[schemars(range(min = 1, max = DEEPEST))]
    pub depth: u32,
    /// The maximum size of all pages of a walk together.
    #[serde(with = "text::size")]
    #[schemars(with = "text::Size")]
    pub walk_bytes: ByteSize,
}

impl Limits {
    fn connect_timeout() -> Span {
        plan::Limits::default().connect_timeout
    }

    fn idle_timeout() -> Span {
        plan::Limits::default().idle_timeout
    }
}

impl Default for Limits {
    fn default() -> Self {
        let plan::Limits {
            rate,
            pacing,
            concurrency,
            timeout,
            connect_timeout: _,
            head_timeout,
            idle_timeout: _,
            retries,
            walk,
            pages,
            groups,
            page_bytes,
            depth,
            walk_bytes,
        } = plan::Limits::default();
        Self {
            rate,
            pacing,
            concurrency,
            timeout,
            connect_timeout: None,
            head_timeout,
            idle_timeout: None,
            retries,
            walk,
            pages,
            groups,
            page_bytes,
            depth,
            walk_bytes,
        }
    }
}
