//! A small HTTP proxy. It finds every name at the same address, as if it alone knew the company's
//! own names.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;

use crate::support::server::{Bound, Connection, Log, Server};

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

/// Starts a proxy.
pub(crate) async fn start(rules: Rules) -> Server {
    start_on(Server::bind().await, rules)
}

/// Starts a proxy on a port that is taken.
pub(crate) fn start_on(port: Bound, rules: Rules) -> Server {
    port.accept(move |connection, log| serve(connection, rules.clone(), log))
}

/// The setting that leads through it.
pub(crate) fn setting(proxy: &Server) -> String {
    format!("proxy = \"{}\"\n", proxy.base_url())
}

/// The first lines of what was asked of it, without the version.
pub(crate) fn asked(proxy: &Server) -> Vec<String> {
    let line = |request: &Request<Bytes>| format!("{} {}", request.method(), request.uri());
    proxy.requests().iter().map(line).collect()
}

async fn serve(connection: Box<dyn Connection>, rules: Rules, log: Arc<Log>) {
    let service = service_fn(move |request| answer(request, rules.clone(), Arc::clone(&log)));
    let connection = server::Builder::new()
        .serve_connection(TokioIo::new(connection), service)
        .with_upgrades();
    // A client that goes away is no failure of the test.
    let _ = connection.await;
}

async fn answer(
    request: Request<Incoming>,
    rules: Rules,
    log: Arc<Log>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    log.note(Request::from_parts(head.clone(), Bytes::new()));
    let shown = head.headers.get(PROXY_AUTHORIZATION);
    let wanted = rules.credentials.map(HeaderValue::from_static);
    if wanted.is_some() && shown != wanted.as_ref() {
        return Ok(status(StatusCode::PROXY_AUTHENTICATION_REQUIRED));
    }
    if let Some(refusal) = rules.refusal {
        return Ok(status(refusal));
    }
    let mut behind = TcpStream::connect(rules.behind).await.unwrap();
    let mut request = Request::from_parts(head, body);
    if request.method() == Method::CONNECT {
        tokio::spawn(async move {
            let upgraded = hyper::upgrade::on(&mut request).await.unwrap();
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
