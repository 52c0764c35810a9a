//! What is fuzzed: one function a target, from any bytes to assertions that must hold of them.
//!
//! `tests/it/fuzz.rs` runs them as property tests, and `fuzz_targets` under libFuzzer.

mod callers;
mod config;
mod cursor;
mod link;
mod pages;
mod proxies;
mod query;
mod template;

pub(crate) use callers::{certificate, key_set, token};
pub(crate) use config::config;
pub(crate) use cursor::cursor;
pub(crate) use link::link;
pub(crate) use pages::{json, xml};
pub(crate) use proxies::{forwarded, proxy_header};
pub(crate) use query::query;
pub(crate) use template::template;

use groupgate::app;
use groupgate::clock::WallClock;
use groupgate::config::{Environment, Loaded, load_text};
use groupgate::problem::Problems;
use groupgate::tls::Tls;
use groupgate::upstream::Adapter;

/// A configuration that is known to be good.
fn loaded(toml: &str) -> Loaded {
    load_text("fuzz.toml", toml, Environment::default()).unwrap_or_else(|report| panic!("{report}"))
}

/// One adapter of a configuration, compiled.
fn compiled(loaded: &Loaded, name: &str) -> Option<Adapter> {
    let mut problems = Problems::default();
    let (wall, tls) = (WallClock::system(), Tls::default());
    let adapter = app::adapter(loaded, name, &wall, &tls, &mut problems);
    assert_eq!(adapter.is_some(), problems.is_empty());
    adapter
}

/// What an error says: something, in a few words, whatever the input was.
fn says_little(error: impl std::fmt::Display) {
    let said = error.to_string();
    assert!(!said.is_empty() && said.len() < 1024, "{said:.2000}");
}
