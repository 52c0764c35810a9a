//! The requests that are sent to an upstream.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use super::{Json, Text};

/// One request. The path, query values, header values and body can contain placeholders:
/// `{cursor}`, `{offset}`, `{page}`, `{limit}`, the names under `vars` and, with `list =
/// "by_query"`, the filters of a query. `{caller.id}` and claims of the caller's token, such as
/// `{caller.claims/tenant}`, have each caller asked for by itself. `{{` and `}}` are literal braces.
///
/// A parameter, header or JSON member whose placeholder has no value is left out, for example the
/// cursor of the first page.
///
/// Numbers, dates and booleans are sent as they are written: `1.10` stays `1.10`. Only `+`, `_` between
/// digits and bases other than ten are not: `0x10` is sent as `16`.
///
/// Literal values that look like secrets by their name, such as `token` or `password`, are refused,
/// also if they come from `vars` under another name: use `{ env = "NAME" }` or `{ file = "path" }`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The HTTP method. Required for a request with a body.
    #[schemars(default = "Method::default")]
    pub method: Option<Method>,
    /// The path below `base_url`. The value of a placeholder stays within one segment, and a
    /// segment whose placeholder has no value is left out.
    ///
    /// A path that is one value of the record around a list and nothing else is a link: a URL, or a path of the same
    /// host, beside whose parameters `query` stands: `"{record/_links/members/href}"`.
    pub path: String,
    /// Query parameters. Names and values are percent-encoded, so write `$top` and `page[size]` as
    /// they are. A list repeats the parameter.
    #[serde(default)]
    pub query: BTreeMap<String, Values>,
    /// Request headers, in addition to those of `auth`. `Accept` follows from `format` unless it is
    /// set here.
    #[serde(default)]
    pub headers: BTreeMap<String, Text>,
    /// A JSON body. A string that consists of one placeholder takes the type of its value: a cursor that
    /// is a JSON number is sent as a number. An object or a list of which only placeholders without a
    /// value are left is left out.
    pub json: Option<Json>,
    /// A form body (`application/x-www-form-urlencoded`). A list repeats the parameter.
    pub form: Option<BTreeMap<String, Values>>,
    /// A body that is sent as written, such as `null`. The `Content-Type` is `application/json` unless a
    /// header sets it. Values are escaped by it, or without one by how the body starts: in JSON within a
    /// string, and else as a whole value; in XML as text or as the value of an attribute; in a form they
    /// are percent-encoded; in text of any other kind they are inserted as they are. A body that is one
    /// placeholder is its value.
    pub body: Option<Text>,
    /// Your own placeholders, such as an organization id. Names consist of `a` to `z`, `0` to `9`
    /// and `_`.
    #[serde(default)]
    pub vars: BTreeMap<String, Text>,
    /// Set this if a POST only reads, so that it is safe to retry.
    #[serde(default)]
    pub idempotent: bool,
}

impl Request {
    /// Whether it may be sent twice (RFC 9110, section 9.2.2).
    pub fn may_repeat(&self) -> bool {
        self.idempotent || self.method.unwrap_or_default() == Method::Get
    }
}

/// The HTTP method of a request.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[strum(serialize_all = "UPPERCASE")]
pub enum Method {
    /// A request that only reads. Some upstreams want a body with it.
    #[default]
    #[serde(rename = "GET")]
    Get,
    /// A request that may have a body. It is retried only if it is `idempotent`.
    #[serde(rename = "POST")]
    Post,
}

/// One value, or a list that repeats the parameter.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "crate::plan::OneOrMany<Text>")]
pub struct Values(Vec<Text>);

impl Values {
    /// The values in order; at least one.
    pub fn as_slice(&self) -> &[Text] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        let Json::List(items) = json else {
            return match Text::try_from(json) {
                Ok(one) => Ok(Self(vec![one])),
                Err(problem) => Err(D::Error::custom(problem)),
            };
        };
        if items.is_empty() {
            return Err(D::Error::custom(
                "the list is empty: it needs at least one value",
            ));
        }
        items
            .into_iter()
            .map(|value| Text::try_from(value).map_err(D::Error::custom))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}
