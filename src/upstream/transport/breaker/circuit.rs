//! The state of a breaker, as `/status` shows it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// The state of a circuit breaker. Closed is healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CircuitState {
    /// All requests pass.
    Closed,
    /// No request passes until `open_for` is over.
    Open,
    /// One request is under way to find out whether the upstream has recovered.
    HalfOpen,
}

impl CircuitState {
    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// The state of a circuit breaker, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Circuit {
    /// The state.
    pub state: CircuitState,
    /// Since when, RFC 3339 UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Timestamp,
}
