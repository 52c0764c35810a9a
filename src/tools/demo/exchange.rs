//! One request to an emulation and its answer, whole in memory.
//!
//! A [`Vendor`] turns the one into the other and knows nothing of sockets, latency or faults.

use std::fmt;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde_json::Value;

/// A request with its whole body.
pub(super) type Request = http::Request<Bytes>;

/// An answer with its whole body.
pub(super) type Answer = http::Response<Bytes>;

/// What one vendor's API answers.
pub(super) trait Vendor: fmt::Debug + Send + Sync {
    /// The path that the vendor's base URL ends in.
    fn context(&self) -> &'static str {
        ""
    }

    /// The variables in which gateway.toml expects this vendor's credentials, and values that the
    /// emulation accepts.
    fn credentials(&self) -> &'static [(&'static str, &'static str)];

    /// What a request counts as.
    fn kind(&self, request: &Request) -> Kind;

    /// Answers as the vendor would if it had so many groups.
    fn answer(&self, request: &Request, groups: usize) -> Answer;

    /// A list answer before it is written, whatever format it is to be in; an answer that is no list
    /// as it is.
    fn document(&self, request: &Request, groups: usize) -> Result<Value, Box<Answer>> {
        let answer = self.answer(request, groups);
        if !answer.status().is_success() {
            return Err(answer.into());
        }
        serde_json::from_slice(answer.body()).map_err(|_| answer.into())
    }

    /// Writes a list answer in the format that `request` asks for.
    fn write(&self, _request: &Request, document: &Value) -> Answer {
        json(StatusCode::OK, document)
    }

    /// Answers as the vendor does when it refuses the request's credential.
    fn refusal(&self, request: &Request) -> Answer;

    /// Answers with an error of this status, in the vendor's shape.
    fn failure(&self, request: &Request, status: StatusCode) -> Answer;

    /// Forgets every token that was issued. Most vendors issue none.
    fn revoke_tokens(&self) {}
}

/// What a request counts as in an emulation's stats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A request for a token.
    Login,
    /// The list request that begins a walk.
    FirstPage,
    /// Any other list request.
    LaterPage,
    /// Anything else.
    Other,
}

/// A query string, decoded as a form (WHATWG URL, section 5.1): `+` is a space.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
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

    /// A whole number, or `default` where the parameter is not sent. `Err` is a value that is no
    /// number.
    pub(super) fn number(&self, name: &str, default: usize) -> Result<usize, &str> {
        match self.get(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| text),
        }
    }
}

/// A request header that is there and is text.
pub(super) fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

/// The token of an `Authorization: Bearer` header.
pub(super) fn bearer(request: &Request) -> Option<&str> {
    header(request, AUTHORIZATION.as_str())?.strip_prefix("Bearer ")
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

/// The phrase that HTTP has for a status.
pub(super) fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Unknown")
}
