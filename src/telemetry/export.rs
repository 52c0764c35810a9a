//! Builds the exporters of traces, metrics and logs (OTLP over HTTP).

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{
    LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tokio::time::Instant;

use crate::tls::Tls;
use crate::trace::{self, DecidedIds, SpanExports, Tracing};

use super::collector::Collector;
use super::error::TelemetryError;
use super::losses;
use super::signal::Signal;
use super::variables::Exports;

/// How long the end of the process waits for collectors in all.
const LAST_EXPORTS: Duration = Duration::from_secs(3);

/// Sends metrics now and then, once it is handed to what has some.
pub(super) type MetricsReader = PeriodicReader<MetricExporter>;

/// What is exported until this is flushed.
#[derive(Debug, Default)]
pub(super) struct Exporting {
    tracer: Option<SdkTracerProvider>,
    pub(super) logger: Option<SdkLoggerProvider>,
    pub(super) metrics: Option<MetricsReader>,
    /// What the reader of metrics was handed to.
    pub(super) meter: Option<SdkMeterProvider>,
    pub(super) resource: Option<Resource>,
}

impl Exporting {
    /// Begins to export what the variables ask for. Must be called within a tokio runtime if that is anything.
    pub(super) fn start(exports: Exports) -> Result<Self, TelemetryError> {
        let tls = Tls::default();
        let resource = Resource::builder_empty()
            .with_detector(Box::new(TelemetryResourceDetector))
            .with_attributes(exports.resource)
            .build();
        let mut exporting = Self::default();
        if exports.traces.is_some() || exports.logs.is_some() {
            losses::count();
        }
        let sampler = exports.sampler.unwrap_or(Sampler::AlwaysOn);
        if let Some(destination) = &exports.traces {
            let exporter = SpanExporter::builder()
                .with_http()
                .with_http_client(Collector::new(Signal::Traces, destination, &tls)?)
                .with_protocol(Protocol::HttpBinary)
                .build()?;
            let provider = SdkTracerProvider::builder()
                .with_resource(resource.clone())
                .with_sampler(sampler.clone())
                .with_id_generator(DecidedIds::default())
                .with_batch_exporter(exporter)
                .build();
            exporting.tracer = Some(provider);
        }
        if let Some(destination) = &exports.logs {
            let exporter = LogExporter::builder()
                .with_http()
                .with_http_client(Collector::new(Signal::Logs, destination, &tls)?)
                .with_protocol(Protocol::HttpBinary)
                .build()?;
            let provider = SdkLoggerProvider::builder()
                .with_resource(resource.clone())
                .with_batch_exporter(exporter)
                .build();
            exporting.logger = Some(provider);
        }
        if let Some(destination) = &exports.metrics {
            let exporter = MetricExporter::builder()
                .with_http()
                .with_http_client(Collector::new(Signal::Metrics, destination, &tls)?)
                .with_protocol(Protocol::HttpBinary)
                .build()?;
            exporting.metrics = Some(PeriodicReader::builder(exporter).build());
        }
        exporting.resource = Some(resource);
        trace::install(Tracing {
            exports: exporting.tracer.as_ref().map(|provider| SpanExports {
                tracer: provider.tracer("groupgate"),
                sampler,
            }),
            propagates: exports.propagates,
        });
        Ok(exporting)
    }

    /// Sends what waits, all at once and for at most a few seconds, and ends. Collectors report failures.
    pub(super) fn flush(self) {
        let end = Instant::now() + LAST_EXPORTS;
        let (ended, all_ended) = channel::<()>();
        let ending = |shut_down: Box<dyn FnOnce() + Send>| {
            let ended = ended.clone();
            // One that cannot be started leaves at once, and what it would have sent is lost.
            let _ = thread::Builder::new().spawn(move || {
                shut_down();
                drop(ended);
            });
        };
        if let Some(tracer) = self.tracer {
            ending(Box::new(move || {
                let _ = tracer.shutdown_with_timeout(LAST_EXPORTS);
            }));
        }
        if let Some(logger) = self.logger {
            ending(Box::new(move || {
                let _ = logger.shutdown_with_timeout(LAST_EXPORTS);
            }));
        }
        if let Some(meter) = self.meter {
            ending(Box::new(move || {
                let _ = meter.shutdown_with_timeout(LAST_EXPORTS);
            }));
        }
        drop(ended);
        // Nothing is ever said: it is over when all have let go.
        let left = end.saturating_duration_since(Instant::now());
        let _ = all_ended.recv_timeout(left);
    }
}
