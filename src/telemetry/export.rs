//! What makes records of traces, metrics and logs, and hands them to collectors (OTLP over HTTP).

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{
    LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::PeriodicReader;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::time::Instant;

use crate::tls::Tls;
use crate::trace::{self, Tracing};

use super::TelemetryError;
use super::collector::Collector;
use super::variables::Exports;

/// How long the end of the process waits for collectors in all.
const LAST_EXPORTS: Duration = Duration::from_secs(3);

/// Sends metrics now and then, once it is handed to what has some.
pub type MetricsReader = PeriodicReader<MetricExporter>;

/// What is exported until this is flushed.
#[derive(Debug, Default)]
pub(super) struct Exporting {
    tracer: Option<SdkTracerProvider>,
    pub(super) logger: Option<SdkLoggerProvider>,
    pub(super) metrics: Option<MetricsReader>,
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
        if let Some(destination) = &exports.traces {
            let exporter = SpanExporter::builder()
                .with_http()
                .with_http_client(Collector::new(destination, &tls)?)
                .with_protocol(Protocol::HttpBinary)
                .build()?;
            let provider = SdkTracerProvider::builder()
                .with_resource(resource.clone())
                .with_batch_exporter(exporter)
                .build();
            exporting.tracer = Some(provider);
        }
        if let Some(destination) = &exports.logs {
            let exporter = LogExporter::builder()
                .with_http()
                .with_http_client(Collector::new(destination, &tls)?)
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
                .with_http_client(Collector::new(destination, &tls)?)
                .with_protocol(Protocol::HttpBinary)
                .build()?;
            exporting.metrics = Some(PeriodicReader::builder(exporter).build());
        }
        exporting.resource = Some(resource);
        trace::install(Tracing {
            tracer: (exporting.tracer.as_ref()).map(|tracer| tracer.tracer("groupgate")),
            propagates: exports.propagates,
        });
        Ok(exporting)
    }

    /// Sends what waits, for at most a few seconds, and ends.
    pub(super) fn flush(&self) {
        let end = Instant::now() + LAST_EXPORTS;
        // Whether it has come, the collector knows.
        if let Some(tracer) = &self.tracer {
            let _ = tracer.shutdown_with_timeout(LAST_EXPORTS);
        }
        if let Some(logger) = &self.logger {
            let _ = logger.shutdown_with_timeout(end.saturating_duration_since(Instant::now()));
        }
    }
}
