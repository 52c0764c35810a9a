//! What unit tests of other rooms are given: loaded configurations and plans.

use std::sync::Arc;

use super::{Environment, Loaded, load_text};
use crate::plan::Plan;

/// The least that a block says.
pub(crate) const LEAST: &str = "
    base_url = 'http://127.0.0.1:1'
    request = { path = '/' }
    records = '/'
    fields = { id = 'id', name = 'name' }
";

/// A configuration whose only upstream is this block. Tables in it are named from the block.
pub(crate) fn load_block(name: &str, block: &str, variables: &[(&str, &str)]) -> Loaded {
    let nested = |line: &str| match line.trim_start().strip_prefix('[') {
        Some(array) if array.starts_with('[') => format!("[[upstreams.{name}.{}", &array[1..]),
        Some(table) => format!("[upstreams.{name}.{table}"),
        None => line.to_owned(),
    };
    let lines: Vec<_> = block.lines().map(nested).collect();
    let text = format!("[upstreams.{name}]\n{}", lines.join("\n"));
    load(&text, variables)
}

/// A configuration with these variables.
pub(crate) fn load(text: &str, variables: &[(&str, &str)]) -> Loaded {
    let environment: Environment = variables.iter().copied().collect();
    load_text("test.toml", text, environment).unwrap_or_else(|report| panic!("{report}"))
}

/// The plan of a file that says nothing of upstreams, but for one that it needs to have.
pub(crate) fn plan(text: &str) -> Plan {
    let text = format!("{text}\n[upstreams.club]\n{LEAST}");
    let mut plan = Plan::clone(&load(&text, &[]).plan);
    plan.upstreams = Vec::new();
    plan
}

/// The plan of one block.
pub(crate) fn upstream(block: &str, variables: &[(&str, &str)]) -> Arc<crate::plan::Upstream> {
    Arc::clone(&load_block("club", block, variables).plan.upstreams[0])
}
