//! `groupgate completions`: what a shell needs to complete the command line.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::terminal::{CommandError, print_bytes};

use super::Arguments;

const EXAMPLES: &str = "\
Examples:
  groupgate completions bash > /etc/bash_completion.d/groupgate
  groupgate completions zsh > ~/.zfunc/_groupgate
  groupgate completions fish > ~/.config/fish/completions/groupgate.fish";

/// Print a script with which a shell completes commands and options.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let mut script = Vec::new();
        let mut command = Arguments::command();
        clap_complete::generate(self.shell, &mut command, "groupgate", &mut script);
        print_bytes(&script)
    }
}
