//! One exchange over HTTP, within the limits of an upstream.
//!
//! A stack of tower services over hyper's client. Each layer is a file and has the shape of
//! tower's own: a `…Layer` that wraps an inner service. Responses are classified by the
//! [`Classifier`] that a request carries, so that every error, of the connection or in a body, has a
//! kind before anyone decides on a retry.
//!
//! ```text
//! retry (budget) ▸ hedge ▸ breaker ▸ redirect ▸ rate limit ▸ shared ▸ classify ▸ concurrency ▸ attempt
//! ▸ timeout ▸ sign ▸ digest ▸ tap ▸ replay ▸ body ▸ decompression ▸ client
//! ```

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytesize::ByteSize;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tokio::time::timeout;
use tower::retry::budget::{Budget as _, TpsBudget};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};

use crate::clock::WallClock;
use crate::error::{ErrorKind, UpstreamError};
use crate::plan::{self, Auth, Limits, Span};

use crate::page_memory::{OwnWaits, PageMemory};

use super::classify::{ClassifiedResponse, Classifier};
use super::client::{Connections, http_client};
use super::extensions::share;
use super::masks::Masks;
use crate::tls::Tls;

mod retry;
use retry::RetryPolicy;

mod hedge;
use hedge::HedgeLayer;

pub mod breaker;
use breaker::{Breaker, CircuitBreakerLayer};
pub use breaker::{Circuit, CircuitState};

mod redirect;
use redirect::RedirectLayer;

mod account_limits;
mod pacing;
pub(super) use account_limits::AccountLimits;
mod read_limits;
use read_limits::ReadLimitsLayer;
mod rate_limit;
use rate_limit::RateLimitLayer;

mod shared;
use shared::SharedLayer;

mod classify;
use classify::ClassifyLayer;

mod timeout;
use timeout::TimeoutLayer;

mod sign;
use sign::Sign;

mod digest;
use digest::DigestLayer;

mod attempts;
use attempts::Attempts;

mod tap;
use tap::TapLayer;

pub mod replay;
pub use replay::Replay;
use replay::ReplayLayer;

mod body;
use body::{BodyLimits, ReadBodyLayer};
mod coding;

mod error;
use error::{BodyError, TimeoutText, to_upstream_error};

/// Makes exchanges with one upstream. Clones share connections, permits, rate limit, budget and
/// breaker.
#[derive(Debug, Clone)]
pub struct Transport {
    stack: BoxCloneSyncService<Request<Bytes>, ClassifiedResponse, UpstreamError>,
    breaker: Option<Breaker>,
    replay: ReplayLayer,
    budget: Arc<TpsBudget>,
}

impl Transport {
    /// The stack for an upstream, with its credentials, over its connections. No error shows what `masks`
    /// hide.
    pub(crate) fn new(
        upstream: &plan::Upstream,
        auth: Arc<Auth>,
        masks: &Masks,
        wall: WallClock,
        connections: &Connections,
    ) -> Self {
        Self::over(http_client(connections), upstream, auth, masks, wall)
    }

    /// The stack over any client.
    fn over<C, B>(
        client: C,
        upstream: &plan::Upstream,
        auth: Arc<Auth>,
        masks: &Masks,
        wall: WallClock,
    ) -> Self
    where
        C: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>>,
        C: Clone + Send + Sync + 'static,
        C::Future: Send,
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let (name, limits) = (&upstream.name, &upstream.limits);
        let budget = retry::budget();
        let hedge = upstream.hedge.as_ref();
        let hedge = hedge.map(|hedge| HedgeLayer::new(hedge.after.get(), Arc::clone(&budget)));
        let breaker = upstream.breaker.as_ref();
        let breaker = breaker.map(|thresholds| Breaker::new(name, thresholds, &wall));
        let rate_limit = RateLimitLayer::new(limits.rate);
        let paced = limits.pacing.then(|| (rate_limit.clone(), wall.clone()));
        let body_limits = BodyLimits {
            bytes: limits.page_bytes,
            idle: limits.idle_timeout,
        };
        let head_timeout = limits.head_timeout;
        let timeouts = TimeoutText::of(limits);
        let digest = DigestLayer::of(&auth);
        let replay = ReplayLayer::default();
        let stack = ServiceBuilder::new()
            // Outermost: each attempt passes all layers below again.
            .retry(RetryPolicy::new(limits.retries, Arc::clone(&budget)))
            // Above breaker and rate limit: the second request passes them like the first.
            .option_layer(hedge)
            // Above the rate limit: a rejected attempt uses no slot.
            .option_layer(breaker.clone().map(CircuitBreakerLayer::new))
            // Below the breaker, for which all hops are one attempt; above the rate limit, for which
            // each hop is a request.
            .layer(RedirectLayer::new(name, masks))
            // Above the permits: a request that waits for its slot holds none.
            .layer(rate_limit)
            // Below all layers that keep clones of what is below. Down to the permits, each layer calls on at once.
            .layer(SharedLayer)
            // Below all layers that depend on what a response means. Above the permits: a page that
            // is being decoded holds none.
            .layer(ClassifyLayer(masks.clone()))
            // Below the classification, which turns a response into an error without its headers.
            .layer(ReadLimitsLayer(paced))
            // Shared by clones, so it limits the upstream and not the walk.
            .concurrency_limit(limits.concurrency as usize)
            // Below the permits, which are not the upstream's time; above what gives errors their kind.
            .layer(Attempts::new(upstream, masks))
            // Above this line all errors have a kind.
            .map_err(move |error| to_upstream_error(error, &timeouts))
            // Covers one attempt: the connection, the head and the whole body.
            .layer(TimeoutLayer(limits.timeout.get()))
            // Last: the signature covers what is sent, when it is sent.
            .filter(Sign::new(auth, wall))
            .option_layer(digest)
            // Below the signature, which must not cover trace context: a hop may change it. Observers see what
            // is sent.
            .layer(TapLayer::new(upstream.trace_context))
            // Below the tap: a recording is observed like an upstream.
            .layer(replay.clone())
            // Inside the timeout, so that a body that trickles is cut off. A body that exceeds the
            // limit here and not below has grown in the decompression.
            .layer(ReadBodyLayer(body_limits.bytes))
            .map_request(coding::accept)
            .map_response(coding::undo)
            // Below the decompression: these are the bytes received.
            .map_response(move |response| body::limit(response, body_limits))
            .map_future(move |head| within(head_timeout, head))
            .map_err(Into::<BoxError>::into)
            .service(client);
        Self {
            stack: BoxCloneSyncService::new(stack),
            breaker,
            replay,
            budget,
        }
    }

    /// Answers from a recording from now on.
    pub(super) fn set_replay(&self, replay: Arc<dyn Replay>) {
        self.replay.set(replay);
    }

    /// Whether it answers from recorded pages only.
    pub(super) fn has_only_pages(&self) -> bool {
        self.replay.has_only_pages()
    }

    /// Takes one retry from the budget, if there is one left.
    pub(super) fn withdraw_retry(&self) -> bool {
        self.budget.withdraw()
    }

    /// The state of the breaker, if there is one.
    pub fn circuit(&self) -> Option<Circuit> {
        self.breaker.as_ref().map(Breaker::circuit)
    }

    /// Makes one exchange, retries included.
    pub async fn exchange(
        &self,
        request: ReadyRequest,
    ) -> Result<ClassifiedResponse, UpstreamError> {
        self.stack.clone().oneshot(request.0).await
    }
}

/// A request for exchanges. Clones share what it carries.
#[derive(Debug, Clone)]
pub struct ReadyRequest(Request<Bytes>);

impl ReadyRequest {
    /// This request, the response to which `classifier` classifies, in each attempt.
    pub fn new(mut request: Request<Bytes>, classifier: &Classifier) -> Self {
        request.extensions_mut().insert(classifier.clone());
        share(&mut request);
        Self(request)
    }

    /// The request, to look at what was sent.
    pub fn into_sent(self) -> Request<Bytes> {
        self.0
    }
}

/// Sends one request and returns the response as it is: nothing is signed, classified, followed or
/// retried. The response body is limited to `body_bytes`.
pub async fn fetch(
    request: Request<Bytes>,
    timeout: Duration,
    body_bytes: usize,
) -> Result<Response<Bytes>, UpstreamError> {
    let tls = match request.uri().scheme_str() {
        Some("https") => Some(
            Tls::default()
                .config()
                .map_err(|error| UpstreamError::new(ErrorKind::Tls, error.to_string()))?,
        ),
        Some(_) | None => None,
    };
    let client = http_client(&Connections::usual(tls));
    let bytes = ByteSize(body_bytes as u64);
    let timeouts = TimeoutText {
        whole: format!("{timeout:?}"),
        connect: Limits::default().connect_timeout.to_string(),
    };
    ServiceBuilder::new()
        .map_err(move |error| to_upstream_error(error, &timeouts))
        .timeout(timeout)
        .and_then(move |response| async move {
            let mut unbounded = PageMemory::default().body(None, OwnWaits::default());
            body::read(response, bytes, BodyError::LargeResponse, &mut unbounded).await
        })
        .map_request(coding::accept)
        .map_response(coding::undo)
        .service(client)
        .oneshot(request.map(Full::new))
        .await
}

/// Waits for the head of a response, within `limit` if there is one.
async fn within<T>(
    limit: Option<Span>,
    head: impl Future<Output = Result<T, BoxError>>,
) -> Result<T, BoxError> {
    let Some(limit) = limit else {
        return head.await;
    };
    timeout(limit.get(), head)
        .await
        .unwrap_or_else(|_| Err(BodyError::Head(limit).into()))
}

#[cfg(test)]
mod tests;
