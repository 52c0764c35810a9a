//! Connections to one upstream: names looked up, TCP and TLS, kept open between exchanges.
//!
//! ```text
//! request ▸ forwarding (for a proxy) ▸ renewal ▸ pool ▸ CONNECTOR
//! CONNECTOR: time and version ▸ TLS ▸ proxy (its own TLS, CONNECT) ▸ TCP ▸ names
//! ```
//!
//! The bottom of the transport. It sends what it is given, as it is given, and follows nothing. What
//! `connection` in `gateway.toml` says is compiled into [`Connections`]; the environment's proxy
//! variables have no say.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::dns::GaiResolver;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service};

mod connections;
pub use connections::Connections;

mod connector;
pub(crate) use connector::HttpClient;
use connector::{Connector, DnsResolver, as_asked, in_time, secured, tcp};
pub(super) use connector::{DnsFailure, Slow};

mod proxy;
pub(super) use proxy::ProxyFailure;

mod renewal;
use renewal::Renewing;

mod repeat;
mod stream;

#[cfg(test)]
mod tests;

/// A client whose connections are made as `connections` says.
pub(crate) fn http_client(connections: &Connections) -> HttpClient {
    client_by(GaiResolver::new(), connections)
}

/// A client that looks names up as `resolver` does.
fn client_by<R>(resolver: R, connections: &Connections) -> HttpClient
where
    R: DnsResolver,
    R::Future: Send + 'static,
{
    let connector = connector(resolver, connections);
    let client = Renewing::new(connector, connections);
    match &connections.proxy {
        Some(proxy) => boxed(proxy::forward(client, proxy)),
        None => boxed(client),
    }
}

/// Every step on the way to an upstream.
fn connector<R>(resolver: R, connections: &Connections) -> Connector
where
    R: DnsResolver,
    R::Future: Send + 'static,
{
    let tcp = tcp(resolver, connections.connect_timeout);
    let way = match &connections.proxy {
        Some(proxy) => proxy::through(tcp, Arc::clone(proxy)),
        None => tcp,
    };
    in_time(
        as_asked(secured(way, connections.tls.as_ref()), connections.http),
        connections.connect_timeout,
        connections
            .proxy
            .as_ref()
            .map(|proxy| proxy.name().to_owned()),
    )
}

fn boxed<S>(service: S) -> HttpClient
where
    S: Service<Request<Full<Bytes>>, Response = Response<Incoming>, Error = BoxError>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    BoxCloneSyncService::new(service)
}
