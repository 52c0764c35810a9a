//! Bare servers, each in a process of its own: what hyper does by itself, and what Rust programs do that know
//! their upstreams by heart.

mod aggregate;
mod walk;

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use crate::free_port;
pub(crate) use aggregate::{aggregate, decode};
pub(crate) use walk::walk;

pub(crate) type Answer = (StatusCode, HeaderMap, Bytes);
type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// Serves the same to everybody, as hyper does by itself.
async fn serve(address: SocketAddr, answer: impl Fn() -> Answer + Clone + Send + 'static) {
    serve_each(address, move |_| {
        let answer = answer();
        async move { answer }
    })
    .await;
}

/// Serves each request what it is answered with.
pub(crate) async fn serve_each<F: Future<Output = Answer> + Send + 'static>(
    address: SocketAddr,
    answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
) {
    let socket = TcpListener::bind(address).await.unwrap();
    while let Ok((stream, _)) = socket.accept().await {
        stream.set_nodelay(true).unwrap();
        let answer = answer.clone();
        let service = service_fn(move |request| {
            let answer = answer(request);
            async move {
                let (status, headers, body) = answer.await;
                let mut response = Response::new(Full::new(body));
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                Ok::<_, Infallible>(response)
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Asks for `page` once, and serves what comes for ever.
pub(crate) async fn replay(page: &str, coding: &str, tag: &str) {
    let (status, mut headers, body) = get(&client(), page, coding, tag).await.unwrap();
    // hyper writes both itself.
    headers.remove("date");
    headers.remove("content-length");
    headers.remove("transfer-encoding");
    let address = free_port();
    println!("{address}");
    serve(address, move || (status, headers.clone(), body.clone())).await;
}

pub(crate) fn client() -> HttpClient {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}

pub(crate) async fn get(client: &HttpClient, uri: &str, coding: &str, tag: &str) -> Option<Answer> {
    let request = Request::get(uri)
        .header("accept-encoding", coding)
        .header("if-none-match", tag);
    let response = client.request(request.body(Full::default()).unwrap());
    let (head, body) = response.await.ok()?.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    Some((head.status, head.headers, body))
}

pub(crate) async fn post(client: &HttpClient, uri: &str) -> Option<StatusCode> {
    let request = Request::post(uri).body(Full::default()).unwrap();
    let response = client.request(request).await.ok()?;
    let (head, body) = response.into_parts();
    body.collect().await.ok()?;
    Some(head.status)
}
