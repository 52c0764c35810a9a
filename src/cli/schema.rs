//! `groupgate schema`: the JSON Schema of `gateway.toml`.

use crate::config;

use super::{Failure, print};

pub(super) fn run() -> Result<(), Failure> {
    print(&serde_json::to_string_pretty(&config::schema())?)
}
