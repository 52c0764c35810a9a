//! The circuit breaker, which protects a failing upstream, and hedging, which hides slow responses.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::plan::Span;

/// The circuit breaker: when requests are suspended because the upstream keeps failing. While it is
/// open, nothing is sent, and requests fail at once with `circuit_open`. After `open_for`, one
/// request is let through. If it succeeds, the breaker closes; if it fails, the breaker stays open
/// twice as long as before, up to one minute.
///
/// Failures are: no connection, a timeout, a 5xx status, and whatever `answers` calls `retry`.
/// Responses that reject the credentials, limit the rate or cannot be decoded are not failures in
/// this sense.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Breaker")]
pub struct BreakerThresholds {
    /// `false` turns the circuit breaker off.
    pub enabled: bool,
    /// How many consecutive failures open it. Concurrent requests that fail together count as one.
    #[schemars(range(min = 1))]
    pub failures: u32,
    /// The fraction of requests within `window` that must fail to open it: above 0 and up to 1.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub rate: f64,
    /// The period that `rate` covers. Must be longer than zero.
    pub window: Span,
    /// How many requests `window` must contain before `rate` counts.
    #[schemars(range(min = 1))]
    pub calls: u32,
    /// How long it stays open the first time. Up to a fifth is subtracted at random, so that
    /// replicas do not return together. Must be longer than zero.
    pub open_for: Span,
}

impl Default for BreakerThresholds {
    fn default() -> Self {
        Self {
            enabled: true,
            failures: 5,
            rate: 0.5,
            window: Span::seconds(30),
            calls: 10,
            open_for: Span::seconds(5),
        }
    }
}

/// When to send a second request for a slow page while the first one continues. The first good
/// response counts, and the other request is dropped. Only requests that are safe to repeat are
/// hedged, never logins. A hedge uses the retry budget, the rate limit and a concurrency slot like
/// any other request, so `limits.concurrency` must be at least 2.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Hedge")]
pub struct Hedging {
    /// How late a response must be, counted from when its request was sent. The 95th percentile of
    /// the response time is a good value. Longer than zero and shorter than `limits.timeout`.
    pub after: Span,
}
