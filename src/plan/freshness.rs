//! When a list is refreshed, and how long it serves.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a list is refreshed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refresh {
    /// When it is requested and its `ttl` has passed.
    #[default]
    OnDemand,
    /// Before its `ttl` has passed, even if nobody requests it, so that no client ever waits. The
    /// time is randomized, so that replicas do not refresh together. While a late refresh runs, the
    /// list is served even beyond `stale_while_revalidate`. Needs a `ttl` longer than zero.
    Background,
}

/// How long a snapshot serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// How long it is fresh.
    pub ttl: Duration,
    /// How long after `ttl` it is served while a refresh runs.
    pub stale_while_revalidate: Duration,
    /// How long after `ttl` it is served because a refresh failed.
    pub stale_if_error: Duration,
    /// The shortest time between two walks that are asked for, or after a failed one.
    pub min_refresh: Duration,
}
