//! One request to an emulation and its answer, complete in memory.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde_json::Value;

/// A request with its whole body.
pub(super) type Request = http::Request<Bytes>;

/// An answer with its whole body.
pub(super) type Answer = http::Response<Bytes>;

/// What a request counts as in an emulation's stats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestKind {
    /// A request for a token.
    Login,
    /// The list request that begins a walk.
    FirstPage,
    /// Any other list request.
    LaterPage,
    /// Anything else.
    Other,
}

impl RequestKind {
    /// Whether it asks for the list.
    pub(super) const fn is_list(self) -> bool {
        matches!(self, Self::FirstPage | Self::LaterPage)
    }
}

/// A query string, decoded as a form (WHATWG URL, section 5.1): `+` is a space.
#[derive(Debug)]
pub(super) struct QueryParameters(Vec<(String, String)>);

impl QueryParameters {
    /// The query parameters of `request`.
    pub(super) fn of(request: &Request) -> Self {
        let query = request.uri().query().unwrap_or_default();
        Self(
            url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// The first value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The text to search for, in lower case; empty where there is none.
    pub(super) fn search(&self) -> String {
        self.get("search").unwrap_or_default().to_lowercase()
    }

    /// A whole number, or `default` where the parameter is not sent. `Err` is a value that is not a
    /// number.
    pub(super) fn number(&self, name: &str, default: usize) -> Result<usize, &str> {
        match self.get(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| text),
        }
    }

    /// A number from 1 on, or `default`. `Err` is the parameter's name.
    pub(super) fn positive<'n>(&self, name: &'n str, default: usize) -> Result<usize, &'n str> {
        match self.number(name, default) {
            Ok(0) | Err(_) => Err(name),
            Ok(number) => Ok(number),
        }
    }
}

/// A request header that is text.
pub(super) fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

/// The token of an `Authorization: Bearer` header.
pub(super) fn bearer(request: &Request) -> Option<&str> {
    header(request, AUTHORIZATION.as_str())?.strip_prefix("Bearer ")
}

/// A JSON answer of status 200.
pub(super) fn ok(body: &Value) -> Answer {
    json(StatusCode::OK, body)
}

/// A JSON answer.
pub(super) fn json(status: StatusCode, body: &Value) -> Answer {
    answer(status, "application/json", body.to_string())
}

/// A plain text answer.
pub(super) fn text(status: StatusCode, body: impl Into<String>) -> Answer {
    answer(status, "text/plain; charset=UTF-8", body.into())
}

/// An answer of any media type.
pub(super) fn answer(status: StatusCode, media_type: &'static str, body: String) -> Answer {
    let mut answer = Answer::new(Bytes::from(body));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

/// The reason phrase of a status.
pub(super) fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Unknown")
}

/// An object without those of its members that are null and named here.
pub(super) fn without_null<const N: usize>(mut object: Value, names: [&str; N]) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.retain(|name, value| !(value.is_null() && names.contains(&name.as_str())));
    }
    object
}
