//! What is fuzzed: one function a target, from any bytes to assertions that must hold of them.
//!
//! `tests/it/fuzz.rs` runs them as property tests, and `fuzz_targets` under libFuzzer.

mod config;
mod cursor;
mod link;
mod pages;
mod query;
mod template;

pub(crate) use config::config;
pub(crate) use cursor::cursor;
pub(crate) use link::link;
pub(crate) use pages::{json, xml};
pub(crate) use query::query;
pub(crate) use template::template;

use groupgate::config::{Environment, Loaded, load_text};

/// A configuration that is known to be good.
fn loaded(toml: &str) -> Loaded {
    load_text("fuzz.toml", toml, Environment::default()).unwrap_or_else(|report| panic!("{report}"))
}

/// What an error says: something, in a few words, whatever the input was.
fn says_little(error: impl std::fmt::Display) {
    let said = error.to_string();
    assert!(!said.is_empty() && said.len() < 1024, "{said:.2000}");
}
