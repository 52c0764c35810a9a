//! The shape of the requests that an upstream is asked with.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use super::{Json, Text};

/// The shape of one request. `{cursor} {offset} {page} {limit}` and the names under `vars` may
/// stand in the path, in query and header values and in the body, and with `list = "by_query"` the
/// filters of a query; `{{` is a brace. What has no value on a page (the cursor of the first) or in a
/// query is left out with its parameter.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The HTTP method. Without it, GET; a request with a body has to name one.
    pub method: Option<Method>,
    /// The path below `base_url`. The value of a placeholder stays within one segment, and a segment
    /// whose placeholder has no value is left out.
    pub path: String,
    /// Query parameters, percent-encoded for you, names too (`$top`, `page[size]`). A list repeats
    /// the name.
    #[serde(default)]
    pub query: BTreeMap<String, Values>,
    /// Headers beside those of auth. `Accept` follows from `format` unless it is set here.
    #[serde(default)]
    pub headers: BTreeMap<String, Text>,
    /// A JSON body. A string that is exactly one placeholder takes the placeholder's type.
    pub json: Option<Json>,
    /// A form as the body (`application/x-www-form-urlencoded`). A list repeats the name.
    pub form: Option<BTreeMap<String, Values>>,
    /// A body sent as it is written, such as `null`; values of placeholders are inserted as they
    /// are. Its `Content-Type` is `application/json` unless a header says otherwise.
    pub body: Option<Text>,
    /// Values of your own for placeholders, such as an organization id.
    #[serde(default)]
    pub vars: BTreeMap<String, Text>,
    /// Says that a POST only reads, so that it may be tried again.
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
    /// A request that only reads. A few upstreams want a body even so.
    #[default]
    #[serde(rename = "GET")]
    Get,
    /// A request that may have a body; tried again only if it is `idempotent`.
    #[serde(rename = "POST")]
    Post,
}

/// The values of one parameter: one, or several that repeat its name.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "super::OneOrMany<Text>")]
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
