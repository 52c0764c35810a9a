//! What is counted of one upstream.

use std::sync::Arc;

use http::StatusCode;
use opentelemetry::metrics::{Counter, Histogram};
use opentelemetry::{KeyValue, Value};

use crate::observe::{Event, Observer, SettledWalk, known_method};

use super::instruments::Instruments;
use super::requests::OTHER;
use super::table;

/// What counts, for all upstreams.
#[derive(Debug)]
pub(super) struct UpstreamInstruments {
    attempts: Histogram<f64>,
    retries: Counter<u64>,
    hedges: Counter<u64>,
    slot_wait: Histogram<f64>,
    logins: Counter<u64>,
    walks: Histogram<f64>,
    ended: Counter<u64>,
    pages: Counter<u64>,
    records: Counter<u64>,
    skipped: Counter<u64>,
    groups: Counter<u64>,
    restarts: Counter<u64>,
    differing: Counter<u64>,
    lookups: Counter<u64>,
}

/// Counts what happens with one upstream.
#[derive(Debug)]
pub(super) struct UpstreamMetrics {
    instruments: Arc<UpstreamInstruments>,
    source: KeyValue,
}

impl UpstreamInstruments {
    pub(super) fn new(instruments: &Instruments) -> Self {
        Self {
            attempts: instruments.histogram(&table::ATTEMPT_DURATION),
            retries: instruments.counter(&table::RETRIES),
            hedges: instruments.counter(&table::HEDGES),
            slot_wait: instruments.histogram(&table::SLOT_WAIT),
            logins: instruments.counter(&table::LOGINS),
            walks: instruments.histogram(&table::WALK_DURATION),
            ended: instruments.counter(&table::WALKS_ENDED),
            pages: instruments.counter(&table::WALK_PAGES),
            records: instruments.counter(&table::WALK_RECORDS),
            skipped: instruments.counter(&table::WALK_SKIPPED),
            groups: instruments.counter(&table::WALK_GROUPS),
            restarts: instruments.counter(&table::WALK_RESTARTS),
            differing: instruments.counter(&table::WALK_DIFFERING),
            lookups: instruments.counter(&table::LIST_REQUESTS),
        }
    }
}

impl UpstreamMetrics {
    pub(super) fn new(instruments: Arc<UpstreamInstruments>, name: &Arc<str>) -> Self {
        Self {
            instruments,
            source: KeyValue::new("source", Arc::clone(name)),
        }
    }

    /// The name of the upstream, and further labels.
    fn with<const N: usize>(&self, labels: [Option<KeyValue>; N]) -> Vec<KeyValue> {
        let source = [self.source.clone()].into_iter();
        source.chain(labels.into_iter().flatten()).collect()
    }

    fn add(&self, counter: &Counter<u64>, count: u64) {
        counter.add(count, &self.with([]));
    }

    fn settled(&self, outcome: SettledWalk<'_>) -> Vec<KeyValue> {
        let instruments = &self.instruments;
        if let SettledWalk::Replaced { differing, .. } = outcome {
            self.add(&instruments.differing, differing);
        }
        let (ended_by, groups, skipped) = match outcome {
            SettledWalk::Replaced {
                ended_by,
                groups,
                skipped,
                ..
            }
            | SettledWalk::PendingShrink {
                ended_by,
                groups,
                skipped,
            } => (Some(ended_by), groups, skipped),
            SettledWalk::Failed(_) | SettledWalk::Superseded | SettledWalk::GivenUp => (None, 0, 0),
        };
        if let Some(ended_by) = ended_by {
            let ended_by = KeyValue::new("ended_by", <&str>::from(ended_by));
            instruments.ended.add(1, &self.with([Some(ended_by)]));
            self.add(&instruments.groups, groups);
            self.add(&instruments.skipped, skipped);
        }
        let error = match outcome {
            SettledWalk::Failed(error) => Some(KeyValue::new("error.type", error.kind.as_str())),
            SettledWalk::Replaced { .. }
            | SettledWalk::PendingShrink { .. }
            | SettledWalk::Superseded
            | SettledWalk::GivenUp => None,
        };
        self.with([Some(KeyValue::new("outcome", outcome.as_str())), error])
    }
}

impl Observer for UpstreamMetrics {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "it is told of all that happens, and counts some of it"
    )]
    fn observe(&self, event: &Event<'_>) {
        let instruments = &self.instruments;
        match event {
            Event::AttemptEnded {
                method,
                server,
                outcome,
                elapsed,
            } => {
                let method = Some(KeyValue::new("http.request.method", known_method(method)));
                let [address, port] = server_labels(*server);
                let [code, error] = match outcome {
                    Err(kind) => [None, Some(KeyValue::new("error.type", kind.as_str()))],
                    Ok(status) => status_labels(*status),
                };
                let labels = self.with([method, address, port, code, error]);
                instruments.attempts.record(elapsed.as_secs_f64(), &labels);
            }
            Event::Retried { error, .. } => {
                let error = KeyValue::new("error.type", error.kind.as_str());
                instruments.retries.add(1, &self.with([Some(error)]));
            }
            Event::Hedged => self.add(&instruments.hedges, 1),
            Event::SlotAwaited(waited) => {
                let labels = self.with([]);
                instruments.slot_wait.record(waited.as_secs_f64(), &labels);
            }
            Event::LoginEnded(outcome) => {
                let error = outcome.err();
                let error = error.map(|error| KeyValue::new("error.type", error.kind.as_str()));
                instruments.logins.add(1, &self.with([error]));
            }
            Event::PageRead(page) => {
                self.add(&instruments.pages, 1);
                self.add(&instruments.records, page.records());
            }
            Event::OfRelated {
                event: Event::PageRead(_),
                ..
            } => self.add(&instruments.pages, 1),
            Event::WalkRestarted(_)
            | Event::OfRelated {
                event: Event::WalkRestarted(_),
                ..
            } => self.add(&instruments.restarts, 1),
            Event::WalkSettled { outcome, elapsed } => {
                let labels = self.settled(*outcome);
                instruments.walks.record(elapsed.as_secs_f64(), &labels);
            }
            Event::ListAskedFor { outcome, collapsed } => {
                let outcome = KeyValue::new("outcome", *outcome);
                let collapsed = KeyValue::new("collapsed", *collapsed);
                let labels = self.with([Some(outcome), Some(collapsed)]);
                instruments.lookups.add(1, &labels);
            }
            _ => {}
        }
    }
}

/// What is said of where a request went. A redirect may lead to any host: all but the upstream's own are one.
fn server_labels(server: Option<(&str, u16)>) -> [Option<KeyValue>; 2] {
    let address = server.map_or(Value::from(OTHER), |(address, _)| address.to_owned().into());
    let port = server.map(|(_, port)| KeyValue::new("server.port", i64::from(port)));
    [Some(KeyValue::new("server.address", address)), port]
}

/// What is said of the status of a response. An upstream may send any number: those that HTTP does not define are
/// one.
fn status_labels(status: StatusCode) -> [Option<KeyValue>; 2] {
    let is_known = status.canonical_reason().is_some();
    let (code, word) = if is_known {
        (
            i64::from(status.as_u16()).into(),
            status.as_str().to_owned().into(),
        )
    } else {
        (Value::from(OTHER), Value::from(OTHER))
    };
    let code = KeyValue::new("http.response.status_code", code);
    let is_error = status >= StatusCode::BAD_REQUEST;
    let error = is_error.then(|| KeyValue::new("error.type", word));
    [Some(code), error]
}
