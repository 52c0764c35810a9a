//! When a list is refreshed, and how long it serves.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Share;

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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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

/// On what terms a list is refreshed and served. Others can take their place while it is served: nothing is
/// asked anew for them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ListTerms {
    /// How long its snapshots serve.
    pub freshness: Freshness,
    /// When it is refreshed.
    pub refresh: Refresh,
    /// The share of what is served that a new list must have.
    pub shrink_guard: Share,
    /// Whether no answer is given without it.
    pub required: bool,
}
