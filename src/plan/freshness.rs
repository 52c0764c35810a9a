//! When a list is refreshed, and how long it serves.

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
