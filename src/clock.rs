//! The two clocks, both in the hands of whoever runs the gateway.
//!
//! Pacing and freshness count on tokio's clock, which tests can pause. Signatures, token ends and
//! `as_of` show the wall clock, which is handed in, so that tests can hold it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock;
use jiff::{Timestamp, Unit};
use tokio::time::Instant;

/// Time since the clock was made, as tokio counts it: what the rate limits of upstreams go by.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    start: Instant,
}

impl TokioClock {
    /// A clock that starts now.
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for TokioClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

/// What day and time it is.
#[derive(Clone)]
pub struct WallClock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl WallClock {
    /// The system's clock.
    #[allow(
        clippy::disallowed_methods,
        reason = "where everybody else's clock comes from"
    )]
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// A clock that stands still.
    pub fn fixed(at: Timestamp) -> Self {
        Self(Arc::new(move || at))
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }

    /// The present moment to the millisecond, for people to read.
    pub fn now_in_milliseconds(&self) -> Timestamp {
        let now = self.now();
        now.round(Unit::Millisecond).unwrap_or(now)
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("WallClock")
            .field(&self.now())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_that_people_read_ends_with_its_milliseconds() {
        let now = "2026-11-21T09:30:00.123456789Z".parse().unwrap();
        let shown = WallClock::fixed(now).now_in_milliseconds();
        assert_eq!(shown.to_string(), "2026-11-21T09:30:00.123Z");
    }
}
