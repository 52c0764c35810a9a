//! `groupgate schema`: everything that `gateway.toml` may say, for editors or for people.

use clap::Args;

use crate::config::{reference, schema};
use crate::terminal::{CommandError, print};

const EXAMPLES: &str = "\
Examples:
  groupgate schema > gateway.schema.json
  groupgate schema --markdown > adapters.md";

/// Print the JSON Schema of gateway.toml, for editor completion.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Schema {
    /// Print it as a reference for people instead
    #[arg(long)]
    markdown: bool,
}

impl Schema {
    pub(super) fn run(self) -> Result<(), CommandError> {
        if self.markdown {
            return print(&reference());
        }
        print(&serde_json::to_string_pretty(&schema())?)
    }
}
