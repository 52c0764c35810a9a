//! The shape of the requests that an upstream is asked with.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Json, Text};

/// The shape of one request. `{cursor} {offset} {page} {limit}` and the names under `vars` may
/// stand in the path, in query and header values and in JSON strings; `{{` is a brace. What has
/// no value on a page (the cursor of the first) is left out with its parameter.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The HTTP method.
    #[serde(default)]
    pub method: Method,
    /// The path below `base_url`. The value of a placeholder stays within one segment, and a segment
    /// whose placeholder has no value is left out.
    pub path: String,
    /// Query parameters, percent-encoded for you.
    #[serde(default)]
    pub query: BTreeMap<String, Text>,
    /// Headers beside those of auth. `Accept` follows from `format` unless it is set here.
    #[serde(default)]
    pub headers: BTreeMap<String, Text>,
    /// A JSON body. A string that is exactly one placeholder takes the placeholder's type.
    pub json: Option<Json>,
    /// Values of your own for placeholders, such as an organization id.
    #[serde(default)]
    pub vars: BTreeMap<String, Text>,
    /// Says that a POST only reads, so that it may be tried again.
    #[serde(default)]
    pub idempotent: bool,
}

/// The HTTP method of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Method {
    /// A request without a body.
    #[default]
    #[serde(rename = "GET")]
    Get,
    /// A request that may have a body; tried again only if it is `idempotent`.
    #[serde(rename = "POST")]
    Post,
}
