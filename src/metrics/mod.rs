//! Metrics: what happened, counted, and how everything stands when somebody asks.
//!
//! ```text
//! events ▸ Metrics (an observer) ▸ instruments ─┬▸ the text of /metrics
//! process state, read at each collection ───────┴▸ further readers, such as OTLP's
//! ```
//!
//! Instruments belong to one [`Metrics`], and nothing is global: a process may run several gateways. Every
//! metric stands in one [table](METRICS). What an event adds up is pushed; what is a state is read when metrics
//! are collected, from a [`ProcessState`] that the edge puts together.

mod table;
pub use table::{METRICS, MetricEntry, MetricKind, reference};

mod instruments;

mod bound;
mod requests;
mod upstream;

mod state;
pub use state::{CacheStanding, MemoryUse, ProcessState, SourceStanding};
mod state_gauges;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{BoundCounter, Counter, Histogram, MeterProvider as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{Instrument, MeterProviderBuilder, SdkMeterProvider, Stream};
use prometheus::{Registry, TextEncoder};

use crate::observe::{AnswerTraits, Event, Observer};

use bound::BoundSeries;
use instruments::Instruments;
use requests::RequestDurations;
use state_gauges::StateReader;
use upstream::{UpstreamInstruments, UpstreamMetrics};

/// The media type of what [`Metrics::text`] writes.
pub const TEXT_FORMAT: &str = prometheus::TEXT_FORMAT;

/// The problems that mean that a request was turned away, whatever it asked for.
const REFUSALS: [&str; 4] = [
    "too-many-requests",
    "overloaded",
    "not-ready",
    "deadline-exceeded",
];

/// How many series a metric of upstreams may have. Those that count stay as long as the process, also for
/// upstreams that a reload has removed or renamed; what goes beyond is counted in one series. The SDK makes room for all
/// of them ahead, in each metric.
const SERIES_OF_UPSTREAMS: usize = 4_000;

/// The metrics of one gateway.
pub struct Metrics {
    provider: SdkMeterProvider,
    registry: Registry,
    requests: RequestDurations,
    refused: Counter<u64>,
    authentications: Counter<u64>,
    authentications_by_outcome: BoundSeries<&'static str, BoundCounter<u64>>,
    evictions: Counter<u64>,
    views: Histogram<f64>,
    reloads: Counter<u64>,
    tokens: Counter<u64>,
    key_set_fetches: Counter<u64>,
    instruments_of_upstreams: Arc<UpstreamInstruments>,
    upstreams: Mutex<HashMap<Arc<str>, Arc<UpstreamMetrics>>>,
    lookups: Arc<CacheLookups>,
    state: Arc<StateReader>,
}

/// How often caches were asked. Counted here and read out, for an answer that is ready costs little.
#[derive(Debug, Default)]
struct CacheLookups {
    ready: AtomicU64,
    not_ready: AtomicU64,
    view_hits: AtomicU64,
    view_misses: AtomicU64,
}

impl Metrics {
    /// Metrics that `/metrics` shows, and to which `extend` adds further readers, such as one that sends them
    /// over OTLP.
    pub fn new(extend: impl FnOnce(MeterProviderBuilder) -> MeterProviderBuilder) -> Self {
        let registry = Registry::new();
        let resource = Resource::builder().with_service_name("groupgate");
        let mut provider = SdkMeterProvider::builder()
            .with_resource(resource.build())
            .with_view(of_upstreams);
        let text = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            // There is one scope, and one target.
            .scope_info_enabled(false);
        // It fails where the registry has the same collector already: this one has none.
        if let Ok(reader) = text.build() {
            provider = provider.with_reader(reader);
        }
        let provider = extend(provider).build();
        let instruments = Instruments(provider.meter("groupgate"));
        let lookups = Arc::<CacheLookups>::default();
        let state = Arc::<StateReader>::default();
        state_gauges::register(&instruments, &state, &lookups);
        Self {
            requests: RequestDurations::new(instruments.histogram(&table::REQUEST_DURATION)),
            refused: instruments.counter(&table::REQUESTS_REFUSED),
            authentications: instruments.counter(&table::AUTHENTICATIONS),
            authentications_by_outcome: BoundSeries::default(),
            evictions: instruments.counter(&table::CACHE_EVICTIONS),
            views: instruments.histogram(&table::VIEW_DURATION),
            reloads: instruments.counter(&table::RELOADS),
            tokens: instruments.counter(&table::TOKENS),
            key_set_fetches: instruments.counter(&table::KEY_SET_FETCHES),
            instruments_of_upstreams: Arc::new(UpstreamInstruments::new(&instruments)),
            upstreams: Mutex::default(),
            provider,
            registry,
            lookups,
            state,
        }
    }

    /// How everything stands is read by this function from now on, at each collection.
    pub fn read_state_by(&self, read: impl Fn() -> Option<ProcessState> + Send + Sync + 'static) {
        self.state.set(Box::new(read));
    }

    /// All metrics in the text format of Prometheus.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    /// What collects them, for whoever reads them.
    pub const fn provider(&self) -> &SdkMeterProvider {
        &self.provider
    }

    fn authenticated(&self, outcome: &'static str) {
        let bind = || {
            let label = KeyValue::new("outcome", outcome);
            self.authentications.bind(&[label])
        };
        self.authentications_by_outcome
            .record_by(outcome, bind, |series| series.add(1));
    }

    fn answered(&self, traits: AnswerTraits) {
        match traits.cache {
            Some("ready") => self.lookups.ready.fetch_add(1, Ordering::Relaxed),
            Some(_) => self.lookups.not_ready.fetch_add(1, Ordering::Relaxed),
            None => 0,
        };
        if let Some(problem) = traits.problem.filter(|problem| REFUSALS.contains(problem)) {
            self.refused.add(1, &[KeyValue::new("reason", problem)]);
        }
    }
}

/// Makes room for the series of many upstreams, where a metric has some for each.
fn of_upstreams(instrument: &Instrument) -> Option<Stream> {
    let mut metrics = METRICS.iter();
    let metric = metrics.find(|metric| metric.name == instrument.name())?;
    let stream = || Stream::builder().with_cardinality_limit(SERIES_OF_UPSTREAMS);
    let is_by_source = metric.labels.contains(&"source");
    is_by_source.then(stream)?.build().ok()
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(|provider| provider)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Observer for Metrics {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "it is told of all that happens, and counts some of it"
    )]
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::RequestAnswered {
                method,
                route,
                status,
                traits,
                elapsed,
                ..
            } => {
                self.requests
                    .record(route, method, *status, *traits, *elapsed);
                self.answered(*traits);
            }
            Event::Authenticated(outcome) => self.authenticated(outcome),
            Event::ViewAskedFor { is_hit } => {
                let lookups = if *is_hit {
                    &self.lookups.view_hits
                } else {
                    &self.lookups.view_misses
                };
                lookups.fetch_add(1, Ordering::Relaxed);
            }
            Event::ViewMade(elapsed) => self.views.record(elapsed.as_secs_f64(), &[]),
            Event::TokenChecked(outcome) => {
                self.tokens.add(1, &[KeyValue::new("outcome", *outcome)]);
            }
            Event::KeySetFetched(outcome) => {
                let outcome = KeyValue::new("outcome", *outcome);
                self.key_set_fetches.add(1, &[outcome]);
            }
            Event::Evicted(cache) => self.evictions.add(1, &[KeyValue::new("cache", *cache)]),
            Event::Reloaded { outcome, .. } => {
                self.reloads
                    .add(1, &[KeyValue::new("outcome", outcome.name())]);
            }
            _ => {}
        }
    }

    fn of_upstream(&self, name: &Arc<str>) -> Option<Arc<dyn Observer>> {
        let mut upstreams = self
            .upstreams
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let instruments = Arc::clone(&self.instruments_of_upstreams);
            Arc::new(UpstreamMetrics::new(instruments, name))
        };
        let metrics = upstreams.entry(Arc::clone(name)).or_insert_with(new);
        Some(Arc::clone(metrics) as Arc<dyn Observer>)
    }
}
