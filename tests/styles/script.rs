//! An upstream that answers a case's exchanges, each once, and notes what comes instead.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};

use crate::case::{self, Exchange};
use crate::support::server::Server;

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
    server: Server,
    script: Arc<Script>,
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
        let port = Server::bind().await;
        let script = Arc::new(Script {
            origin: port.base_url().to_owned(),
            state: Mutex::new(State {
                order: Order::Written,
                used: vec![false; exchanges.len()],
                complaints: Vec::new(),
            }),
            exchanges,
        });
        let played = Arc::clone(&script);
        let server = port.serve(move |request| played.answer(request));
        Self { server, script }
    }

    pub(crate) fn origin(&self) -> &str {
        self.server.base_url()
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

impl Script {
    fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        if let Some(response) = self.find(request) {
            return self.write(response);
        }
        let mut response = Response::new(Bytes::from("no such exchange"));
        *response.status_mut() = StatusCode::GONE;
        response
    }

    /// The answer to a request, if it is one that the case expects now.
    fn find(&self, request: &Request<Bytes>) -> Option<&case::Response> {
        let mut state = self.state.lock().unwrap();
        let unused = |index: &usize| !state.used[*index];
        let mut left = (0..self.exchanges.len()).filter(unused);
        let differences =
            |index: usize| differences(&self.exchanges[index].request, &self.origin, request);
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
                let asked = format!("{} {}", request.method(), request.uri());
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

    fn write(&self, answer: &case::Response) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(answer.body(&self.origin)));
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
fn differences(expected: &case::Request, origin: &str, request: &Request<Bytes>) -> Vec<String> {
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
    compare(
        "the method",
        Some(request.method().as_str()),
        &expected.method,
    );
    if let Some(target) = &expected.target {
        let came = request.uri().path_and_query();
        let came = came.map(http::uri::PathAndQuery::as_str);
        compare("the target", came, target);
    }
    for (name, value) in &expected.headers {
        let came: Vec<_> = request.headers().get_all(name).iter().collect();
        let came: Vec<_> = came.iter().map(|value| value.to_str().unwrap()).collect();
        let came = (!came.is_empty()).then(|| came.join(", "));
        compare(&format!("`{name}`"), came.as_deref(), value);
    }
    if let Some(text) = &expected.body {
        compare(
            "the body",
            Some(&String::from_utf8_lossy(request.body())),
            text,
        );
    }
    wrong
}
