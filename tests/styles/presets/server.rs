//! An upstream that gives a preset's recorded answers, in order, and tells what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::{Map, Value};

use super::recorded;
use crate::support::server::{self, Server};

/// The headers that presets send on purpose.
const SHOWN: [&str; 14] = [
    "accept",
    "api-key",
    "api-username",
    "authorization",
    "content-type",
    "cookie",
    "if-none-match",
    "ocs-apirequest",
    "private-token",
    "referer",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-target",
    "x-github-api-version",
];

/// A server of one preset's recorded answers.
pub(crate) struct Recorded {
    server: Server,
    answers: Arc<Mutex<VecDeque<&'static str>>>,
}

impl Recorded {
    /// Answers with these, in this order; with `token` or `login` to whoever logs in.
    pub(crate) async fn start(preset: &'static str, answers: &[&'static str]) -> Self {
        let port = Server::bind().await;
        let origin = port.base_url().to_owned();
        let answers: Arc<Mutex<VecDeque<_>>> =
            Arc::new(Mutex::new(answers.iter().copied().collect()));
        let left = Arc::clone(&answers);
        let server = port.serve(move |request| {
            let path = request.uri().path();
            let login = [("/token", "token"), ("/login_password", "login")];
            if let Some((_, name)) = login.iter().find(|(end, _)| path.ends_with(end)) {
                return recorded::read(preset, name, &origin);
            }
            match left.lock().unwrap().pop_front() {
                Some(name) => recorded::read(preset, name, &origin),
                None => server::status(StatusCode::BAD_REQUEST.as_u16()),
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
        shown.push_str(&format!("\n{}\n", with_claims(&body)));
    }
    shown
}

/// A form in which an assertion shows what it claims: its signature is by a key of this run, and its id
/// is random.
fn with_claims(form: &str) -> String {
    let Some((before, rest)) = form.split_once("assertion=") else {
        return form.to_owned();
    };
    let (assertion, after) = rest.split_at(rest.find('&').unwrap_or(rest.len()));
    let claims = assertion.split('.').nth(1).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
    let mut claims: Map<String, Value> = serde_json::from_slice(&claims).unwrap();
    assert!(claims.remove("jti").is_some());
    format!("{before}assertion=<{}>{after}", Value::Object(claims))
}
