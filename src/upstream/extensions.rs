//! What a request carries through the transport, set as `http::Extensions`. [`carried`] looks it up.

use std::sync::Arc;

use http::{Extensions, HeaderMap, Method, Request};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::page::position::Position;

/// What a request carried when it came to the transport. Its clones share it, for several layers keep one.
#[derive(Debug, Clone)]
struct SharedExtensions(Arc<Extensions>);

/// Has the clones of a request share what it carries so far.
pub(super) fn share<B>(request: &mut Request<B>) {
    let carried = std::mem::take(request.extensions_mut());
    debug_assert!(carried.get::<SharedExtensions>().is_none(), "shared before");
    request
        .extensions_mut()
        .insert(SharedExtensions(Arc::new(carried)));
}

/// What a request carries, set by a layer or before it came to the transport.
pub fn carried<T: Send + Sync + 'static, B>(request: &Request<B>) -> Option<&T> {
    let own = request.extensions();
    own.get().or_else(|| own.get::<SharedExtensions>()?.0.get())
}

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
    request.method() == Method::GET || carried::<Repeatable, _>(request).is_some()
}

/// The latest moment at which the response is of use, if there is one.
pub(super) fn deadline<B>(request: &Request<B>) -> Option<Instant> {
    carried(request).map(|Deadline(deadline)| *deadline)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_what_a_request_carried_and_layers_add_to_their_own() {
        let mut request = Request::get("/").body(()).unwrap();
        request.extensions_mut().insert(Repeatable);
        request.extensions_mut().insert(Purpose::Count);
        share(&mut request);
        let mut clone = request.clone();
        clone.extensions_mut().insert(Resent(2));
        clone.extensions_mut().insert(Purpose::Login);
        assert!(carried::<Repeatable, _>(&clone).is_some());
        assert_eq!(carried(&clone), Some(&Purpose::Login));
        assert_eq!(carried(&request), Some(&Purpose::Count));
        assert!(carried::<Resent, _>(&clone).is_some() && carried::<Resent, _>(&request).is_none());
        let shared = |request| carried::<Repeatable, _>(request).map(std::ptr::from_ref);
        assert_eq!(shared(&request), shared(&clone));
    }
}
