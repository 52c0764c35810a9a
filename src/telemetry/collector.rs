//! Sends what is exported to a collector, over HTTP.
//!
//! The threads of OpenTelemetry's batches wait for it, and no request ever does. It makes no spans, and what
//! it logs is not exported. A collector that does not answer costs what is lost, and a line in the log now
//! and then.

use std::error::Error;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use rustls::ClientConfig;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use crate::clock::WallClock;
use crate::tls::{Tls, trust_only};

use super::error::TelemetryError;
use super::signal::Signal;
use super::variables::Destination;

/// How large an answer may be: it says at most which records were refused.
const ANSWER: usize = 1 << 20;

/// How far apart lines about failures are.
const QUIET: Duration = Duration::from_mins(1);

/// How many exports failed, by signal.
static FAILED: [(Signal, AtomicU64); 3] = [
    (Signal::Traces, AtomicU64::new(0)),
    (Signal::Metrics, AtomicU64::new(0)),
    (Signal::Logs, AtomicU64::new(0)),
];

/// How many exports failed, by the name of what was sent.
pub(super) fn failed() -> Vec<(&'static str, u64)> {
    let counts = FAILED.iter();
    counts
        .map(|(signal, count)| (signal.name(), count.load(Ordering::Relaxed)))
        .collect()
}

/// Sends to the collector of one signal.
#[derive(Debug)]
pub(super) struct Collector {
    signal: Signal,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// Where it runs: those who wait for it have no runtime.
    runtime: Handle,
    timeout: Duration,
    failures: Mutex<Failures>,
}

/// What failed since the last line about it.
#[derive(Debug, Default)]
struct Failures {
    count: u64,
    logged: Option<Instant>,
}

impl Collector {
    /// Connects when there is something to send. Must be called within a tokio runtime.
    pub(super) fn new(
        signal: Signal,
        destination: &Destination,
        tls: &Tls,
    ) -> Result<Self, TelemetryError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        let tls = trust(destination, tls)?;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(1);
        Ok(Self {
            signal,
            client: builder.build(connector),
            runtime: Handle::current(),
            timeout: destination.timeout,
            failures: Mutex::default(),
        })
    }

    fn note<T>(&self, target: &Uri, outcome: &Result<Response<T>, HttpError>) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let reason = match outcome {
            Ok(response) if response.status().is_success() => {
                return *failures = Failures::default();
            }
            Ok(response) => format!("status {}", response.status().as_u16()),
            Err(error) => with_causes(&**error),
        };
        for (signal, count) in &FAILED {
            if *signal == self.signal {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
        failures.count += 1;
        if failures
            .logged
            .is_some_and(|logged| logged.elapsed() < QUIET)
        {
            return;
        }
        tracing::warn!(
            collector = shown(target),
            failures = failures.count,
            reason,
            "telemetry cannot be exported, and is lost if that lasts"
        );
        *failures = Failures {
            count: 0,
            logged: Some(Instant::now()),
        };
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let target = request.uri().clone();
        let (client, limit) = (self.client.clone(), self.timeout);
        // The timer, too, needs the runtime.
        let exchange = async move { timeout(limit, exchange(client, request)).await };
        let outcome = match self.runtime.spawn(exchange).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(late)) => Err(late.into()),
            Err(ended) => Err(ended.into()),
        };
        self.note(&target, &outcome);
        outcome
    }
}

async fn exchange(
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, HttpError> {
    let response = client.request(request.map(Full::new)).await?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, ANSWER).collect().await?;
    Ok(Response::from_parts(head, body.to_bytes()))
}

/// An address for the log: a query may hold a key.
fn shown(target: &Uri) -> String {
    let scheme = target.scheme_str().unwrap_or_default();
    let authority = target
        .authority()
        .map_or("", |authority| authority.as_str());
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{}", target.path())
}

/// Whom to trust: the CAs in a file, else those of the system, which are not asked for without need.
fn trust(destination: &Destination, tls: &Tls) -> Result<ClientConfig, TelemetryError> {
    let wrong = |name: &str, problem: String| TelemetryError::Variable {
        name: name.to_owned(),
        problem,
    };
    match &destination.certificate {
        Some((name, path)) => {
            let pem = fs::read(path)
                .map_err(|error| wrong(name, format!("`{path}` cannot be read: {error}")))?;
            trust_only(&pem, WallClock::system().now())
                .map_err(|error| wrong(name, format!("`{path}` {error}")))
        }
        None if destination.is_https => Ok(tls.config()?),
        None => Ok(crate::tls::trust_nobody()?),
    }
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://c:4318/v1/traces?api-key=s3cret", "http://c:4318/v1/traces")]
    #[case("https://me:s3cret@c/", "https://c/")]
    fn an_address_is_logged_without_secrets(#[case] target: &str, #[case] expected: &str) {
        assert_eq!(shown(&target.parse().unwrap()), expected);
    }
}
