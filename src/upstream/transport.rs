//! One exchange over HTTP, as often and as fast as the upstream may be asked.
//!
//! A stack of tower services over hyper's client. Bytes go out, and what comes back is judged by
//! whoever the request brings along ([`Judge`]): what goes wrong, on the way or in a body, has a
//! kind by the time that anyone decides on another try. It never follows redirects, so credentials
//! never go elsewhere.

use std::error::Error as StdError;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use secrecy::SecretString;
use tokio::time::Instant;
use tower::timeout::error::Elapsed;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};
use tower_http::decompression::DecompressionLayer;

use crate::clock::WallClock;
use crate::config::upstream::Limits;

use super::auth::{Auth, AuthError};
use super::client::{Connections, DnsFailure, ProxyFailure, http_client};
use super::error::{ErrorKind, UpstreamError};
use super::judge::{Answer, Judge};
use super::quota::Quota;
use super::retry::RetryPolicy;
use super::tls::Tls;

/// Set on a request: the latest moment at which its answer is of use.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(pub Instant);

/// Set on a request: it only reads, so it may be sent twice although its method is no GET.
#[derive(Debug, Clone, Copy)]
pub struct Repeatable;

/// Set on a request: the token that a login brought.
#[derive(Debug, Clone)]
pub struct LoginToken(pub SecretString);

/// Makes exchanges with one upstream. Clones share connections, permits and quota.
#[derive(Debug, Clone)]
pub struct Transport {
    stack: BoxCloneSyncService<Request<Bytes>, Answer, UpstreamError>,
}

impl Transport {
    /// The stack for an upstream with these limits and this way of signing, over such connections.
    pub fn new(
        limits: &Limits,
        auth: Arc<Auth>,
        wall: WallClock,
        connections: &Connections,
    ) -> Self {
        let client = http_client(connections);
        let page_bytes = usize::try_from(limits.page_bytes.as_u64()).unwrap_or(usize::MAX);
        let stack = ServiceBuilder::new()
            // Outermost: each try passes everything below again.
            .retry(RetryPolicy::new(limits.retries))
            // Above the permits: a request that waits for its turn holds none. A breaker would
            // stand right above, so that a refused try costs no turn.
            .layer(Quota::new(limits.rate))
            // Below retries and quota, which go by what an answer means, wherever it says so. Above
            // the permits: a page that is being decoded holds none.
            .layer_fn(Judging)
            // Shared by clones, so it bounds the upstream and not the walk.
            .concurrency_limit(limits.concurrency as usize)
            // Above this line failures have a kind.
            .map_err(classify)
            // Covers connecting, the head and the whole body of one try.
            .timeout(limits.timeout.get())
            // Last: the signature covers what is sent, when it is sent.
            .filter(move |request| sign(&auth, &wall, request))
            // Inside the timeout, so that a body that drips is cut off.
            .and_then(move |response| read_body(response, page_bytes))
            .layer(DecompressionLayer::new())
            .service(client);
        Self {
            stack: BoxCloneSyncService::new(stack),
        }
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

/// Makes one request, once, and takes whatever comes: nothing is signed, judged or tried again. The
/// answer's body may have so many bytes.
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
    ServiceBuilder::new()
        .map_err(classify)
        .timeout(timeout)
        .and_then(move |response| read_body(response, body_bytes))
        .layer(DecompressionLayer::new())
        .service(client)
        .oneshot(request.map(Full::new))
        .await
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
) -> Result<Request<Full<Bytes>>, BoxError> {
    let token = request.extensions_mut().remove::<LoginToken>();
    let token = token.as_ref().map(|LoginToken(secret)| secret);
    // Only the login itself comes here without the token that it is to bring.
    if token.is_some() || !auth.needs_token() {
        auth.sign(&mut request, token, wall.now())?;
    }
    Ok(request.map(Full::new))
}

async fn read_body<B>(response: Response<B>, limit: usize) -> Result<Response<Bytes>, BoxError>
where
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send,
{
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, limit).collect().await?.to_bytes();
    Ok(Response::from_parts(parts, body))
}

/// Finds out what kind of failure came up from below.
fn classify(error: BoxError) -> UpstreamError {
    if let Some(unsigned) = cause::<AuthError>(&*error) {
        return unsigned.clone().into();
    }
    let kind = if is_caused_by::<Elapsed>(&*error) {
        ErrorKind::Timeout
    } else if is_caused_by::<LengthLimitError>(&*error) {
        return UpstreamError::new(
            ErrorKind::LimitExceeded,
            "a page is larger than `limits.page_bytes`",
        );
    } else if let Some(failure) = cause::<ProxyFailure>(&*error) {
        // What keeps us from the proxy is no word about the upstream's name or its pace.
        let kind = if is_caused_by::<rustls::Error>(&*error) {
            ErrorKind::Tls
        } else {
            ErrorKind::Connect
        };
        return UpstreamError::new(kind, chain(&*error))
            .with_transience(kind == ErrorKind::Connect && failure.is_transient());
    } else if is_caused_by::<DnsFailure>(&*error) {
        ErrorKind::Dns
    } else if is_caused_by::<rustls::Error>(&*error) {
        ErrorKind::Tls
    } else if cause::<std::io::Error>(&*error)
        .is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
    {
        ErrorKind::Timeout
    } else {
        ErrorKind::Connect
    };
    UpstreamError::new(kind, chain(&*error))
}

fn is_caused_by<E: StdError + 'static>(error: &(dyn StdError + 'static)) -> bool {
    cause::<E>(error).is_some()
}

fn cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    causes(error).find_map(unwrapped)
}

/// The error itself, or what it wraps: an I/O error shows its cause's causes, never its cause, and
/// a TLS failure comes in two of them.
fn unwrapped<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    error
        .downcast_ref()
        .or_else(|| unwrapped(error.downcast_ref::<std::io::Error>()?.get_ref()?))
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// An error and its causes, in one line.
pub(super) fn chain(error: &(dyn StdError + 'static)) -> String {
    causes(error)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
