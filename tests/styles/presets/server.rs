//! A server that answers by a script and writes down what it was asked.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;

use super::recorded;

/// The headers that presets send on purpose.
const SHOWN: [&str; 6] = [
    "accept",
    "authorization",
    "content-type",
    "private-token",
    "x-amz-date",
    "x-amz-security-token",
];

/// A server of one preset's recorded answers.
pub(crate) struct Server {
    pub(crate) origin: String,
    script: Arc<Script>,
}

struct Script {
    preset: &'static str,
    origin: String,
    answers: Mutex<VecDeque<&'static str>>,
    asked: Mutex<Vec<String>>,
}

impl Server {
    /// Starts to answer with these, in this order; with `token` to whom asks for a token.
    pub(crate) async fn start(preset: &'static str, answers: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Script {
            preset,
            origin: origin.clone(),
            answers: Mutex::new(answers.iter().copied().collect()),
            asked: Mutex::default(),
        });
        tokio::spawn(accept(listener, Arc::clone(&script)));
        Self { origin, script }
    }

    /// What was asked, request by request; whatever differs from run to run is left out.
    pub(crate) fn asked(&self) -> String {
        self.script.asked.lock().unwrap().join("\n")
    }

    /// The answers that nobody asked for.
    pub(crate) fn left(&self) -> Vec<&'static str> {
        self.script
            .answers
            .lock()
            .unwrap()
            .iter()
            .copied()
            .collect()
    }
}

async fn accept(listener: TcpListener, script: Arc<Script>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let script = Arc::clone(&script);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&script), request));
            // A client that goes away is no failure.
            let _ = Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    script: Arc<Script>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let name = if parts.uri.path().ends_with("/token") {
        Some("token")
    } else {
        script.answers.lock().unwrap().pop_front()
    };
    script.asked.lock().unwrap().push(show(&parts, &body));
    let Some(name) = name else {
        let mut nothing = Response::new(Full::default());
        *nothing.status_mut() = http::StatusCode::GONE;
        return Ok(nothing);
    };
    let recorded = recorded::read(script.preset, name, &script.origin);
    let mut response = Response::new(Full::from(recorded.body));
    *response.status_mut() = recorded.status;
    *response.headers_mut() = recorded.headers;
    Ok(response)
}

fn show(parts: &Parts, body: &Bytes) -> String {
    let mut shown = format!("{} {}\n", parts.method, parts.uri);
    for name in SHOWN {
        for value in parts.headers.get_all(name) {
            let value = value.to_str().unwrap();
            // A signature covers the port, which differs.
            let value = value.split("Signature=").next().unwrap();
            shown.push_str(&format!("{name}: {value}\n"));
        }
    }
    if !body.is_empty() {
        shown.push_str(&format!("\n{}\n", String::from_utf8_lossy(body)));
    }
    shown
}
