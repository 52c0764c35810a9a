//! What protects an upstream that fails, and callers from one that is slow now and then.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Span;

/// When an upstream that fails is given a rest. While it rests nothing is sent to it, and what
/// would have been is a `circuit_open` at once. After the rest one request is let through: if it is
/// answered all is as before, if not the next rest is twice as long, up to a minute.
///
/// Failures are: no connection, no answer in time, a 5xx status, and what `answers` calls `retry`.
/// An answer that refuses us, slows us down or cannot be read is none.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Breaker {
    /// Whether the upstream is ever given a rest. `false` switches the breaker off.
    pub enabled: bool,
    /// How many failures in a row call for a rest. Requests that were under way together and failed
    /// together count as one.
    pub failures: u32,
    /// Which part of the requests within `window` must fail to call for a rest, above 0 and up to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub rate: f64,
    /// How far back `rate` looks. Without it, 30s.
    pub window: Span,
    /// How many requests `window` must hold at least before `rate` counts.
    pub calls: u32,
    /// How long the first rest is, or up to a fifth less, so that replicas do not come back together.
    /// Without it, 5s.
    pub open_for: Span,
}

impl Default for Breaker {
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

/// When a page that is late is asked for a second time, while the first request goes on. The first
/// good answer counts, and the other request is dropped. Only requests that may be repeated are
/// sent twice, and logins never; each spends from the same budget as a retry, and takes its turn
/// and its place among the concurrent requests like any other.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hedge {
    /// How late an answer must be, from when its request was sent. About as long as 19 of 20 pages
    /// take is a good value.
    pub after: Span,
}
