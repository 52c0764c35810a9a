//! One exchange over HTTP, as often and as fast as the upstream may be asked.
//!
//! A stack of tower services over hyper's client. Bytes go out, and what comes back is judged by
//! whoever the request brings along ([`Judge`]): what goes wrong, on the way or in a body, has a
//! kind by the time that anyone decides on another try.
//!
//! ```text
//! retry (budget) ▸ hedge ▸ breaker ▸ redirects ▸ quota ▸ judge ▸ concurrency ▸ timeouts ▸ sign ▸ …
//! ```

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use bytesize::ByteSize;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Method, Request, Response};
use http_body::Body;
use http_body_util::Full;
use tokio::time::timeout;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};
use tower_http::decompression::DecompressionLayer;

use crate::clock::WallClock;
use crate::config::Span;
use crate::config::upstream::Upstream;

use super::auth::Auth;
use super::classify::{Answer, Judge};
use super::client::{CONNECT_TIMEOUT, Connections, http_client};
use super::extensions::{LoginToken, Sent};
use super::tls::Tls;
use super::wire::Tap;
use crate::error::{ErrorKind, UpstreamError};

mod retry;
use retry::RetryPolicy;

mod hedge;
use hedge::Hedging;

pub mod breaker;
use breaker::Breaker;
pub use breaker::{Circuit, CircuitState};

mod redirect;
use redirect::Redirects;

pub mod quota;
use quota::Quota;
mod pace;

mod body;
use body::Bounds;

mod failure;
use failure::{Cut, Patience, classify};

/// How long a body may stand still where nothing is said.
const IDLE_TIMEOUT: Span = Span::seconds(30);

/// Makes exchanges with one upstream. Clones share connections, permits, quota, budget and breaker.
#[derive(Debug, Clone)]
pub struct Transport {
    stack: BoxCloneSyncService<Request<Bytes>, Answer, UpstreamError>,
    breaker: Option<Breaker>,
    tap: Tap,
}

impl Transport {
    /// The stack for the upstream `name`, with this way of signing, over such connections.
    pub fn new(
        name: &Arc<str>,
        upstream: &Upstream,
        auth: Arc<Auth>,
        wall: WallClock,
        connections: &Connections,
    ) -> Self {
        Self::over(http_client(connections), name, upstream, auth, wall)
    }

    /// The stack over anything that brings answers.
    fn over<C, B>(
        client: C,
        name: &Arc<str>,
        upstream: &Upstream,
        auth: Arc<Auth>,
        wall: WallClock,
    ) -> Self
    where
        C: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>>,
        C: Clone + Send + Sync + 'static,
        C::Future: Send,
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let limits = &upstream.limits;
        let budget = retry::budget();
        let hedge = upstream.hedge.as_ref();
        let hedging = hedge.map(|hedge| Hedging::new(hedge.after.get(), Arc::clone(&budget)));
        let breaker = &upstream.breaker;
        let breaker = (breaker.enabled).then(|| Breaker::new(name, breaker, &wall));
        let quota = Quota::new(limits.rate);
        let paced = limits.pacing.then(|| (quota.clone(), wall.clone()));
        let bounds = Bounds {
            bytes: limits.page_bytes,
            idle: limits.idle_timeout.unwrap_or(IDLE_TIMEOUT),
        };
        let head_timeout = limits.head_timeout;
        let patience = Patience::of(limits);
        let tap = Tap::default();
        let wire = tap.clone();
        let stack = ServiceBuilder::new()
            // Outermost: each try passes everything below again.
            .retry(RetryPolicy::new(limits.retries, budget))
            // Above breaker and quota: a second request is let through and waits like the first.
            .option_layer(hedging)
            // Above the quota: a refused try costs no turn.
            .option_layer(breaker.clone())
            // Below the breaker, for which all hops are one try; above the quota, for each is a
            // request.
            .layer(Redirects::of(name))
            // Above the permits: a request that waits for its turn holds none.
            .layer(quota)
            // Below all of these, which go by what an answer means, wherever it says so. Above
            // the permits: a page that is being decoded holds none.
            .layer_fn(Judging)
            // Below the judge, which makes an error of an answer and loses its headers.
            .map_response(move |response: Response<Bytes>| {
                if let Some((quota, wall)) = &paced {
                    quota.heed(response.status(), response.headers(), wall.now());
                }
                response
            })
            // Shared by clones, so it bounds the upstream and not the walk.
            .concurrency_limit(limits.concurrency as usize)
            // Above this line failures have a kind.
            .map_err(move |error| classify(error, &patience))
            // Covers connecting, the head and the whole body of one try.
            .timeout(limits.timeout.get())
            // Last: the signature covers what is sent, when it is sent.
            .filter(move |request| sign(&auth, &wall, request))
            // Below the signature and above the bytes: whoever listens knows what was sent.
            .layer_fn(move |service| wire.clone().over(service))
            // Inside the timeout, so that a body that drips is cut off.
            // Larger than what came through below, it has grown in the decompression.
            .and_then(move |response| body::read(response, bounds.bytes, Cut::LargeUnpacked))
            .layer(DecompressionLayer::new())
            // Below the decompression: these bytes are those that come.
            .map_response(move |response| body::watch(response, bounds))
            .map_future(move |head| within(head_timeout, head))
            .map_err(Into::<BoxError>::into)
            .service(client);
        Self {
            stack: BoxCloneSyncService::new(stack),
            breaker,
            tap,
        }
    }

    /// Where someone may listen to what is sent and what comes.
    pub(super) const fn tap(&self) -> &Tap {
        &self.tap
    }

    /// How the breaker stands, if there is one.
    pub fn circuit(&self) -> Option<Circuit> {
        self.breaker.as_ref().map(Breaker::circuit)
    }

    /// Makes one exchange, retries included, each try judged by `judge`.
    pub async fn exchange(
        &self,
        mut request: Request<Bytes>,
        judge: &Judge,
    ) -> Result<Answer, UpstreamError> {
        request.extensions_mut().insert(judge.clone());
        self.stack.clone().oneshot(request).await
    }
}

/// Makes one request, once, and takes whatever comes: nothing is signed, judged, followed or tried
/// again. The answer's body may have so many bytes.
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
    let patience = Patience {
        whole: format!("{timeout:?}"),
        connect: CONNECT_TIMEOUT.to_string(),
    };
    ServiceBuilder::new()
        .map_err(move |error| classify(error, &patience))
        .timeout(timeout)
        .and_then(move |response| body::read(response, bytes, Cut::LargeAnswer))
        .layer(DecompressionLayer::new())
        .service(client)
        .oneshot(request.map(Full::new))
        .await
}

/// Waits for the head of an answer, if need be only for so long.
async fn within<T>(
    limit: Option<Span>,
    head: impl Future<Output = Result<T, BoxError>>,
) -> Result<T, BoxError> {
    let Some(limit) = limit else {
        return head.await;
    };
    timeout(limit.get(), head)
        .await
        .unwrap_or_else(|_| Err(Cut::Head(limit).into()))
}

/// A service whose every answer is judged by the [`Judge`] that its request brings along.
#[derive(Debug, Clone)]
struct Judging<S>(S);

impl<S> Service<Request<Bytes>> for Judging<S>
where
    S: Service<Request<Bytes>, Response = Response<Bytes>, Error = UpstreamError>,
    S::Future: Send + 'static,
{
    type Response = Answer;
    type Error = UpstreamError;
    type Future = BoxFuture<'static, Result<Answer, UpstreamError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let judge = request.extensions().get::<Judge>().cloned();
        let response = self.0.call(request);
        Box::pin(async move {
            let Some(judge) = judge else {
                return Err(UpstreamError::ours("nobody is there to judge the answer"));
            };
            // The permit is given back here, before the body is decoded.
            let response = response.await?;
            judge.hear(response).await
        })
    }
}

fn sign(
    auth: &Auth,
    wall: &WallClock,
    mut request: Request<Bytes>,
) -> Result<Request<Bytes>, BoxError> {
    let token = request.extensions().get::<LoginToken>().cloned();
    let token = token.as_ref().map(|LoginToken(secret)| secret);
    // Only the login itself comes here without the token that it is to bring.
    if token.is_some() || !auth.needs_token() {
        auth.sign(&mut request, token, wall.now())?;
    }
    say_that_it_is_empty(&mut request);
    if let Some(Sent(sent)) = request.extensions().get() {
        sent.notify_one();
    }
    Ok(request)
}

/// A POST without a body says so (RFC 9110, section 8.6): hyper leaves it unsaid, and some servers
/// then answer 411. Not signed, for a hop may write it.
fn say_that_it_is_empty(request: &mut Request<Bytes>) {
    if request.method() == Method::POST && request.body().is_empty() {
        let headers = request.headers_mut();
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
}

#[cfg(test)]
mod tests;
