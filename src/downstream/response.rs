//! Responses, and the shapes that their bodies have.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use hyper::body::{Frame, SizeHint};
use opentelemetry::TraceId;
use thiserror::Error;
use tokio::time::Instant;

use crate::observe::AnswerTraits;

use super::audited_answer::AuditedAnswer;

/// What the edge answers.
pub(crate) type Response = http::Response<Body>;

/// A streamed body that could not be finished. Its connection is broken off, so that a part of it
/// never looks whole; the reason is in the log.
#[derive(Debug, Error)]
#[error("the answer broke off")]
pub struct BrokenOff;

/// The body of a response, and what observers are told of the response beside what is sent.
#[derive(Debug, Default)]
pub struct Body {
    /// What is sent.
    pub content: Content,
    pub(crate) traits: AnswerTraits,
    /// What its record says of it, where it is recorded.
    pub(crate) audited: Option<Arc<AuditedAnswer>>,
    /// When it was there, as observers are told.
    pub(crate) answered: Option<Instant>,
    /// Which trace it was made in, where it was waited for.
    pub(crate) trace: Option<TraceId>,
}

/// What a body consists of.
#[derive(Default)]
pub enum Content {
    /// Nothing.
    #[default]
    Empty,
    /// All of it, ready to send.
    Full(Bytes),
    /// One part after the other, each made when the one before is on its way.
    Streamed(Pin<Box<dyn Stream<Item = Result<Bytes, BrokenOff>> + Send>>),
}

impl From<Content> for Body {
    fn from(content: Content) -> Self {
        Self {
            content,
            traits: AnswerTraits::default(),
            audited: None,
            answered: None,
            trace: None,
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("Empty"),
            Self::Full(bytes) => {
                write!(formatter, "Full({} bytes)", bytes.len())
            }
            Self::Streamed(_) => formatter.write_str("Streamed"),
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match &mut self.content {
            Content::Empty => Poll::Ready(None),
            Content::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.content = Content::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Content::Streamed(parts) => {
                let part = parts.as_mut().poll_next(context);
                part.map(|part| part.map(|part| part.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Empty => true,
            Content::Full(bytes) => bytes.is_empty(),
            Content::Streamed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Empty => SizeHint::with_exact(0),
            Content::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Streamed(_) => SizeHint::default(),
        }
    }
}

/// How many of the first fields of a response are looked through for the place of one.
pub(crate) const PLACES: usize = 3;

/// Sets a field that most likely has its place among the first ones, as in a ready answer: to look there takes a
/// tenth of the time that an insertion does.
pub(crate) fn set(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    let mut places = headers.iter_mut().take(PLACES);
    match places.find(|(place, _)| **place == name) {
        Some((_, place)) => *place = value,
        None => {
            headers.insert(name, value);
        }
    }
}

/// That a body is what its media type says, and not what a browser would guess (Fetch standard, section
/// 3.6). Every answer says so.
pub(crate) const AS_IT_SAYS: (HeaderName, HeaderValue) =
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));

/// A response with this status and no body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response.headers_mut().extend([AS_IT_SAYS]);
    response
}

/// A good response in one piece.
pub(crate) fn full(content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Content::Full(body.into()).into());
    let content_type = HeaderValue::from_static(content_type);
    let headers = response.headers_mut();
    headers.extend([(CONTENT_TYPE, content_type), AS_IT_SAYS]);
    response
}
