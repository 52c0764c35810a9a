//! Where a request's time went (`Server-Timing`).

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

pub(crate) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What an answer says that was ready to be sent.
pub(crate) const READY: HeaderValue = HeaderValue::from_static("cache;desc=hit");

/// The stages of one request so far.
#[derive(Debug)]
pub(crate) struct ServerTiming {
    since: Instant,
    stages: Vec<(&'static str, Duration)>,
}

impl ServerTiming {
    /// Begins the first stage.
    pub(crate) fn begin() -> Self {
        Self::after(Vec::new())
    }

    /// Begins the next stage after those that were measured elsewhere.
    pub(crate) fn after(stages: Vec<(&'static str, Duration)>) -> Self {
        Self {
            since: Instant::now(),
            stages,
        }
    }

    /// Ends the running stage, and begins the next.
    pub(crate) fn end_stage(&mut self, stage: &'static str) {
        let now = Instant::now();
        self.stages.push((stage, now - self.since));
        self.since = now;
    }

    /// Says on a response how long each stage took, in milliseconds.
    pub(crate) fn announce(&self, headers: &mut HeaderMap) {
        let stages: Vec<_> = self
            .stages
            .iter()
            .map(|(name, took)| format!("{name};dur={:.3}", took.as_secs_f64() * 1e3))
            .collect();
        if let Ok(value) = HeaderValue::try_from(stages.join(", ")) {
            headers.insert(SERVER_TIMING, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_stage_is_told_in_milliseconds() {
        let mut timing = ServerTiming::begin();
        tokio::time::advance(Duration::from_millis(12)).await;
        timing.end_stage("wait");
        tokio::time::advance(Duration::from_micros(500)).await;
        timing.end_stage("render");
        let mut headers = HeaderMap::new();
        timing.announce(&mut headers);
        assert_eq!(headers[SERVER_TIMING], "wait;dur=12.000, render;dur=0.500");
    }
}
