//! A plain HTTP client, and the emulations that it talks to.

use std::net::SocketAddr;

use bytes::Bytes;
use groupgate::tools::demo::{Emulation, Emulations, InjectedFault, Options};
use http::request::Builder;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tower::BoxError;

/// An answer with its whole body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        let content_type = self.headers.get("content-type");
        assert_eq!(content_type.unwrap(), "application/json");
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }
}

/// The five emulations, with `groups` groups each.
pub(crate) async fn start(groups: usize) -> Emulations {
    start_with(Options {
        groups,
        ..Options::default()
    })
    .await
}

pub(crate) async fn start_with(options: Options) -> Emulations {
    Emulations::start(options).await.expect("ports are free")
}

/// One emulation of those that run.
pub(crate) fn pick<'a>(emulations: &'a Emulations, name: &str) -> &'a Emulation {
    emulations.get(name).expect("the emulation exists")
}

/// A variable that gateway.toml reads.
pub(crate) fn variable(emulations: &Emulations, name: &str) -> String {
    let variables = emulations.variables();
    let found = variables.into_iter().find(|(key, _)| key == name);
    found.expect("the variable is given").1
}

pub(crate) fn get(emulation: &Emulation, path: &str) -> Builder {
    Request::get(format!("{}{path}", emulation.base_url()))
}

pub(crate) fn post(emulation: &Emulation, path: &str) -> Builder {
    Request::post(format!("{}{path}", emulation.base_url()))
}

pub(crate) async fn ask(request: Builder) -> Reply {
    send(request, "").await
}

pub(crate) async fn send(request: Builder, body: impl Into<String>) -> Reply {
    let request = request.body(Full::from(body.into())).unwrap();
    exchange(request).await.expect("the emulation answers")
}

/// One exchange on a connection of its own. The error is the client's where there is no answer, and
/// hyper's where its body breaks off.
pub(crate) async fn exchange(request: Request<Full<Bytes>>) -> Result<Reply, BoxError> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let (head, body) = client.request(request).await?.into_parts();
    let body = body.collect().await?;
    Ok(Reply {
        status: head.status,
        headers: head.headers,
        body: body.to_bytes(),
    })
}

/// The emulations, `publisher` with this fault.
pub(crate) async fn with(fault: InjectedFault) -> Emulations {
    let emulations = start(25).await;
    publisher(&emulations).set_fault(Some(fault));
    emulations
}

pub(crate) fn publisher(emulations: &Emulations) -> &Emulation {
    pick(emulations, "publisher")
}

pub(crate) fn request(emulations: &Emulations, query: &str) -> Builder {
    let token = variable(emulations, "PUBLISHER_TOKEN");
    get(publisher(emulations), &format!("/api/2/groups{query}"))
        .header("authorization", format!("Bearer {token}"))
}

pub(crate) async fn list(emulations: &Emulations, query: &str) -> Reply {
    ask(request(emulations, query)).await
}

/// The list as it is without a fault.
pub(crate) async fn healthy(emulations: &Emulations, query: &str) -> Reply {
    let emulation = publisher(emulations);
    emulation.set_fault(None);
    list(emulations, query).await
}

pub(crate) fn address(emulation: &Emulation) -> SocketAddr {
    let base_url = emulation.base_url();
    let authority = base_url.split('/').nth(2).unwrap();
    authority.parse().unwrap()
}
