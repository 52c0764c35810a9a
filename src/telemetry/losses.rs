//! What is lost because too much of it waits to be exported, as OpenTelemetry's own crates count it.
//!
//! They count in the meters that are the process's when their batches are made. There are no others in there.

use std::sync::OnceLock;

use opentelemetry::global;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::Registry;
use prometheus::proto::{Metric, MetricFamily};

use super::signal::Signal;

/// What the batches of this process have counted.
static COUNTED: OnceLock<Registry> = OnceLock::new();

/// Has batches that are made from now on count.
pub(super) fn count() {
    let registry = Registry::new();
    let reader = opentelemetry_prometheus::exporter().with_registry(registry.clone());
    // It fails where the registry has the same collector already: this one has none.
    if let Ok(reader) = reader.build()
        && COUNTED.set(registry).is_ok()
    {
        global::set_meter_provider(SdkMeterProvider::builder().with_reader(reader).build());
    }
}

/// How much was lost, by the name of what was to be sent.
pub(super) fn lost() -> Vec<(&'static str, u64)> {
    let families = COUNTED.get().map(Registry::gather).unwrap_or_default();
    let lost = |name: &str| {
        let family = families.iter().find(|family| family.name() == name);
        let series = family.into_iter().flat_map(MetricFamily::get_metric);
        let lost = series.filter(|series| is_lost(series));
        lost.map(|series| series.get_counter().get_value())
            .sum::<f64>() as u64
    };
    vec![
        (
            Signal::Traces.name(),
            lost("otel_sdk_processor_span_processed_total"),
        ),
        (
            Signal::Logs.name(),
            lost("otel_sdk_processor_log_processed_total"),
        ),
    ]
}

fn is_lost(series: &Metric) -> bool {
    let mut labels = series.get_label().iter();
    labels.any(|label| label.name() == "error_type" && label.value() == "queue_full")
}
