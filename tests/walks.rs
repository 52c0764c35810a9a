//! The shipped configuration walks the five emulated upstreams.

use std::sync::Arc;

use groupgate::clock::WallClock;
use groupgate::config::{Environment, Problems, load_text};
use groupgate::demo::{Emulations, Options};
use groupgate::upstream::Adapter;
use groupgate::upstream::walk::{Progress, walk};

fn adapters(emulations: &Emulations, variables: &[(&str, &str)]) -> Vec<Arc<Adapter>> {
    let environment: Environment = emulations
        .variables()
        .into_iter()
        .chain(
            variables
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned())),
        )
        .collect();
    let loaded = load_text("gateway.toml", include_str!("../gateway.toml"), environment)
        .unwrap_or_else(|report| panic!("{report}"));
    let mut problems = Problems::default();
    let adapters = loaded
        .settings
        .upstreams
        .iter()
        .filter_map(|(name, upstream)| {
            Adapter::compile(
                name,
                upstream,
                &loaded.settings.cache,
                &loaded.secrets(),
                &WallClock::system(),
                &mut problems,
            )
        })
        .map(Arc::new)
        .collect();
    assert!(problems.is_empty(), "{}", loaded.report(problems));
    adapters
}

#[tokio::test]
async fn every_upstream_brings_its_whole_list() {
    let emulations = Emulations::start(Options {
        groups: 321,
        ..Options::default()
    })
    .await
    .unwrap();
    for adapter in adapters(&emulations, &[]) {
        let walked = walk(&adapter, &Progress::default()).await;
        let walked = walked.unwrap_or_else(|error| panic!("{}: {error}", adapter.name()));
        assert_eq!(walked.groups.len(), 321, "{}", adapter.name());
        assert_eq!(walked.counts, Default::default(), "{}", adapter.name());
    }
}
