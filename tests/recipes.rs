//! Every block of the recipes loads and compiles as it stands.

use groupgate::app::App;
use groupgate::clock::WallClock;
use groupgate::config::{Environment, load_text};

/// The TOML blocks of the recipes, in order.
fn blocks() -> Vec<&'static str> {
    let text = include_str!("../docs/recipes.md");
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

#[test]
fn every_recipe_loads_and_compiles() {
    let blocks = blocks();
    assert!(blocks.len() >= 20, "{} recipes", blocks.len());
    for block in blocks {
        let compiled = load_text("recipe.toml", block, environment(block))
            .and_then(|loaded| App::compile(&loaded, &WallClock::system()));
        if let Err(report) = compiled {
            panic!("{block}\n{report}");
        }
    }
}
