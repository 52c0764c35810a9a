//! Connections do not grow older than `connection.max_age`.
//!
//! A pool keeps a busy connection for ever, and with it the address that the name had on the first
//! day. So the pool itself is renewed: the next request after its time opens connections anew, and
//! looks the name up. What is under way on an old one ends in peace; its connections close after it.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::{Builder, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;
use tower::{BoxError, Service};

use super::connections::Connections;
use super::connector::Connector;
use super::repeat::is_lost;
use super::stream::Usage;
use crate::error::chain;
use crate::plan::HttpVersion;
use crate::upstream::extensions::is_repeatable;

/// How often a connection with several requests on it is asked whether it still lives, and how long
/// it may take to say so. HTTP/1.1 needs no question: a request that ends in a timeout takes its
/// connection with it.
const HTTP2_PING: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(5));

/// How large the header section of an answer may be over HTTP/2: as large as over HTTP/1.1, for
/// which the version that is spoken must make no difference. Left alone it would be 16 KiB.
const HTTP2_HEADERS: u32 = 400 * 1024;

/// A client that forgets its connections when they are old. Clones share them.
#[derive(Clone)]
pub(super) struct Renewing(Arc<RenewedClients>);

struct RenewedClients {
    connector: Connector,
    builder: Builder,
    /// Opens a connection for each request, and keeps none.
    unpooled: PooledClient,
    max_age: Duration,
    pool: Mutex<ConnectionPool>,
}

struct ConnectionPool {
    since: Instant,
    client: Arc<PooledClient>,
}

type PooledClient = Client<Connector, Full<Bytes>>;

impl Renewing {
    pub(super) fn new(connector: Connector, connections: &Connections) -> Self {
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(connections.idle)
            .http2_only(connections.http == HttpVersion::Two)
            .http2_max_header_list_size(HTTP2_HEADERS)
            .http2_keep_alive_interval(HTTP2_PING.0)
            .http2_keep_alive_timeout(HTTP2_PING.1);
        let pool = ConnectionPool::new(&builder, &connector);
        let unpooled = builder
            .clone()
            .pool_max_idle_per_host(0)
            .build(connector.clone());
        Self(Arc::new(RenewedClients {
            connector,
            builder,
            unpooled,
            max_age: connections.max_age,
            pool: Mutex::new(pool),
        }))
    }
}

impl RenewedClients {
    /// The pool of the day.
    fn pooled(&self) -> Arc<PooledClient> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.since.elapsed() >= self.max_age {
            *pool = ConnectionPool::new(&self.builder, &self.connector);
        }
        Arc::clone(&pool.client)
    }
}

impl ConnectionPool {
    fn new(builder: &Builder, connector: &Connector) -> Self {
        Self {
            since: Instant::now(),
            client: Arc::new(builder.build(connector.clone())),
        }
    }
}

impl Service<Request<Full<Bytes>>> for Renewing {
    type Response = Response<Incoming>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Incoming>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Full<Bytes>>) -> Self::Future {
        let clients = Arc::clone(&self.0);
        let may_repeat = is_repeatable(&request);
        // Nobody below asks for what it carries, and its copy would carry it too.
        request.extensions_mut().clear();
        Box::pin(async move {
            let again = request.clone();
            let error = match clients.pooled().request(request).await {
                Ok(response) => {
                    if let Some(usage) = response.extensions().get::<Usage>() {
                        usage.note_response();
                    }
                    return Ok(response);
                }
                Err(error) => error,
            };
            if !is_lost(&error, may_repeat) {
                return Err(error.into());
            }
            tracing::debug!(
                error.detail = chain(&error),
                "kept connection closed, repeating the request on a new one"
            );
            clients.unpooled.request(again).await.map_err(Into::into)
        })
    }
}
