//! Sends what is exported to a collector, over HTTP.
//!
//! The threads of OpenTelemetry's batches wait for it, and no request ever does. It makes no spans, and what
//! it logs is not exported. A collector that does not answer costs what is lost, and a line in the log now
//! and then.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::CONTENT_ENCODING;
use http::{HeaderValue, Request, Response, Uri};
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

use super::TelemetryError;
use super::variables::Destination;

/// How large an answer may be: it says at most which records were refused.
const ANSWER: usize = 1 << 20;

/// How far apart lines about failures are.
const QUIET: Duration = Duration::from_mins(1);

/// Sends to the collector of one signal.
#[derive(Debug)]
pub(super) struct Collector {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// Where it runs: those who wait for it have no runtime.
    runtime: Handle,
    timeout: Duration,
    gzip: bool,
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
    pub(super) fn new(destination: &Destination, tls: &Tls) -> Result<Self, TelemetryError> {
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
            client: builder.build(connector),
            runtime: Handle::current(),
            timeout: destination.timeout,
            gzip: destination.gzip,
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
        failures.count += 1;
        if failures
            .logged
            .is_some_and(|logged| logged.elapsed() < QUIET)
        {
            return;
        }
        tracing::warn!(
            collector = %target,
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
        let request = if self.gzip { zipped(request)? } else { request };
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

fn zipped(request: Request<Bytes>) -> Result<Request<Bytes>, HttpError> {
    let (mut head, body) = request.into_parts();
    let mut zip = GzEncoder::new(Vec::new(), Compression::fast());
    zip.write_all(&body)?;
    head.headers
        .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Ok(Request::from_parts(head, zip.finish()?.into()))
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
