//! Whole walks over real HTTP: the shipped configuration against the emulated upstreams, and
//! styles that no shipped upstream has against small ones.

mod whole;

mod pace;

mod tokens;

mod drift;

mod faults;

mod bounds;

mod styles;

mod lists;

use groupgate::tools::demo::{Emulation, Emulations, Options};

use crate::support::ids;

/// The upstreams whose lists come in pages.
const PAGED: [&str; 4] = ["vinyldns", "publisher", "onlivesite", "tallyfy"];

async fn start(groups: usize) -> Emulations {
    start_with(Options {
        groups,
        ..Options::default()
    })
    .await
}

async fn start_with(options: Options) -> Emulations {
    Emulations::start(options).await.expect("ports are free")
}

fn emulation<'a>(emulations: &'a Emulations, name: &str) -> &'a Emulation {
    emulations.get(name).expect("the emulation exists")
}
