//! An upstream that can speak TLS, and counts who comes.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::authority::{Authority, Signed};

/// A running upstream with one group. Dropping it closes its port and its connections.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
    _accepting: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<Request<()>>>,
}

impl Site {
    /// One that speaks plain HTTP/1.1 and HTTP/2.
    pub(crate) async fn plain() -> Self {
        Self::start(None).await
    }

    /// One that speaks TLS.
    pub(crate) async fn tls(tls: ServerConfig) -> Self {
        Self::start(Some(tls)).await
    }

    async fn start(tls: Option<ServerConfig>) -> Self {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let seen = Arc::<Seen>::default();
        let acceptor = tls.map(|tls| TlsAcceptor::from(Arc::new(tls)));
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(socket, acceptor, Arc::clone(&seen)));
        Self {
            address,
            seen,
            _accepting: accepting,
        }
    }

    pub(crate) fn http(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn https(&self) -> String {
        format!("https://{}", self.address)
    }

    /// How many connections came, not counting those on which TLS failed.
    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// The requests that came.
    pub(crate) fn requests(&self) -> Vec<Request<()>> {
        self.seen.requests.lock().unwrap().clone()
    }
}

/// TLS with this certificate, for whoever comes.
pub(crate) fn open(server: &Signed, protocols: &[&str]) -> ServerConfig {
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth();
    let chain = server.chain();
    let mut tls = builder
        .with_single_cert(chain, server.private_key())
        .unwrap();
    tls.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    tls
}

/// TLS with this certificate, for those who show one that `clients` signed.
pub(crate) fn mutual(server: &Signed, clients: &Authority) -> ServerConfig {
    let mut roots = RootCertStore::empty();
    roots.add(clients.der()).unwrap();
    let provider = Arc::new(default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(server.chain(), server.private_key())
        .unwrap()
}

async fn accept(socket: TcpListener, acceptor: Option<TlsAcceptor>, seen: Arc<Seen>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = socket.accept().await {
        let acceptor = acceptor.clone();
        let seen = Arc::clone(&seen);
        connections.spawn(async move {
            let Some(acceptor) = acceptor else {
                return serve(stream, seen).await;
            };
            match acceptor.accept(stream).into_fallible().await {
                Ok(stream) => serve(stream, seen).await,
                // Closed at once, the socket would take back what was said of the reason.
                Err((_, mut stream)) => {
                    while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
                }
            }
        });
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, seen: Arc<Seen>) {
    seen.connections.fetch_add(1, Ordering::SeqCst);
    let service = service_fn(move |request: Request<Incoming>| {
        let path = request.uri().path().to_owned();
        seen.requests.lock().unwrap().push(request.map(|_| ()));
        async move {
            let body = match path.as_str() {
                "/token" => r#"{ "access_token": "t", "token_type": "bearer", "expires_in": 600 }"#,
                _ => r#"{ "items": [{ "id": "a" }] }"#,
            };
            Response::builder()
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from_static(body.as_bytes())))
        }
    });
    // A client that goes away is no failure of the test.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
