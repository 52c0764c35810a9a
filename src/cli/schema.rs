//! `groupgate schema`: everything that `gateway.toml` may say, for editors or for people.

use clap::Args;

use crate::config::{reference, schema};
use crate::terminal::{CommandError, print};

/// Print the JSON Schema of gateway.toml, for editor completion.
#[derive(Debug, Args)]
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
