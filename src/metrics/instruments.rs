//! Instruments, as the table describes them.

use opentelemetry::metrics::{AsyncInstrument, Counter, Histogram, Meter};

use super::table::{MetricEntry, MetricKind};

/// The bounds of durations that OpenTelemetry advises for HTTP, in seconds.
const REQUEST_BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// The bounds of walks: some take an hour.
const WALK_BOUNDS: [f64; 13] = [
    0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0,
];

/// The bounds of what is computed in memory.
const VIEW_BOUNDS: [f64; 10] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5,
];

/// What makes instruments.
pub(super) struct Instruments(pub(super) Meter);

impl Instruments {
    pub(super) fn counter(&self, metric: &MetricEntry) -> Counter<u64> {
        debug_assert_eq!(metric.kind, MetricKind::Counter);
        let counter = self.0.u64_counter(metric.name);
        counter
            .with_unit(metric.unit)
            .with_description(metric.help)
            .build()
    }

    pub(super) fn histogram(&self, metric: &MetricEntry) -> Histogram<f64> {
        debug_assert_eq!(metric.kind, MetricKind::Histogram);
        let bounds = match metric.name {
            "groupgate.walk.duration" => WALK_BOUNDS.to_vec(),
            "groupgate.view.duration" => VIEW_BOUNDS.to_vec(),
            _ => REQUEST_BOUNDS.to_vec(),
        };
        let histogram = self.0.f64_histogram(metric.name);
        let histogram = histogram.with_unit(metric.unit).with_boundaries(bounds);
        histogram.with_description(metric.help).build()
    }

    /// An instrument whose values `read` tells at each collection.
    pub(super) fn observed(
        &self,
        metric: &MetricEntry,
        read: impl Fn(&dyn AsyncInstrument<f64>) + Send + Sync + 'static,
    ) {
        match metric.kind {
            MetricKind::Counter => {
                let counter = self.0.f64_observable_counter(metric.name);
                let counter = counter.with_unit(metric.unit).with_description(metric.help);
                let _registered = counter.with_callback(read).build();
            }
            MetricKind::Gauge => {
                let gauge = self.0.f64_observable_gauge(metric.name);
                let gauge = gauge.with_unit(metric.unit).with_description(metric.help);
                let _registered = gauge.with_callback(read).build();
            }
            MetricKind::Histogram => debug_assert!(false, "nobody can read a histogram"),
        }
    }
}
