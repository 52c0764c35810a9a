//! What is counted of one upstream.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::StatusCode;
use opentelemetry::metrics::{BoundCounter, BoundHistogram, Counter, Histogram};
use opentelemetry::{KeyValue, Value};

use crate::error::ErrorKind;
use crate::observe::{Event, Observer, SettledWalk, known_method};

use super::bound::BoundSeries;
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

/// Counts what happens with one upstream. What is counted for each walk is bound to its labels.
#[derive(Debug)]
pub(super) struct UpstreamMetrics {
    instruments: Arc<UpstreamInstruments>,
    source: KeyValue,
    pages: SourceCounter,
    records: SourceCounter,
    groups: SourceCounter,
    skipped: SourceCounter,
    differing: SourceCounter,
    attempts: BoundSeries<AttemptKey, BoundHistogram<f64>>,
    walks: BoundSeries<(&'static str, Option<ErrorKind>), BoundHistogram<f64>>,
    ended: BoundSeries<&'static str, BoundCounter<u64>>,
    lookups: BoundSeries<(&'static str, bool), BoundCounter<u64>>,
}

/// A counter with no label but the upstream's name.
#[derive(Debug)]
struct SourceCounter {
    counter: Counter<u64>,
    source: KeyValue,
    bound: OnceLock<BoundCounter<u64>>,
}

impl SourceCounter {
    fn new(counter: &Counter<u64>, source: &KeyValue) -> Self {
        Self {
            counter: counter.clone(),
            source: source.clone(),
            bound: OnceLock::new(),
        }
    }

    fn add(&self, count: u64) {
        let bind = || self.counter.bind(std::slice::from_ref(&self.source));
        self.bound.get_or_init(bind).add(count);
    }
}

/// What tells the attempts of one series from those of others. A reload may lead an upstream to another server.
#[derive(Debug)]
struct AttemptKey {
    method: &'static str,
    server: Option<(Box<str>, u16)>,
    outcome: Result<StatusCode, ErrorKind>,
}

impl AttemptKey {
    fn is_of(&self, (method, server, outcome): AttemptLabels<'_>) -> bool {
        let own = self.server.as_ref().map(|(host, port)| (&**host, *port));
        self.outcome == outcome && self.method == method && own == server
    }
}

/// The method of an attempt, its server if that is the upstream's own, and its outcome.
type AttemptLabels<'a> = (
    &'static str,
    Option<(&'a str, u16)>,
    Result<StatusCode, ErrorKind>,
);

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
        let source = KeyValue::new("source", Arc::clone(name));
        let of_source = |counter| SourceCounter::new(counter, &source);
        Self {
            pages: of_source(&instruments.pages),
            records: of_source(&instruments.records),
            groups: of_source(&instruments.groups),
            skipped: of_source(&instruments.skipped),
            differing: of_source(&instruments.differing),
            attempts: BoundSeries::default(),
            walks: BoundSeries::default(),
            ended: BoundSeries::default(),
            lookups: BoundSeries::default(),
            source,
            instruments,
        }
    }

    /// The name of the upstream, and further labels.
    fn with<const N: usize>(&self, labels: [Option<KeyValue>; N]) -> Vec<KeyValue> {
        let source = [self.source.clone()].into_iter();
        source.chain(labels.into_iter().flatten()).collect()
    }

    /// Counts one, of what is too rare to be bound.
    fn count<const N: usize>(&self, counter: &Counter<u64>, labels: [Option<KeyValue>; N]) {
        counter.add(1, &self.with(labels));
    }

    fn attempted(&self, (method, server, outcome): AttemptLabels<'_>, elapsed: Duration) {
        let labels = (method, server, outcome.map(one_of_unknown));
        let bind = || {
            let (method, server, outcome) = labels;
            let [address, port] = server_labels(server);
            let [code, error] = match outcome {
                Err(kind) => [None, Some(error_label(kind))],
                Ok(status) => status_labels(status),
            };
            let key = AttemptKey {
                method,
                server: server.map(|(host, port)| (host.into(), port)),
                outcome,
            };
            let method = Some(KeyValue::new("http.request.method", method));
            let labels = self.with([method, address, port, code, error]);
            (key, self.instruments.attempts.bind(&labels))
        };
        let record = |series: &BoundHistogram<f64>| series.record(elapsed.as_secs_f64());
        self.attempts.record(|key| key.is_of(labels), bind, record);
    }

    fn settled(&self, outcome: SettledWalk<'_>, elapsed: Duration) {
        if let SettledWalk::Replaced { differing, .. } = outcome {
            self.differing.add(differing);
        }
        if let SettledWalk::Replaced {
            ended_by,
            groups,
            skipped,
            ..
        }
        | SettledWalk::PendingShrink {
            ended_by,
            groups,
            skipped,
        } = outcome
        {
            let ended_by = <&str>::from(ended_by);
            let bind = || {
                let label = KeyValue::new("ended_by", ended_by);
                self.instruments.ended.bind(&self.with([Some(label)]))
            };
            self.ended.record_by(ended_by, bind, |series| series.add(1));
            self.groups.add(groups);
            self.skipped.add(skipped);
        }
        let error = match outcome {
            SettledWalk::Failed(error) => Some(error.kind),
            SettledWalk::Replaced { .. }
            | SettledWalk::PendingShrink { .. }
            | SettledWalk::Superseded
            | SettledWalk::GivenUp => None,
        };
        let key = (outcome.as_str(), error);
        let bind = || {
            let outcome = KeyValue::new("outcome", key.0);
            let labels = self.with([Some(outcome), error.map(error_label)]);
            self.instruments.walks.bind(&labels)
        };
        let seconds = elapsed.as_secs_f64();
        self.walks
            .record_by(key, bind, |series| series.record(seconds));
    }

    fn asked_for(&self, outcome: &'static str, collapsed: bool) {
        let bind = || {
            let outcome = KeyValue::new("outcome", outcome);
            let collapsed = KeyValue::new("collapsed", collapsed);
            let labels = self.with([Some(outcome), Some(collapsed)]);
            self.instruments.lookups.bind(&labels)
        };
        self.lookups
            .record_by((outcome, collapsed), bind, |series| series.add(1));
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
            } => self.attempted((known_method(method), *server, *outcome), *elapsed),
            Event::Retried { error, .. } => {
                self.count(&instruments.retries, [Some(error_label(error.kind))]);
            }
            Event::Hedged => self.count(&instruments.hedges, []),
            Event::SlotAwaited(waited) => {
                let labels = self.with([]);
                instruments.slot_wait.record(waited.as_secs_f64(), &labels);
            }
            Event::LoginEnded(outcome) => {
                let error = outcome.err().map(|error| error_label(error.kind));
                self.count(&instruments.logins, [error]);
            }
            Event::PageRead(page) => {
                self.pages.add(1);
                self.records.add(page.records());
            }
            Event::OfRelated {
                event: Event::PageRead(_),
                ..
            } => self.pages.add(1),
            Event::WalkRestarted(_)
            | Event::OfRelated {
                event: Event::WalkRestarted(_),
                ..
            } => self.count(&instruments.restarts, []),
            Event::WalkSettled { outcome, elapsed } => self.settled(*outcome, *elapsed),
            Event::ListAskedFor { outcome, collapsed } => self.asked_for(outcome, *collapsed),
            _ => {}
        }
    }
}

fn error_label(kind: ErrorKind) -> KeyValue {
    KeyValue::new("error.type", kind.as_str())
}

/// What is said of where a request went. A redirect may lead to any host: all but the upstream's own are one.
fn server_labels(server: Option<(&str, u16)>) -> [Option<KeyValue>; 2] {
    let address = server.map_or(Value::from(OTHER), |(address, _)| address.to_owned().into());
    let port = server.map(|(_, port)| KeyValue::new("server.port", i64::from(port)));
    [Some(KeyValue::new("server.address", address)), port]
}

/// A status, or the one that stands for all of its kind that HTTP does not define.
fn one_of_unknown(status: StatusCode) -> StatusCode {
    let number = match status {
        known if known.canonical_reason().is_some() => return known,
        error if error >= StatusCode::BAD_REQUEST => 999,
        _ => 199,
    };
    StatusCode::from_u16(number).unwrap_or(status)
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
