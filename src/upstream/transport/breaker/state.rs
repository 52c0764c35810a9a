//! The state machine: which outcomes open and close a breaker, and for how long.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use opentelemetry::KeyValue;
use rand::RngExt;
use tokio::time::Instant;

use crate::backoff;
use crate::clock::WallClock;
use crate::error::{ErrorKind, UpstreamError};
use crate::plan::BreakerThresholds as Thresholds;
use crate::trace;
use crate::upstream::extensions::ScopeNumber;

use super::circuit::{Circuit, CircuitState};
use super::health::Health;
use super::window::Window;

/// The longest that a breaker stays open, unless `open_for` is longer.
pub(super) const LONGEST_OPEN: Duration = Duration::from_mins(1);
/// The `Retry-After` of a request that is rejected while the probe is under way.
pub(super) const PROBE_TIME: Duration = Duration::from_secs(1);

/// Admits or rejects requests to one upstream. Clones share their state.
#[derive(Debug, Clone)]
pub(crate) struct Breaker(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    source: Arc<str>,
    thresholds: Thresholds,
    wall: WallClock,
    state: Mutex<BreakerState>,
}

/// What is known about the upstream.
#[derive(Debug)]
struct BreakerState {
    phase: Phase,
    since: Timestamp,
    /// Incremented with each phase: the outcome of a request from an earlier phase is ignored.
    generation: u64,
    /// Failures in a row. Requests that failed while under way together count once.
    consecutive_failures: u32,
    last_failure: Option<Instant>,
    /// For which caller the last failure was, where each is asked for by itself.
    failed_scope: Option<ScopeNumber>,
    window: Window,
    /// How often it has opened in a row, and for how long the last time.
    times_opened: u32,
    open_for: Duration,
    /// The last failure.
    reason: String,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Closed,
    Open { until: Instant },
    HalfOpen,
}

impl Phase {
    const fn circuit_state(self) -> CircuitState {
        match self {
            Self::Closed => CircuitState::Closed,
            Self::Open { .. } => CircuitState::Open,
            Self::HalfOpen => CircuitState::HalfOpen,
        }
    }
}

/// An admitted request. Dropped without an outcome, it says nothing about the upstream.
#[derive(Debug)]
pub(super) struct Permit {
    shared: Arc<Shared>,
    generation: u64,
    started: Instant,
    health: Health,
    reason: String,
    scope: Option<ScopeNumber>,
}

impl Permit {
    /// The same for a request on behalf of one of several callers.
    pub(super) fn for_scope(mut self, scope: Option<ScopeNumber>) -> Self {
        self.scope = scope;
        self
    }

    pub(super) fn end<T>(mut self, outcome: &Result<T, UpstreamError>) {
        self.health = Health::of(outcome);
        if let Err(error) = outcome {
            self.reason = error.to_string();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let reason = std::mem::take(&mut self.reason);
        self.shared.record(self, reason);
    }
}

impl Breaker {
    /// A closed breaker for the upstream `source`.
    pub(crate) fn new(source: &Arc<str>, thresholds: &Thresholds, wall: &WallClock) -> Self {
        Self(Arc::new(Shared {
            source: Arc::clone(source),
            wall: wall.clone(),
            state: Mutex::new(BreakerState {
                phase: Phase::Closed,
                since: wall.now_in_milliseconds(),
                generation: 0,
                consecutive_failures: 0,
                last_failure: None,
                failed_scope: None,
                window: Window::new(thresholds.window.get()),
                times_opened: 0,
                open_for: Duration::ZERO,
                reason: String::new(),
            }),
            thresholds: thresholds.clone(),
        }))
    }

    /// Its current state.
    pub(crate) fn circuit(&self) -> Circuit {
        let state = self.0.lock();
        Circuit {
            state: state.phase.circuit_state(),
            since: state.since,
        }
    }

    /// Admits one request, or says why not.
    pub(super) fn admit(&self) -> Result<Permit, UpstreamError> {
        let admitted = self.decide();
        if let Err(error) = &admitted {
            trace::event("circuit breaker refused", || {
                vec![KeyValue::new("error.type", error.kind.as_str())]
            });
        }
        admitted
    }

    fn decide(&self) -> Result<Permit, UpstreamError> {
        let now = Instant::now();
        let mut state = self.0.lock();
        match state.phase {
            Phase::Closed => {}
            Phase::Open { until } if now < until => return Err(rejection(&state, until - now)),
            Phase::Open { .. } => self.0.enter(&mut state, Phase::HalfOpen),
            Phase::HalfOpen => return Err(rejection(&state, PROBE_TIME)),
        }
        Ok(Permit {
            shared: Arc::clone(&self.0),
            generation: state.generation,
            started: now,
            health: Health::Unknown,
            reason: String::new(),
            scope: None,
        })
    }
}

fn rejection(state: &BreakerState, wait: Duration) -> UpstreamError {
    let detail = format!(
        "circuit breaker open after repeated failures; the last one: {}",
        state.reason
    );
    UpstreamError::new(ErrorKind::CircuitOpen, detail).with_retry_after(Some(wait))
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, BreakerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the outcome of a request.
    fn record(&self, permit: &Permit, reason: String) {
        let mut state = self.lock();
        if state.generation != permit.generation {
            return;
        }
        let now = Instant::now();
        match (state.phase, permit.health) {
            // What is sent of one caller may be all that is wrong, also where half of its requests succeed: its failures
            // count once, until another's come.
            (Phase::Closed, Health::Failing)
                if permit.scope.is_some() && permit.scope == state.failed_scope => {}
            (Phase::Closed, Health::Alive) => {
                state.consecutive_failures = 0;
                state.window.count(now, false);
            }
            (Phase::Closed, Health::Failing) => {
                state.reason = reason;
                state.failed_scope = permit.scope;
                state.window.count(now, true);
                if state.last_failure.is_none_or(|last| permit.started >= last) {
                    state.consecutive_failures += 1;
                    state.last_failure = Some(now);
                }
                if self.exceeds_thresholds(&state, now) {
                    self.open(&mut state, now);
                }
            }
            (Phase::HalfOpen, Health::Alive) => self.close(&mut state),
            (Phase::HalfOpen, Health::Failing) => {
                state.reason = reason;
                self.open(&mut state, now);
            }
            // The probe found out nothing, or was dropped: open again, for as long as before.
            (Phase::HalfOpen, Health::Unknown) => {
                let until = now + state.open_for;
                self.enter(&mut state, Phase::Open { until });
            }
            (Phase::Closed, Health::Unknown) | (Phase::Open { .. }, _) => {}
        }
    }

    fn exceeds_thresholds(&self, state: &BreakerState, now: Instant) -> bool {
        if state.consecutive_failures >= self.thresholds.failures {
            return true;
        }
        let (calls, failures) = state.window.sum(now);
        calls >= self.thresholds.calls
            && f64::from(failures) >= self.thresholds.rate * f64::from(calls)
    }

    /// Opens it, for twice as long as the time before.
    fn open(&self, state: &mut BreakerState, now: Instant) {
        let first = self.thresholds.open_for.get();
        let longest = backoff::exponential(first, state.times_opened, LONGEST_OPEN);
        state.times_opened = state.times_opened.saturating_add(1);
        // Never longer than documented, and different for each replica.
        state.open_for = longest.mul_f64(rand::rng().random_range(0.8..=1.0));
        let until = now + state.open_for;
        self.enter(state, Phase::Open { until });
    }

    fn close(&self, state: &mut BreakerState) {
        state.consecutive_failures = 0;
        state.last_failure = None;
        state.failed_scope = None;
        state.times_opened = 0;
        state.window.clear();
        self.enter(state, Phase::Closed);
    }

    fn enter(&self, state: &mut BreakerState, phase: Phase) {
        let source = &*self.source;
        let from = state.phase.circuit_state().as_str();
        let to = phase.circuit_state().as_str();
        trace::event("circuit breaker changed", || {
            vec![
                KeyValue::new("groupgate.circuit.from", from),
                KeyValue::new("groupgate.circuit.to", to),
            ]
        });
        match phase {
            Phase::Open { .. } => tracing::warn!(
                source,
                from,
                to,
                open_for_ms = state.open_for.as_millis() as u64,
                error.detail = state.reason,
                "circuit breaker changed"
            ),
            Phase::Closed | Phase::HalfOpen => {
                tracing::info!(source, from, to, "circuit breaker changed");
            }
        }
        state.phase = phase;
        state.generation += 1;
        state.since = self.wall.now_in_milliseconds();
    }
}
