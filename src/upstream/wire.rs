//! Who listens on the wire: told of every try of every request as it is sent, signed, and of every
//! answer as it comes, before anyone has judged it.
//!
//! Stands at the bottom of the transport, right above the connection, and costs nothing where
//! nobody listens. It may also answer in the upstream's place, which is how recordings are walked
//! by the very code that walks upstreams.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::Full;
use tokio::time::Instant;
use tower::{BoxError, Service};

use super::extensions::LoginToken;

/// Someone who listens on the wire of one upstream.
pub trait Wire: fmt::Debug + Send + Sync {
    /// A request is about to be sent, as it is given. What comes back numbers this try.
    fn sends(&self, request: &Request<Bytes>) -> u64;

    /// The whole answer to a try has come.
    fn answered(&self, number: u64, answer: &Response<Bytes>, taken: Duration);

    /// Answers in the upstream's place: nothing is sent then.
    fn stands_in(&self, _: &Request<Bytes>) -> Option<Result<Response<Bytes>, BoxError>> {
        None
    }

    /// Whether it stands in for pages alone, so that neither a login nor a count is asked for.
    fn has_only_pages(&self) -> bool {
        false
    }
}

/// Where someone may begin to listen, once. Clones are the same place.
#[derive(Debug, Clone, Default)]
pub(super) struct Tap(Arc<OnceLock<Arc<dyn Wire>>>);

impl Tap {
    /// Tells `wire` of everything from now on, if nobody listens yet.
    pub(super) fn listen(&self, wire: Arc<dyn Wire>) {
        // Whoever came first goes on listening.
        let _ = self.0.set(wire);
    }

    /// Whether only pages are answered for.
    pub(super) fn has_only_pages(&self) -> bool {
        self.0.get().is_some_and(|wire| wire.has_only_pages())
    }

    /// The service with a place to listen above it.
    pub(super) const fn over<S>(self, service: S) -> Tapped<S> {
        Tapped { service, tap: self }
    }
}

/// A service on whose wire someone may listen.
#[derive(Debug, Clone)]
pub(super) struct Tapped<S> {
    service: S,
    tap: Tap,
}

impl<S> Service<Request<Bytes>> for Tapped<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<Bytes>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<Bytes>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Bytes>, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Bytes>) -> Self::Future {
        let Some(wire) = self.tap.0.get().map(Arc::clone) else {
            return Box::pin(self.service.call(request.map(Full::new)));
        };
        let number = wire.sends(&request);
        let start = Instant::now();
        if let Some(answer) = wire.stands_in(&request) {
            if let Ok(answer) = &answer {
                wire.answered(number, answer, start.elapsed());
            }
            return Box::pin(std::future::ready(answer));
        }
        request.extensions_mut().remove::<LoginToken>();
        let answer = self.service.call(request.map(Full::new));
        Box::pin(async move {
            let answer = answer.await?;
            wire.answered(number, &answer, start.elapsed());
            Ok(answer)
        })
    }
}
