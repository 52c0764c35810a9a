//! groupgate: one `GET /groups` over many legacy group backends.
//!
//! # Layout
//!
//! A request for groups crosses three layers, each a folder, in this order:
//!
//! * [`downstream`] turns HTTP into a [`gateway::query::Query`] and a
//!   [`gateway::listing::Listing`] back into HTTP.
//! * [`gateway`] asks every selected upstream's catalog entry at once, merges what they hold and
//!   cuts one page.
//! * [`upstream`] keeps, per upstream and credential scope, a snapshot of the whole group list,
//!   and refreshes it by walking the upstream's pages.
//!
//! Beside them: [`config`] (all that `gateway.toml` may say), [`plan`] (what that comes to), [`presets`] (adapters that ship in the
//! binary), [`group`] (the normalized record), [`telemetry`], [`cli`], and [`tools`] (probe, infer, and
//! the demo's five emulated upstreams).

pub mod app;
pub mod cli;
pub mod config;
pub mod plan;
pub mod presets;

pub mod downstream;

pub mod authentication;

pub mod gateway;

pub mod catalog;

pub mod upstream;

pub mod page;

pub mod metrics;

pub mod observe;

pub mod reload;

pub mod snapshot;

mod backoff;
pub mod caller;
pub mod clock;
mod did_you_mean;
pub mod error;
pub mod fold;
pub mod group;
mod hex;
mod json;
pub mod list_memory;
pub mod page_memory;
mod percent;
pub mod problem;
mod redact;
mod signing;
mod trace;

pub mod telemetry;

mod terminal;
pub mod tls;

pub mod tools;
