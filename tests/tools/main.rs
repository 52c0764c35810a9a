//! What helps whoever describes an upstream: `groupgate infer` and `groupgate probe`, and the
//! emulations behind them.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/mod.rs"]
mod support;

mod emulations;
mod infer;
mod probe;
