//! An upstream that answers a case's exchanges, each once, and notes what comes instead.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::case::{self, Exchange};

/// The order in which exchanges must come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// As they are written.
    Written,
    /// Any: pages that were announced are fetched at once.
    Any,
}

/// A running upstream.
pub(crate) struct Upstream {
    pub(crate) origin: String,
    script: Arc<Script>,
    _accepting: JoinSet<()>,
}

struct Script {
    origin: String,
    exchanges: Vec<Exchange>,
    state: Mutex<State>,
}

struct State {
    order: Order,
    used: Vec<bool>,
    complaints: Vec<String>,
}

impl Upstream {
    pub(crate) async fn start(exchanges: Vec<Exchange>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Script {
            origin: origin.clone(),
            state: Mutex::new(State {
                order: Order::Written,
                used: vec![false; exchanges.len()],
                complaints: Vec::new(),
            }),
            exchanges,
        });
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, Arc::clone(&script)));
        Self {
            origin,
            script,
            _accepting: accepting,
        }
    }

    pub(crate) fn expect(&self, order: Order) {
        self.script.state.lock().unwrap().order = order;
    }

    /// What was wrong with the requests that came, and which of those that were to come did not.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let state = self.script.state.lock().unwrap();
        let mut complaints = state.complaints.clone();
        for (index, exchange) in self.script.exchanges.iter().enumerate() {
            if !state.used[index] {
                let request = &exchange.request;
                let target = request.target.as_deref().unwrap_or("anything");
                complaints.push(format!(
                    "exchange {} was not asked for: {} {target}",
                    index + 1,
                    request.method,
                ));
            }
        }
        complaints
    }
}

async fn accept(listener: TcpListener, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, Arc::clone(&script)));
    }
}

async fn serve(stream: TcpStream, script: Arc<Script>) {
    // Without it small answers wait for the peer's delayed acknowledgement.
    stream.set_nodelay(true).unwrap();
    let service = service_fn(move |request| answer(Arc::clone(&script), request));
    // A client that goes away is no failure of the case.
    let _ = Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    script: Arc<Script>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let Some(response) = script.find(&head, &body) else {
        let mut response = Response::new(Full::from("no such exchange"));
        *response.status_mut() = StatusCode::GONE;
        return Ok(response);
    };
    Ok(script.write(response))
}

impl Script {
    /// The answer to a request, if it is one that the case expects now.
    fn find(&self, head: &Parts, body: &[u8]) -> Option<&case::Response> {
        let mut state = self.state.lock().unwrap();
        let unused = |index: &usize| !state.used[*index];
        let mut left = (0..self.exchanges.len()).filter(unused);
        let differences =
            |index: usize| differences(&self.exchanges[index].request, &self.origin, head, body);
        let found = match state.order {
            Order::Written => left.next().ok_or(None),
            Order::Any => {
                let left: Vec<_> = left.collect();
                let fits = left.iter().find(|&&index| differences(index).is_empty());
                fits.or(left.first()).copied().ok_or(None)
            }
        };
        let found = found.and_then(|index| match differences(index) {
            wrong if wrong.is_empty() => Ok(index),
            wrong => Err(Some((index, wrong))),
        });
        match found {
            Ok(index) => {
                state.used[index] = true;
                Some(&self.exchanges[index].response)
            }
            Err(wrong) => {
                let asked = format!("{} {}", head.method, head.uri);
                state.complaints.push(match wrong {
                    None => format!("asked for more than the case has: {asked}"),
                    Some((index, wrong)) => format!(
                        "exchange {} was asked for as {asked}:\n    {}",
                        index + 1,
                        wrong.join("\n    ")
                    ),
                });
                None
            }
        }
    }

    fn write(&self, answer: &case::Response) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from(answer.body(&self.origin)));
        *response.status_mut() = StatusCode::from_u16(answer.status).unwrap();
        *response.headers_mut() = answer.headers(&self.origin);
        match answer.version.as_deref() {
            None => {}
            Some("1.0") => *response.version_mut() = Version::HTTP_10,
            Some(version) => panic!("HTTP/{version} is not spoken here"),
        }
        response
    }
}

/// In what a request differs from the one that was to come.
fn differences(expected: &case::Request, origin: &str, head: &Parts, body: &[u8]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut compare = |what: &str, came: Option<&str>, expected: &str| {
        let expected = expected.replace("{origin}", origin);
        let fits = match (came, expected.strip_suffix('…')) {
            (None, _) => expected.is_empty(),
            (Some(came), Some(start)) => came.starts_with(start),
            (Some(came), None) => came == expected,
        };
        if !fits {
            let came = came.map_or("nothing".to_owned(), |came| format!("`{came}`"));
            wrong.push(format!("{what} is {came}, where `{expected}` was expected"));
        }
    };
    compare("the method", Some(head.method.as_str()), &expected.method);
    if let Some(target) = &expected.target {
        let came = head
            .uri
            .path_and_query()
            .map(http::uri::PathAndQuery::as_str);
        compare("the target", came, target);
    }
    for (name, value) in &expected.headers {
        let came: Vec<_> = head.headers.get_all(name).iter().collect();
        let came: Vec<_> = came.iter().map(|value| value.to_str().unwrap()).collect();
        let came = (!came.is_empty()).then(|| came.join(", "));
        compare(&format!("`{name}`"), came.as_deref(), value);
    }
    if let Some(text) = &expected.body {
        compare("the body", Some(&String::from_utf8_lossy(body)), text);
    }
    wrong
}
