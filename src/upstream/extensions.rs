//! What a request carries through the transport, set as `http::Extensions`.

use std::sync::Arc;

use http::{HeaderMap, Method, Request};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::page::position::Position;

/// The latest moment at which the response is of use.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(pub Instant);

/// The request only reads, so it may be sent twice although its method is not GET.
#[derive(Debug, Clone, Copy)]
pub struct Repeatable;

/// How often the request was sent before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resent(pub(super) u32);

/// The path as others may see it, where it holds values.
#[derive(Debug, Clone)]
pub(super) struct ShownPath(pub(super) Arc<str>);

/// The request may be sent a second time while its response is late.
#[derive(Debug, Clone, Copy)]
pub struct Hedgeable;

/// The headers of the caller that the upstream is sent.
#[derive(Debug, Clone)]
pub(super) struct ForwardedHeaders(pub(super) Arc<HeaderMap>);

/// For which of the callers it is who are asked for by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ScopeNumber(pub(super) u64);

/// The text that was signed, where the adapter defines it.
#[derive(Debug, Clone)]
pub struct SignedText(pub String);

/// Notified when the request is sent. A request that still waits for its turn is not late.
#[derive(Debug, Clone)]
pub(super) struct Sent(pub(super) Arc<Notify>);

/// What fails may be the fault of one caller's credentials: it says nothing of the upstream.
#[derive(Debug, Clone)]
pub(super) struct OfOneCaller;

/// What the response is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// A token.
    Login,
    /// How many records there are.
    Count,
    /// The page at this position.
    Page(Position),
}

/// Whether a request may be sent twice (RFC 9110, section 9.2.2).
pub(super) fn is_repeatable<B>(request: &Request<B>) -> bool {
    request.method() == Method::GET || request.extensions().get::<Repeatable>().is_some()
}

/// The latest moment at which the response is of use, if there is one.
pub(super) fn deadline<B>(request: &Request<B>) -> Option<Instant> {
    let deadline = request.extensions().get();
    deadline.map(|Deadline(deadline)| *deadline)
}
