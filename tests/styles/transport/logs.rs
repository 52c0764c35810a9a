//! What the operator is told: refused URLs, and breakers that change.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};

use http::Response;
use rstest::rstest;
use serde_json::json;
use tracing::Dispatch;

use crate::staff::impatient;
use crate::support::adapters::failed;
use crate::support::server::{Server, json as answer, status};

/// A second subscriber, which nobody uses. While there is only one, an event that another thread is
/// the first to reach is switched off for good unless that thread listens too.
static ANOTHER: LazyLock<Dispatch> =
    LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Everything of `warn` and above that this thread logs as long as the guard lives.
    fn listen() -> (Self, tracing::subscriber::DefaultGuard) {
        LazyLock::force(&ANOTHER);
        let lines = Self::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_max_level(tracing::Level::WARN)
            .with_ansi(false)
            .without_time()
            .finish();
        let guard = tracing::subscriber::set_default(subscriber);
        (lines, guard)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn elsewhere() -> Response<String> {
    answer(&json!({ "items": [], "next": "http://evil.example/x?key=s3cr3t" }))
}

fn redirect() -> Response<String> {
    Response::builder()
        .status(302)
        .header("location", "http://evil.example/x?key=s3cr3t")
        .body(String::new())
        .unwrap()
}

#[rstest]
#[case::of_a_next_page(elsewhere)]
#[case::of_a_redirect(redirect)]
#[tokio::test]
async fn a_refused_url_is_told_with_its_origin_and_nothing_more(
    #[case] upstream: fn() -> Response<String>,
) {
    let server = Server::start(move |_| upstream()).await;
    let keys = "pagination = { style = 'next_url', next = '/next' }";
    let adapter = impatient(server.base_url(), keys);
    let (lines, _listening) = Lines::listen();
    failed(&adapter).await;
    let text = lines.text();
    let line = "refused a URL of another origin source=\"staff\" origin=\"http://evil.example\"";
    assert!(text.contains(line), "{text}");
    assert!(!text.contains("s3cr3t"), "{text}");
}

#[tokio::test]
async fn a_breaker_that_opens_is_told_once() {
    let server = Server::start(|_| status(500)).await;
    let adapter = impatient(
        server.base_url(),
        "breaker = { failures = 2, open_for = '1m' }",
    );
    let (lines, _listening) = Lines::listen();
    for _ in 0..5 {
        failed(&adapter).await;
    }
    let text = lines.text();
    assert_eq!(text.matches("circuit breaker changed").count(), 1, "{text}");
    assert!(text.contains("from=\"closed\" to=\"open\""), "{text}");
}
