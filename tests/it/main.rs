//! The gateway as its callers and its operators meet it: over its API, and as a process.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/mod.rs"]
mod support;

mod adapters;
mod admin;
mod admission;
mod book;
mod caching;
mod callers;
mod cli;
mod command_line;
mod config;
mod edge;
mod equivalence;
mod fuzz;
mod generations;
mod golden;
mod groups;
mod http;
mod layering;
mod logs;
mod memory;
mod metrics;
mod on_behalf;
mod paging;
mod partial;
mod readme;
mod refusals;
mod reload;
mod restart;
mod secrets;
mod signals;
mod stampede;
mod telemetry;
