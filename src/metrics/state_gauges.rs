//! What is read at each collection.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use opentelemetry::KeyValue;
use opentelemetry::metrics::AsyncInstrument;

use super::CacheLookups;
use super::instruments::Instruments;
use super::state::{ProcessState, SourceStanding};
use super::table::{self, MetricEntry};

/// Reads how everything stands.
type ReadState = Box<dyn Fn() -> Option<ProcessState> + Send + Sync>;

/// Reads how everything stands, once for each collection.
#[derive(Default)]
pub(super) struct StateReader {
    read: OnceLock<ReadState>,
    last: Mutex<Arc<ProcessState>>,
}

impl StateReader {
    /// Reads by this function from now on. The first one stays.
    pub(super) fn set(&self, read: ReadState) {
        let _ = self.read.set(read);
    }

    /// Reads anew.
    fn read(&self) {
        let state = self.read.get().and_then(|read| read());
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(state.unwrap_or_default());
    }

    /// What was read last.
    fn last(&self) -> Arc<ProcessState> {
        Arc::clone(&self.last.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Where a value goes, with its labels.
type Observe<'a> = &'a dyn Fn(f64, &[KeyValue]);

/// Tells the values of one metric.
type ObserveState = fn(&ProcessState, Observe<'_>);

/// Registers every metric that is a state.
pub(super) fn register(
    instruments: &Instruments,
    state: &Arc<StateReader>,
    lookups: &Arc<CacheLookups>,
) {
    // Callbacks run in the order of registration: the first one reads for all.
    let reader = Arc::clone(state);
    instruments.observed(&table::START_TIME, move |observer| {
        reader.read();
        observer.observe(reader.last().started.as_secs_f64(), &[]);
    });
    for (metric, read) in STATES {
        let reader = Arc::clone(state);
        instruments.observed(metric, move |observer: &dyn AsyncInstrument<f64>| {
            read(&reader.last(), &|value, labels| {
                observer.observe(value, labels);
            });
        });
    }
    let lookups = Arc::clone(lookups);
    instruments.observed(&table::CACHE_LOOKUPS, move |observer| {
        let counts: [(&str, &str, &AtomicU64); 4] = [
            ("answers", "hit", &lookups.ready),
            ("answers", "miss", &lookups.not_ready),
            ("views", "hit", &lookups.view_hits),
            ("views", "miss", &lookups.view_misses),
        ];
        for (cache, outcome, count) in counts {
            let labels = [
                KeyValue::new("cache", cache),
                KeyValue::new("outcome", outcome),
            ];
            observer.observe(count.load(Ordering::Relaxed) as f64, &labels);
        }
    });
}

/// What is a state, and how it is read.
const STATES: &[(&MetricEntry, ObserveState)] = &[
    (&table::BUILD_INFO, |_, observe| {
        observe(1.0, &[KeyValue::new("version", env!("CARGO_PKG_VERSION"))]);
    }),
    (&table::SOURCE_STATE, |state, observe| {
        for source in &state.sources {
            one_of(source, &SourceStanding::STATES, source.state, observe);
        }
    }),
    (&table::CIRCUIT, |state, observe| {
        for source in &state.sources {
            if let Some(circuit) = source.circuit {
                one_of(source, &SourceStanding::CIRCUITS, circuit, observe);
            }
        }
    }),
    (&table::SNAPSHOT_AGE, |state, observe| {
        of_sources(state, |source| source.age, observe);
    }),
    (&table::SNAPSHOT_GROUPS, |state, observe| {
        of_sources(
            state,
            |source| source.groups.map(|groups| groups as f64),
            observe,
        );
    }),
    (&table::SNAPSHOT_SIZE, |state, observe| {
        of_sources(
            state,
            |source| source.bytes.map(|bytes| bytes as f64),
            observe,
        );
    }),
    (&table::CACHE_SIZE, |state, observe| {
        let caches = state.caches.iter();
        named(
            "cache",
            caches.map(|cache| (cache.name, cache.bytes)),
            observe,
        );
    }),
    (&table::CACHE_CAPACITY, |state, observe| {
        let caches = state.caches.iter();
        named(
            "cache",
            caches.map(|cache| (cache.name, cache.capacity)),
            observe,
        );
    }),
    (&table::CACHE_ENTRIES, |state, observe| {
        let caches = state.caches.iter();
        named(
            "cache",
            caches.map(|cache| (cache.name, cache.entries)),
            observe,
        );
    }),
    (&table::MEMORY_USED, |state, observe| {
        let uses = state.memory.iter();
        named(
            "use",
            uses.filter_map(|memory| Some((memory.name, memory.bytes?))),
            observe,
        );
    }),
    (&table::MEMORY_LIMIT, |state, observe| {
        let uses = state.memory.iter();
        named(
            "use",
            uses.filter_map(|memory| Some((memory.name, memory.limit?))),
            observe,
        );
    }),
    (&table::MEMORY_WAITING, |state, observe| {
        observe(state.waiting_pages as f64, &[]);
    }),
    (&table::CONNECTIONS, |state, observe| {
        named("state", state.connections.iter().copied(), observe);
    }),
    (&table::CONNECTIONS_LIMIT, |state, observe| {
        observe(state.connections_limit as f64, &[]);
    }),
    (&table::CONNECTIONS_CLOSED, |state, observe| {
        named("reason", state.connections_closed.iter().copied(), observe);
    }),
    (&table::CERTIFICATE_END, |state, observe| {
        named("of", state.certificate_ends.iter().copied(), observe);
    }),
    (&table::LOG_LINES_DROPPED, |state, observe| {
        observe(state.dropped_log_lines as f64, &[]);
    }),
    (&table::AUDIT_RECORDS_LOST, |state, observe| {
        observe(state.lost_audit_records as f64, &[]);
    }),
    (&table::EXPORTS_FAILED, |state, observe| {
        named("signal", state.failed_exports.iter().copied(), observe);
    }),
    (&table::EXPORTS_LOST, |state, observe| {
        named("signal", state.lost_before_export.iter().copied(), observe);
    }),
];

/// 1 for the state that a source is in, 0 for the others.
fn one_of(source: &SourceStanding, states: &[&'static str], present: &str, observe: Observe<'_>) {
    for &state in states {
        let labels = [
            KeyValue::new("source", Arc::clone(&source.name)),
            KeyValue::new("state", state),
        ];
        observe(f64::from(u8::from(state == present)), &labels);
    }
}

fn of_sources(
    state: &ProcessState,
    value: fn(&SourceStanding) -> Option<f64>,
    observe: Observe<'_>,
) {
    for source in &state.sources {
        if let Some(value) = value(source) {
            observe(value, &[KeyValue::new("source", Arc::clone(&source.name))]);
        }
    }
}

fn named(
    label: &'static str,
    values: impl Iterator<Item = (&'static str, u64)>,
    observe: Observe<'_>,
) {
    for (name, value) in values {
        observe(value as f64, &[KeyValue::new(label, name)]);
    }
}
