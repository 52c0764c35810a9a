//! How one connection comes about: a name looked up, TCP, a proxy where there is one, TLS.
//!
//! Each step takes the step below and is a service of the same shape, so that TLS does not know
//! whether a proxy carries it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use rustls::ClientConfig;
use thiserror::Error;
use tokio::time::timeout;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt, service_fn};

use super::stream::Stream;
use crate::plan::HttpVersion;

pub(crate) type HttpClient =
    BoxCloneSyncService<Request<Full<Bytes>>, Response<Incoming>, BoxError>;

/// Opens connections.
pub(super) type Connector = BoxCloneSyncService<Uri, Stream, BoxError>;

/// Looks names up.
pub(super) trait DnsResolver:
    Service<Name, Error = io::Error, Response: Iterator<Item = SocketAddr>>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<R> DnsResolver for R where
    R: Service<Name, Error = io::Error, Response: Iterator<Item = SocketAddr>>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// The host's name was not found. The client hides its own error for this.
#[derive(Debug, Error)]
#[error("the host name was not found")]
pub(in crate::upstream) struct DnsFailure(#[source] io::Error);

/// No connection came about in time. How much time there was, whoever gave it knows.
#[derive(Debug, Error)]
#[error("no connection came about in time{}", through(proxy.as_deref()))]
pub(in crate::upstream) struct Slow {
    proxy: Option<String>,
}

impl Slow {
    /// The proxy on the way, as a message goes on after the time.
    pub(in crate::upstream) fn through(&self) -> String {
        through(self.proxy.as_deref())
    }
}

fn through(proxy: Option<&str>) -> String {
    proxy.map_or_else(String::new, |name| format!(" through the proxy `{name}`"))
}

/// A connection that came about, and is not what was asked for.
#[derive(Debug, Error)]
enum Unfit {
    #[error("`{0}` asks for TLS, which was not prepared")]
    WithoutTls(Uri),
    #[error("the server does not speak HTTP/2, and `connection.http` allows nothing else")]
    NoHttp2,
}

/// TCP to any of the addresses that a name has: IPv6 and IPv4 race (RFC 8305).
pub(super) fn tcp<R>(resolver: R, connect_timeout: Duration) -> Connector
where
    R: DnsResolver,
    R::Future: Send + 'static,
{
    let resolver = ServiceExt::<Name>::map_err(resolver, DnsFailure as fn(_) -> _);
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.set_nodelay(true);
    // Shared among the addresses of a name, so that a dead one leaves time for the next.
    tcp.set_connect_timeout(Some(connect_timeout));
    // The step above knows what is to become of `https`.
    tcp.enforce_http(false);
    BoxCloneSyncService::new(tcp.map_response(Stream::new).map_err(BoxError::from))
}

/// TLS where the URL asks for it.
pub(super) fn secured(below: Connector, tls: Option<&ClientConfig>) -> Connector {
    let Some(tls) = tls else {
        return BoxCloneSyncService::new(service_fn(move |target: Uri| {
            let below = below.clone();
            async move {
                // Never in plain text what was meant to be encrypted.
                if target.scheme() != Some(&Scheme::HTTP) {
                    return Err(Unfit::WithoutTls(target).into());
                }
                below.oneshot(target).await
            }
        }));
    };
    let https = HttpsConnector::from((below, Arc::new(tls.clone())));
    BoxCloneSyncService::new(https.map_response(|stream| {
        let connected = stream.connected();
        let is_h2 = connected.is_negotiated_h2();
        let stream = Stream::new(stream);
        match (connected.is_proxied(), is_h2) {
            (true, _) => stream.forwarding(),
            (false, true) => stream.speaking_h2(),
            (false, false) => stream,
        }
    }))
}

/// Sees to it that HTTP/2 is spoken where nothing else may be: some servers take part in no
/// negotiation, and go on with HTTP/1.1.
pub(super) fn as_asked(below: Connector, version: HttpVersion) -> Connector {
    if version != HttpVersion::Two {
        return below;
    }
    BoxCloneSyncService::new(service_fn(move |target: Uri| {
        let below = below.clone();
        async move {
            let is_negotiable = target.scheme() == Some(&Scheme::HTTPS);
            let stream = below.oneshot(target).await?;
            if is_negotiable && !stream.is_h2() {
                return Err(Unfit::NoHttp2.into());
            }
            Ok(stream)
        }
    }))
}

/// All steps together in time. It counts towards the timeout of the try.
pub(super) fn in_time(below: Connector, limit: Duration, proxy: Option<String>) -> Connector {
    BoxCloneSyncService::new(service_fn(move |target: Uri| {
        let below = below.clone();
        let proxy = proxy.clone();
        async move {
            let connected = timeout(limit, below.oneshot(target)).await;
            connected.unwrap_or_else(|_| {
                let slow = Slow { proxy };
                Err(io::Error::new(io::ErrorKind::TimedOut, slow).into())
            })
        }
    }))
}
