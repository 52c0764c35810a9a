//! What the tests of this folder share: asking a router, and reading its answer.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::caller::Peer;

/// A `GET` request, as the listener passes it on.
pub(super) fn get(path: &str) -> http::request::Builder {
    Request::get(path).extension(Peer(SocketAddr::from(([192, 0, 2, 1], 1))))
}

/// What a router answers to a plain `GET`.
pub(super) async fn ask(router: Router, path: &str) -> Response {
    send(router, get(path)).await
}

/// What a router answers to a request without a body.
pub(super) async fn send(router: Router, request: http::request::Builder) -> Response {
    let request = request.body(Body::empty()).unwrap();
    router.oneshot(request).await.unwrap()
}

/// The body of a response.
pub(super) async fn text(response: Response) -> String {
    let body = response.into_body().collect().await.unwrap();
    String::from_utf8(body.to_bytes().to_vec()).unwrap()
}
