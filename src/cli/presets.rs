//! `groupgate presets`: the adapters that ship in the binary.

use std::fmt::Write as _;

use clap::Args;

use crate::did_you_mean::nearest;
use crate::presets::{self, Preset};
use crate::terminal::{CommandError, print};

const EXAMPLES: &str = "\
Examples:
  groupgate presets
  groupgate presets okta";

/// List the adapters that ship with groupgate, or print one as a block to start from.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Presets {
    /// The preset to print, as `preset = "NAME"` calls it
    name: Option<String>,
}

impl Presets {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let Some(name) = self.name else {
            return print(&list());
        };
        let preset = presets::get(&name).ok_or_else(|| unknown(&name))?;
        print(&preset.block(preset.name))
    }
}

fn list() -> String {
    let width = presets::names().map(str::len).max().unwrap_or_default();
    let mut text = String::new();
    for Preset { name, title, .. } in presets::names().filter_map(presets::get) {
        // Writing into a string does not fail.
        let _ = writeln!(text, "{name:width$}  {title}");
    }
    text.push_str(
        "\nName one in an [upstreams.NAME] block, as in `preset = \"okta\"`, and set in the block what\n\
         is yours or different. `groupgate presets NAME` prints what it says.",
    );
    text
}

fn unknown(name: &str) -> CommandError {
    match nearest(name, presets::names()) {
        Some(nearest) => CommandError::new(format!(
            "there is no preset `{name}`\n  did you mean `{nearest}`?"
        )),
        None => CommandError::new(format!(
            "there is no preset `{name}`\n  `groupgate presets` lists them"
        )),
    }
}
