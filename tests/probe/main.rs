//! What `groupgate probe` shows of a walk, and what it writes down: against emulations, and against
//! upstreams of the tests' own making.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/mod.rs"]
mod support;

mod command;
mod recordings;
mod samples;
mod shown;
