//! A sample: one response of an API.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::sent::SentBody;

/// One response of an upstream. Several are pages of one list, in order.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Its URL with the query, if known.
    pub url: Option<Url>,
    /// The method of the request.
    pub method: Method,
    /// The body of the request.
    pub sent_body: SentBody,
    /// The headers of the request. Their values appear in the block unless their names, or the mark on
    /// them, say that they are secret.
    pub sent: HeaderMap,
    /// The status of the response.
    pub status: StatusCode,
    /// The headers of the response; empty if only the body was recorded.
    pub headers: HeaderMap,
    /// The body of the response.
    pub body: Bytes,
}

impl Sample {
    /// A recorded body without anything else.
    pub fn recorded(body: impl Into<Bytes>) -> Self {
        Self {
            url: None,
            method: Method::GET,
            sent_body: SentBody::None,
            sent: HeaderMap::new(),
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: body.into(),
        }
    }
}
