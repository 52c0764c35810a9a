//! One request that must come, and its answer.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Version};
use serde::Deserialize;

/// Stands for the upstream's origin in a case.
pub(crate) const ORIGIN: &str = "{origin}";

/// One expected request, and its response.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedExchange {
    /// The expected request.
    #[serde(default)]
    pub request: ExpectedRequest,
    /// The response.
    pub response: RecordedResponse,
}

/// An expected request. What is not given is not checked, except for the method.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectedRequest {
    /// GET if none is given.
    pub method: String,
    /// Path and query as on the wire.
    pub target: Option<String>,
    /// `""` is a header that must be absent; a value that ends with `…` is a prefix.
    pub headers: BTreeMap<String, String>,
    /// The body; one that ends with `…` is a prefix.
    pub body: Option<String>,
}

impl Default for ExpectedRequest {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            target: None,
            headers: BTreeMap::new(),
            body: None,
        }
    }
}

/// A response.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedResponse {
    #[serde(default = "ok")]
    pub(crate) status: u16,
    /// `"1.0"` for an HTTP/1.0 server.
    pub(crate) version: Option<String>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, HeaderValues>,
    #[serde(default)]
    pub(crate) body: String,
    /// Instead of `body`, for what is not text.
    pub(crate) body_base64: Option<String>,
}

const fn ok() -> u16 {
    200
}

/// The value of a header that occurs once, or the values of one that is repeated.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum HeaderValues {
    One(String),
    Many(Vec<String>),
}

impl From<Vec<String>> for HeaderValues {
    fn from(mut values: Vec<String>) -> Self {
        match values.pop() {
            Some(only) if values.is_empty() => Self::One(only),
            last => Self::Many(values.into_iter().chain(last).collect()),
        }
    }
}

impl HeaderValues {
    pub(super) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl ExpectedRequest {
    /// How a request differs from the expected one.
    pub(super) fn differences(&self, origin: &str, request: &Request<Bytes>) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut compare = |what: &str, actual: Option<&str>, expected: &str| {
            let expected = expected.replace(ORIGIN, origin);
            let fits = match (actual, expected.strip_suffix('…')) {
                (None, _) => expected.is_empty(),
                (Some(actual), Some(start)) => actual.starts_with(start),
                (Some(actual), None) => actual == expected,
            };
            if !fits {
                let actual = actual.map_or("absent".to_owned(), |actual| format!("`{actual}`"));
                wrong.push(format!("{what} is {actual}; expected `{expected}`"));
            }
        };
        compare("the method", Some(request.method().as_str()), &self.method);
        if let Some(target) = &self.target {
            let actual = request.uri().path_and_query().map(PathAndQuery::as_str);
            compare("the target", actual, target);
        }
        for (name, expected) in &self.headers {
            let values = request.headers().get_all(name).iter();
            let values: Vec<_> = values
                .map(|value| String::from_utf8_lossy(value.as_bytes()))
                .collect();
            let actual = (!values.is_empty()).then(|| values.join(", "));
            compare(&format!("`{name}`"), actual.as_deref(), expected);
        }
        if let Some(expected) = &self.body {
            let actual = String::from_utf8_lossy(request.body());
            compare("the body", Some(&actual), expected);
        }
        wrong
    }
}

impl RecordedResponse {
    /// The response of an upstream at `origin`.
    pub(super) fn answer(&self, origin: &str) -> Result<Response<Bytes>, String> {
        let mut answer = Response::new(self.body(origin)?);
        *answer.status_mut() = StatusCode::from_u16(self.status)
            .map_err(|_| format!("`{}` is not a status", self.status))?;
        match self.version.as_deref() {
            None => {}
            Some("1.0") => *answer.version_mut() = Version::HTTP_10,
            Some(version) => return Err(format!("HTTP/{version} is not supported")),
        }
        for (name, values) in &self.headers {
            let wrong = || format!("`{name}` is not a header");
            let header = HeaderName::try_from(name).map_err(|_| wrong())?;
            for value in values.as_slice() {
                let value = value.replace(ORIGIN, origin);
                let value = HeaderValue::try_from(value).map_err(|_| wrong())?;
                answer.headers_mut().append(header.clone(), value);
            }
        }
        Ok(answer)
    }

    fn body(&self, origin: &str) -> Result<Bytes, String> {
        match &self.body_base64 {
            Some(text) => {
                let body = STANDARD.decode(text.replace(['\n', ' '], ""));
                Ok(body
                    .map_err(|error| format!("`body_base64`: {error}"))?
                    .into())
            }
            None => Ok(self.body.replace(ORIGIN, origin).into()),
        }
    }
}
