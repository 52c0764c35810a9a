//! A small HTTP proxy. It finds every name at the same address, as if it alone knew the company's
//! own names.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// A running proxy. Dropping it closes its port.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Request<()>>>>,
    _accepting: JoinSet<()>,
}

/// What a proxy does with those who come.
#[derive(Clone)]
pub(crate) struct Rules {
    /// Where it finds every name.
    pub(crate) behind: SocketAddr,
    /// What it wants to see in `Proxy-Authorization`.
    pub(crate) credentials: Option<&'static str>,
    /// What it answers instead of connecting.
    pub(crate) refusal: Option<StatusCode>,
}

impl Rules {
    /// It asks for nothing, and finds every name at `behind`.
    pub(crate) const fn to(behind: SocketAddr) -> Self {
        Self {
            behind,
            credentials: None,
            refusal: None,
        }
    }
}

impl Proxy {
    pub(crate) async fn start(rules: Rules) -> Self {
        Self::start_over(None, rules).await
    }

    pub(crate) async fn start_over(tls: Option<ServerConfig>, rules: Rules) -> Self {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let seen = Arc::<Mutex<_>>::default();
        let acceptor = tls.map(|tls| TlsAcceptor::from(Arc::new(tls)));
        let mut accepting = JoinSet::new();
        let log = Arc::clone(&seen);
        accepting.spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let (rules, log, acceptor) = (rules.clone(), Arc::clone(&log), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, rules, log).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, rules, log).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            seen,
            _accepting: accepting,
        }
    }

    /// The setting that leads through it.
    pub(crate) fn setting(&self) -> String {
        format!("proxy = \"http://{}\"\n", self.address)
    }

    /// The first lines of what was asked of it, without the version.
    pub(crate) fn asked(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let line = |request: &Request<()>| format!("{} {}", request.method(), request.uri());
        seen.iter().map(line).collect()
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    rules: Rules,
    log: Arc<Mutex<Vec<Request<()>>>>,
) {
    let service = service_fn(move |request| answer(request, rules.clone(), Arc::clone(&log)));
    let connection = server::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // A client that goes away is no failure of the test.
    let _ = connection.await;
}

async fn answer(
    request: Request<Incoming>,
    rules: Rules,
    log: Arc<Mutex<Vec<Request<()>>>>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let logged = Request::from_parts(head.clone(), ());
    log.lock().unwrap().push(logged);
    let shown = head.headers.get(PROXY_AUTHORIZATION);
    let wanted = rules.credentials.map(HeaderValue::from_static);
    if wanted.is_some() && shown != wanted.as_ref() {
        return Ok(status(StatusCode::PROXY_AUTHENTICATION_REQUIRED));
    }
    if let Some(refusal) = rules.refusal {
        return Ok(status(refusal));
    }
    let behind = TcpStream::connect(rules.behind).await.unwrap();
    let mut request = Request::from_parts(head, body);
    if request.method() == Method::CONNECT {
        tokio::spawn(async move {
            let upgraded = hyper::upgrade::on(&mut request).await.unwrap();
            let mut behind = behind;
            let _ = copy_bidirectional(&mut TokioIo::new(upgraded), &mut behind).await;
        });
        return Ok(status(StatusCode::OK));
    }
    forward(request, behind).await
}

/// Hands a request on, without what was for the proxy (RFC 9110, section 11.7.2).
async fn forward(
    request: Request<Incoming>,
    behind: TcpStream,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (mut sender, connection) = client::handshake(TokioIo::new(behind)).await?;
    tokio::spawn(connection);
    let (mut head, _) = request.into_parts();
    head.headers.remove(PROXY_AUTHORIZATION);
    let host = head.uri.authority().unwrap().as_str().parse().unwrap();
    head.headers.insert(HOST, host);
    let path = head.uri.path_and_query().unwrap().clone();
    head.uri = Uri::from(path);
    let request = Request::from_parts(head, Empty::<Bytes>::new());
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Response::from_parts(head, Full::new(body)))
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}
