//! The five emulated upstreams, by themselves.

use groupgate::tools::demo::{Emulation, Emulations, Options};

/// Those whose lists come in pages.
pub(crate) const PAGED: [&str; 4] = ["vinyldns", "publisher", "onlivesite", "tallyfy"];

/// The five emulations, with `groups` groups each.
pub(crate) async fn emulated(groups: usize) -> Emulations {
    emulated_by(Options {
        groups,
        ..Options::default()
    })
    .await
}

/// The five emulations, by these options.
pub(crate) async fn emulated_by(options: Options) -> Emulations {
    Emulations::start(options).await.expect("ports are free")
}

/// One emulation of those that run.
pub(crate) fn emulation<'a>(emulations: &'a Emulations, name: &str) -> &'a Emulation {
    emulations.get(name).expect("the emulation exists")
}
