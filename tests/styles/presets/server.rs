//! An upstream that gives a preset's recorded answers, in order, and tells what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, StatusCode};

use super::recorded;
use crate::support::server::{self, Server};

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
pub(crate) struct Recorded {
    server: Server,
    answers: Arc<Mutex<VecDeque<&'static str>>>,
}

impl Recorded {
    /// Answers with these, in this order; with `token` to whoever asks for a token.
    pub(crate) async fn start(preset: &'static str, answers: &[&'static str]) -> Self {
        let port = Server::bind().await;
        let origin = port.base_url().to_owned();
        let answers: Arc<Mutex<VecDeque<_>>> =
            Arc::new(Mutex::new(answers.iter().copied().collect()));
        let left = Arc::clone(&answers);
        let server = port.serve(move |request| {
            if request.uri().path().ends_with("/token") {
                return recorded::read(preset, "token", &origin);
            }
            match left.lock().unwrap().pop_front() {
                Some(name) => recorded::read(preset, name, &origin),
                None => server::status(StatusCode::GONE.as_u16()),
            }
        });
        Self { server, answers }
    }

    pub(crate) fn origin(&self) -> &str {
        self.server.base_url()
    }

    /// What was asked, request by request; whatever differs from run to run is left out.
    pub(crate) fn asked(&self) -> String {
        let requests = self.server.requests();
        requests.iter().map(show).collect::<Vec<_>>().join("\n")
    }

    /// The answers that nobody asked for.
    pub(crate) fn left(&self) -> Vec<&'static str> {
        self.answers.lock().unwrap().iter().copied().collect()
    }
}

fn show(request: &Request<Bytes>) -> String {
    let mut shown = format!("{} {}\n", request.method(), request.uri());
    for name in SHOWN {
        for value in request.headers().get_all(name) {
            let value = value.to_str().unwrap();
            // A signature covers the port, which differs.
            let value = value.split("Signature=").next().unwrap();
            shown.push_str(&format!("{name}: {value}\n"));
        }
    }
    if !request.body().is_empty() {
        let body = String::from_utf8_lossy(request.body());
        shown.push_str(&format!("\n{body}\n"));
    }
    shown
}
