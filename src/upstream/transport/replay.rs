//! Replay: recorded responses in the upstream's place, so that recordings are walked by the same
//! code that walks upstreams.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::{Either, Ready, ready};
use http::{Request, Response};
use http_body_util::Full;
use tower::{BoxError, Layer, Service};

use crate::error::UpstreamError;

/// Recorded responses.
pub trait Replay: fmt::Debug + Send + Sync {
    /// The response to a request. Nothing is sent.
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError>;

    /// Whether only pages are recorded, so that neither a login nor a count is requested.
    fn has_only_pages(&self) -> bool;
}

/// Answers from a recording once one is set; until then requests are sent. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct ReplayLayer {
    replay: Arc<OnceLock<Arc<dyn Replay>>>,
}

impl ReplayLayer {
    /// Answers from `replay` from now on. The first one that is set stays.
    pub(super) fn set(&self, replay: Arc<dyn Replay>) {
        let _ = self.replay.set(replay);
    }

    /// Whether only pages can be requested.
    pub(super) fn has_only_pages(&self) -> bool {
        self.replay
            .get()
            .is_some_and(|replay| replay.has_only_pages())
    }
}

impl<S> Layer<S> for ReplayLayer {
    type Service = ReplayOrSend<S>;

    fn layer(&self, inner: S) -> ReplayOrSend<S> {
        ReplayOrSend {
            inner,
            layer: self.clone(),
        }
    }
}

/// Answers from a recording, or sends with the inner service.
#[derive(Debug, Clone)]
pub(super) struct ReplayOrSend<S> {
    inner: S,
    layer: ReplayLayer,
}

impl<S> Service<Request<Bytes>> for ReplayOrSend<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<Bytes>, Error = BoxError>,
{
    type Response = Response<Bytes>;
    type Error = BoxError;
    type Future = Either<S::Future, Ready<Result<Response<Bytes>, BoxError>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        if let Some(replay) = self.layer.replay.get() {
            return Either::Right(ready(replay.respond(&request).map_err(BoxError::from)));
        }
        Either::Left(self.inner.call(request.map(Full::new)))
    }
}
