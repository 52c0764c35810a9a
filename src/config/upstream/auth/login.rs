//! Logins: what is sent for a token, and what is kept of the answer.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Auth;
use crate::config::upstream::Request;
use crate::plan::text;
use crate::plan::{Expiry, LoginFormat, LoginLocation, Rule, Success};

/// A login request that returns a token, cookies or other values.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenExchangeAuth {
    /// The login request. Placeholders for pages have no meaning here.
    pub request: Request,
    /// Scheme, host and, if there is one, the path that the login request starts with. Without it, the
    /// upstream's `base_url`.
    #[serde(default, deserialize_with = "text::optional_url")]
    #[schemars(with = "Option<String>", extend("format" = "uri"))]
    pub base_url: Option<url::Url>,
    /// The format of the login response. Without it, JSON; if nothing is read from the body, it is ignored.
    pub answer: Option<LoginFormat>,
    /// Where the response holds the token: a path (`/` is the whole response, as a JSON string or as plain
    /// text), a header or a cookie. It can be left out with `cookies` or `values`.
    pub token: Option<LoginLocation>,
    /// Where the response holds other values, by name. `{login.NAME}` in a request stands for them. Names
    /// consist of `a` to `z`, `0` to `9` and `_`; `token` and `cookies` are taken.
    #[serde(default)]
    pub values: BTreeMap<String, LoginLocation>,
    /// Whether the cookies that the login set are sent with every request. A response without any is then no
    /// login. Cookies that later responses set are not kept: requests run at once, so that it would be chance which
    /// holds. When a session ends, the upstream refuses a request, and the next login starts another one.
    #[serde(default)]
    pub cookies: bool,
    /// When the token expires. Without it, the token is used until the upstream rejects it.
    pub expires: Option<Expiry>,
    /// How the body tells whether the login succeeded. Without it, the upstream's `success`
    /// applies, except that a response without a status counts as a success.
    pub success: Option<Success>,
    /// What a login response means when the status and `success` do not tell. The upstream's own
    /// rules do not apply to logins. `end` has no meaning here. A login that succeeds with a redirect needs
    /// `[{ status = 302, means = "ok" }]`, so that it is not followed.
    #[serde(default)]
    pub answers: Vec<Rule>,
    /// The header that carries the token. Without it, `authorization`; unless the token goes to `query` or
    /// `cookie`, or a request holds `{login.token}`.
    pub header: Option<String>,
    /// The word before the token in its header. If empty, the token stands alone. Without it, `Bearer`.
    pub scheme: Option<String>,
    /// The query parameter that carries the token.
    pub query: Option<String>,
    /// The cookie that carries the token.
    pub cookie: Option<String>,
    /// Logins that come before this one, by name. What they return goes into this one's request, as
    /// `{login.NAME.token}`, `{login.NAME.cookies}` or `{login.NAME.VALUE}`, or into that of another one of
    /// them: what they use says in which order they run. Each is an `auth` of its own, of a type that logs in,
    /// without `header`, `scheme`, `query`, `cookie`, `cookies` and `chain`. At most four run one after
    /// another. If a request with what they returned is refused, all of them run again.
    #[serde(default)]
    pub chain: BTreeMap<String, Auth>,
}
