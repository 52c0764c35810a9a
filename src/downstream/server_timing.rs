//! Where a request's time went (`Server-Timing`).

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What an answer says that was ready to be sent.
const READY: HeaderValue = HeaderValue::from_static("cache;desc=hit");

/// The stages of one request so far, where callers are told of them (`server.server_timing`).
#[derive(Debug)]
pub(crate) struct ServerTiming(Option<Stages>);

#[derive(Debug)]
struct Stages {
    since: Instant,
    ended: Vec<(&'static str, Duration)>,
}

impl ServerTiming {
    /// Begins the next stage after those that were measured elsewhere.
    pub(crate) fn after<const N: usize>(
        is_told: bool,
        ended: [(&'static str, Duration); N],
    ) -> Self {
        Self(is_told.then(|| Stages {
            since: Instant::now(),
            ended: ended.to_vec(),
        }))
    }

    /// Ends the running stage, and begins the next.
    pub(crate) fn end_stage(&mut self, stage: &'static str) {
        if let Some(stages) = &mut self.0 {
            let now = Instant::now();
            stages.ended.push((stage, now - stages.since));
            stages.since = now;
        }
    }

    /// Says on an answer that is kept that it was ready.
    pub(crate) fn announce_ready(&self, headers: &mut HeaderMap) {
        if self.0.is_some() {
            headers.insert(SERVER_TIMING, READY);
        }
    }

    /// Says on a response how long each stage took, in milliseconds.
    pub(crate) fn announce(&self, headers: &mut HeaderMap) {
        let Some(stages) = &self.0 else {
            return;
        };
        let ended: Vec<_> = stages
            .ended
            .iter()
            .map(|(name, took)| format!("{name};dur={:.3}", took.as_secs_f64() * 1e3))
            .collect();
        if let Ok(value) = HeaderValue::try_from(ended.join(", ")) {
            headers.insert(SERVER_TIMING, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_stage_is_told_in_milliseconds() {
        let mut timing = ServerTiming::after(true, []);
        tokio::time::advance(Duration::from_millis(12)).await;
        timing.end_stage("wait");
        tokio::time::advance(Duration::from_micros(500)).await;
        timing.end_stage("render");
        let mut headers = HeaderMap::new();
        timing.announce(&mut headers);
        assert_eq!(headers[SERVER_TIMING], "wait;dur=12.000, render;dur=0.500");
    }
}
