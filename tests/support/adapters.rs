//! Adapters of the shipped configuration or of any other, and what their walks bring.

use std::sync::Arc;

use groupgate::app;
use groupgate::clock::WallClock;
use groupgate::config::{Loaded, load_text};
use groupgate::error::UpstreamError;
use groupgate::observe::Observers;
use groupgate::problem::Problems;
use groupgate::tls::Tls;
use groupgate::tools::demo::Emulations;
use groupgate::upstream::Adapter;
use groupgate::upstream::walk::{Walked, walk};

/// The shipped configuration.
pub(crate) const GATEWAY: &str = include_str!("../../gateway.toml");

/// The settings under which the third upstream is asked for JSON, as gateway.toml tells them.
pub(crate) const PUBLISHER_JSON: [(&str, &str); 4] = [
    ("format", "json"),
    ("records", "/groups"),
    ("pagination.total", "/total"),
    ("fields.members.each", "users"),
];

/// The shipped configuration's own rates would take tests minutes. A test that is about a rate
/// sets it.
const UNHURRIED: [(&str, &str); 2] = [
    ("GROUPGATE__UPSTREAMS__COLLECTIONS__LIMITS__RATE", "10000/s"),
    ("GROUPGATE__UPSTREAMS__TALLYFY__LIMITS__RATE", "10000/s"),
];

/// Secrets that satisfy the shipped configuration and open nothing.
pub(crate) const SECRETS: [(&str, &str); 9] = [
    ("COLLECTIONS_ID", "nobody"),
    ("COLLECTIONS_SECRET", "nothing"),
    ("VINYL_KEY", "nobody"),
    ("VINYL_SECRET", "nothing"),
    ("PUBLISHER_TOKEN", "nothing"),
    ("ONLIVE_KEY", "nobody"),
    ("ONLIVE_SECRET", "nothing"),
    ("TALLYFY_TOKEN", "nothing"),
    ("TALLYFY_ORG", "nowhere"),
];

/// For configurations without secrets.
pub(crate) const NO_VARIABLES: [(&str, &str); 0] = [];

/// Loads a configuration; the last of variables with the same name counts.
pub(crate) fn load<N: Into<String>, V: Into<String>>(
    toml: &str,
    variables: impl IntoIterator<Item = (N, V)>,
) -> Loaded {
    load_text("gateway.toml", toml, variables.into_iter().collect())
        .unwrap_or_else(|report| panic!("{report}"))
}

/// Compiles one upstream of a configuration: five take much longer than most walks here.
pub(crate) fn compile(loaded: &Loaded, name: &str, wall: &WallClock) -> Arc<Adapter> {
    let mut problems = Problems::default();
    let adapter = app::adapter(loaded, name, wall, &Tls::default(), &mut problems);
    assert!(problems.is_empty(), "{}", loaded.report(problems));
    Arc::new(adapter.expect("an upstream without problems compiles"))
}

/// The shipped adapters, pointed at the emulations, with more variables over them.
pub(crate) fn adapters(emulations: &Emulations, variables: &[(&str, &str)]) -> Vec<Arc<Adapter>> {
    let loaded = load_emulated(GATEWAY, emulations, variables);
    let names = loaded.settings.upstreams.keys();
    names
        .map(|name| compile(&loaded, name, &WallClock::system()))
        .collect()
}

/// Loads a configuration whose upstreams are the emulated ones.
pub(crate) fn load_emulated(
    toml: &str,
    emulations: &Emulations,
    variables: &[(&str, &str)],
) -> Loaded {
    let emulated = emulations.variables();
    let all = UNHURRIED
        .into_iter()
        .chain(borrowed(&emulated))
        .chain(variables.iter().copied());
    load(toml, all)
}

/// The shipped adapter of one emulated upstream, with `settings` of its block changed, as in
/// `("limits.retries", "0")`.
pub(crate) fn adapter(
    emulations: &Emulations,
    name: &str,
    settings: &[(&str, &str)],
) -> Arc<Adapter> {
    adapter_at(emulations, name, settings, &WallClock::system())
}

/// The same, by this clock.
pub(crate) fn adapter_at(
    emulations: &Emulations,
    name: &str,
    settings: &[(&str, &str)],
    wall: &WallClock,
) -> Arc<Adapter> {
    let variables = block_variables(name, settings);
    let loaded = load_emulated(GATEWAY, emulations, &borrowed(&variables));
    compile(&loaded, name, wall)
}

/// The shipped adapter of one upstream, with secrets that open nothing: for answers that are
/// replayed, or an upstream that does not ask.
pub(crate) fn shipped(name: &str, settings: &[(&str, &str)]) -> Arc<Adapter> {
    let variables = block_variables(name, settings);
    let variables = [&SECRETS[..], &borrowed(&variables)].concat();
    compile(&load(GATEWAY, variables), name, &WallClock::system())
}

/// The one adapter of a configuration whose `base_url = ""` stands for this one.
pub(crate) fn adapter_of(toml: &str, base_url: &str, variables: &[(&str, &str)]) -> Arc<Adapter> {
    let base_url = format!("base_url = \"{base_url}\"");
    let toml = toml.replace("base_url = \"\"", &base_url);
    let loaded = load(&toml, variables.iter().copied());
    let mut names = loaded.settings.upstreams.keys();
    let name = names.next().expect("the configuration has an upstream");
    compile(&loaded, name, &WallClock::system())
}

/// The variables that set keys of one upstream's block.
pub(crate) fn block_variables(name: &str, settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let variable = |key: &str| {
        let key = key.replace('.', "__");
        format!("GROUPGATE__UPSTREAMS__{name}__{key}").to_uppercase()
    };
    settings
        .iter()
        .map(|&(key, value)| (variable(key), value.to_owned()))
        .collect()
}

/// Variables as they are passed on.
pub(crate) fn borrowed(variables: &[(String, String)]) -> Vec<(&str, &str)> {
    variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

/// Walks an upstream that gives its list.
pub(crate) async fn walked(adapter: &Arc<Adapter>) -> Walked {
    let walked = walk(adapter, &Observers::default()).await;
    walked.unwrap_or_else(|error| panic!("{}: {error}", adapter.name()))
}

/// Walks an upstream that does not.
pub(crate) async fn failed(adapter: &Arc<Adapter>) -> UpstreamError {
    match walk(adapter, &Observers::default()).await {
        Err(error) => error,
        Ok(walked) => panic!("{}: {} groups came", adapter.name(), walked.groups.len()),
    }
}

/// The ids that a walk brought, in order.
pub(crate) fn ids(walked: &Walked) -> Vec<String> {
    let groups = walked.groups.to_groups().into_iter();
    groups.map(|group| group.source_id).collect()
}
