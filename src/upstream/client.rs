//! Connections to one upstream: names looked up, TCP and TLS, kept open between exchanges.
//!
//! The bottom of the transport. It sends what it is given, as it is given, and follows nothing.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use thiserror::Error;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

/// How long to wait for a connection. It counts towards the timeout of the try.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

pub(super) type HttpClient =
    BoxCloneSyncService<Request<Full<Bytes>>, Response<Incoming>, ClientError>;

/// A client that speaks TLS where it is given the means, and plain HTTP alone where not.
pub(super) fn http_client(tls: Option<ClientConfig>) -> HttpClient {
    let resolver = ServiceExt::<Name>::map_err(GaiResolver::new(), DnsFailure as fn(_) -> _);
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let Some(tls) = tls else {
        return client_over(tcp);
    };
    tcp.enforce_http(false);
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(tcp);
    client_over(https)
}

fn client_over<C>(connector: C) -> HttpClient
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let client = Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(30))
        .build(connector);
    BoxCloneSyncService::new(client)
}

/// The host's name was not found. The client hides its own error for this.
#[derive(Debug, Error)]
#[error("the host name was not found")]
pub(super) struct DnsFailure(#[source] std::io::Error);
