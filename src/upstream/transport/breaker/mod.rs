//! The circuit breaker: after repeated failures an upstream is left alone for a while.
//!
//! ```text
//! closed ── failures in a row, or a high failure rate ──▸ open ── open_for has passed ──▸ half-open
//!    ▴                                                     ▴                                 │
//!    └───────────────── the probe succeeds ────────────────┼─────────────────────────────────┤
//!                                                          └─── the probe fails or is dropped
//! ```
//!
//! It sits below the retries, which do not retry what it rejects, and above the rate limit, so that
//! a rejected attempt uses no slot. One breaker covers all requests to an upstream, logins included.
//! The catalog backs off between failed walks by itself. The breaker also ends a walk whose many
//! requests would fail one by one, and rejects walks that are forced meanwhile. The rejection says
//! when to come back, and the catalog waits at least that long.
//!
//! What it decides is a plain function of times and outcomes ([`Breaker`]); only
//! `CircuitBreaker` waits.

mod circuit;
pub use circuit::{Circuit, CircuitState};

mod health;

mod layer;
pub(super) use layer::CircuitBreakerLayer;

mod state;
pub(super) use state::Breaker;

mod window;

#[cfg(test)]
mod tests;
