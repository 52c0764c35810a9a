//! Every block of the recipes loads and compiles as it stands.

use groupgate::app::App;
use groupgate::clock::WallClock;
use groupgate::config::{Environment, load_text};
use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

/// The TOML blocks of the recipes, in order.
fn blocks() -> Vec<&'static str> {
    let text = include_str!("../../docs/recipes.md");
    text.split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block)
        .collect()
}

/// An environment that holds every variable which a block names.
fn environment(block: &str) -> Environment {
    block
        .split("env = \"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(name, _)| (name, "value"))
        .collect()
}

/// A folder with the certificates and keys that blocks name, in place of `/etc/groupgate`, and for
/// what they keep.
fn certificates() -> TempDir {
    let folder = TempDir::new().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap();
    for (name, text) in [
        ("company-ca.pem", certificate.pem()),
        ("client.pem", certificate.pem()),
        ("client.key", key.serialize_pem()),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn every_recipe_loads_and_compiles() {
    let blocks = blocks();
    assert!(blocks.len() >= 20, "{} recipes", blocks.len());
    let certificates = certificates();
    let folder = certificates.path().display().to_string();
    for block in blocks {
        let block = &block
            .replace("/etc/groupgate", &folder)
            .replace("/var/cache/groupgate", &folder);
        let compiled = load_text("recipe.toml", block, environment(block))
            .and_then(|loaded| App::compile(&loaded, &WallClock::system()));
        if let Err(report) = compiled {
            panic!("{block}\n{report}");
        }
    }
}
