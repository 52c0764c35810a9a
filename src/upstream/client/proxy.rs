//! An HTTP proxy between us and the upstream (RFC 9110, sections 7.6 and 9.3.6).
//!
//! What goes to `https` is tunnelled: the proxy is asked to `CONNECT`, then sees encrypted bytes
//! only. What goes to `http` is handed to it whole, with the full URL in the first line. Either way
//! our credentials for it reach the proxy and nobody behind it.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use http::uri::{Authority, Scheme};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use rustls::ClientConfig;
use thiserror::Error;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt, service_fn};

use super::connector::{Connector, HttpClient, secured};
use super::stream::Stream;

/// A proxy, and who we are to it.
#[derive(Debug)]
pub(super) struct Proxy {
    name: String,
    uri: Uri,
    authorization: Option<HeaderValue>,
    tls: Option<ClientConfig>,
}

/// Why a proxy did not bring us to the upstream.
#[derive(Debug, Error)]
pub(in crate::upstream) enum ProxyFailure {
    /// There is no connection to the proxy itself.
    #[error("the proxy `{proxy}` cannot be reached")]
    Unreached {
        /// The proxy.
        proxy: String,
        /// What went wrong.
        source: BoxError,
    },
    /// The proxy speaks no HTTP, or stopped speaking.
    #[error("the proxy `{proxy}` gave no answer to CONNECT")]
    Unanswered {
        /// The proxy.
        proxy: String,
        /// What went wrong.
        source: hyper::Error,
    },
    /// The proxy wants to know who we are, or does not accept who we say.
    #[error(
        "the proxy `{proxy}` does not accept our credentials (407): `connection.proxy_username` \
         and `connection.proxy_password` say who we are"
    )]
    Unknown {
        /// The proxy.
        proxy: String,
    },
    /// The proxy will not or cannot connect us.
    #[error("the proxy `{proxy}` does not connect to `{target}`: it answered {status}")]
    Refused {
        /// The proxy.
        proxy: String,
        /// What we asked for.
        target: Authority,
        /// What it said.
        status: StatusCode,
    },
}

impl ProxyFailure {
    /// Whether the same request may succeed a moment later.
    pub(in crate::upstream) fn is_transient(&self) -> bool {
        match self {
            Self::Unreached { .. } | Self::Unanswered { .. } => true,
            Self::Unknown { .. } => false,
            // 502, 503 and 504 tell of the upstream behind it, 403 of a rule.
            Self::Refused { status, .. } => status.is_server_error(),
        }
    }
}

impl Proxy {
    pub(super) fn new(
        name: &str,
        uri: Uri,
        authorization: Option<HeaderValue>,
        tls: Option<ClientConfig>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            uri,
            authorization,
            tls,
        }
    }

    /// The proxy as the settings name it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Asks for a tunnel to `target`, over a connection to the proxy.
    async fn tunnel(&self, stream: Stream, target: &Uri) -> Result<Stream, BoxError> {
        let target = with_port(target)?;
        let unanswered = |source| ProxyFailure::Unanswered {
            proxy: self.name.clone(),
            source,
        };
        let (mut sender, connection) = http1::handshake(stream).await.map_err(unanswered)?;
        // Ends with the answer: after it the connection is the tunnel's.
        tokio::spawn(connection.with_upgrades());
        let answer = sender.send_request(self.connect(&target)?);
        let answer = answer.await.map_err(unanswered)?;
        match answer.status() {
            status if status.is_success() => {
                let tunnel = hyper::upgrade::on(answer).await.map_err(unanswered)?;
                Ok(Stream::new(tunnel))
            }
            status => Err(self.refusal(status, target).into()),
        }
    }

    fn connect(&self, target: &Authority) -> Result<Request<Empty<Bytes>>, http::Error> {
        let mut request = Request::connect(target.as_str()).header(HOST, target.as_str());
        if let Some(authorization) = &self.authorization {
            request = request.header(PROXY_AUTHORIZATION, authorization);
        }
        request.body(Empty::new())
    }

    fn refusal(&self, status: StatusCode, target: Authority) -> ProxyFailure {
        let proxy = self.name.clone();
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return ProxyFailure::Unknown { proxy };
        }
        ProxyFailure::Refused {
            proxy,
            target,
            status,
        }
    }
}

/// The step that goes through a proxy, over the step that reaches it.
pub(super) fn through(tcp: Connector, proxy: Arc<Proxy>) -> Connector {
    let to_proxy = secured(tcp, proxy.tls.as_ref());
    BoxCloneSyncService::new(service_fn(move |target: Uri| {
        let to_proxy = to_proxy.clone();
        let proxy = Arc::clone(&proxy);
        async move {
            let stream = to_proxy.oneshot(proxy.uri.clone()).await;
            let stream = stream.map_err(|source| ProxyFailure::Unreached {
                proxy: proxy.name.clone(),
                source,
            })?;
            if target.scheme() == Some(&Scheme::HTTPS) {
                proxy.tunnel(stream, &target).await
            } else {
                Ok(stream.forwarding())
            }
        }
    }))
}

/// Hands the proxy its credentials with each request that it forwards, and knows its refusal.
pub(super) fn forward<C>(client: C, proxy: &Arc<Proxy>) -> HttpClient
where
    C: Service<Request<Full<Bytes>>, Response = Response<Incoming>, Error = BoxError>
        + Clone
        + Send
        + Sync
        + 'static,
    C::Future: Send + 'static,
{
    let proxy = Arc::clone(proxy);
    BoxCloneSyncService::new(service_fn(move |mut request: Request<Full<Bytes>>| {
        let client = client.clone();
        let proxy = Arc::clone(&proxy);
        async move {
            // In a tunnel the header would reach the upstream.
            let is_forwarded = request.uri().scheme() == Some(&Scheme::HTTP);
            if !is_forwarded {
                return client.oneshot(request).await;
            }
            if let Some(authorization) = &proxy.authorization {
                let headers = request.headers_mut();
                headers.insert(PROXY_AUTHORIZATION, authorization.clone());
            }
            let response = client.oneshot(request).await?;
            match response.status() {
                StatusCode::PROXY_AUTHENTICATION_REQUIRED => Err(ProxyFailure::Unknown {
                    proxy: proxy.name.clone(),
                }
                .into()),
                _ => Ok(response),
            }
        }
    }))
}

/// Where a tunnel is to lead: host and port, which `CONNECT` never leaves out.
fn with_port(target: &Uri) -> Result<Authority, BoxError> {
    let host = target.host().ok_or("the URL has no host")?;
    let port = target.port_u16().unwrap_or(443);
    Ok(format!("{host}:{port}").parse()?)
}
