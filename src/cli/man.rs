//! `groupgate man`: the manual pages.
//!
//! clap_mangen would run the sections below the options together into one paragraph, so they are written
//! here, each line as it stands.

use std::io;
use std::path::PathBuf;

use clap::{Args, Command, CommandFactory};
use clap_mangen::roff::{Roff, roman};

use crate::terminal::{CommandError, print_bytes};

use super::{Arguments, EXIT_STATUS};

const EXAMPLES: &str = "\
Examples:
  groupgate man | man -l -
  groupgate man --directory /usr/local/share/man/man1";

/// Print the manual page, or write a page for each command.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Man {
    /// Write groupgate.1 and a page for each command, such as groupgate-serve.1, into this folder
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let mut command = Arguments::command().disable_help_subcommand(true);
        command.build();
        let Some(directory) = self.directory else {
            return print_bytes(&page(&command)?);
        };
        std::fs::create_dir_all(&directory)?;
        for command in std::iter::once(&command).chain(command.get_subcommands()) {
            let name = command.get_display_name().unwrap_or(command.get_name());
            std::fs::write(directory.join(format!("{name}.1")), page(command)?)?;
        }
        Ok(())
    }
}

/// The manual page of one command, in roff.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let man = clap_mangen::Man::new(command.clone()).manual("groupgate manual");
    man.render_title(&mut bytes)?;
    man.render_name_section(&mut bytes)?;
    man.render_synopsis_section(&mut bytes)?;
    man.render_description_section(&mut bytes)?;
    man.render_options_section(&mut bytes)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut bytes)?;
    }
    let mut text = (command.get_after_long_help()).map_or_else(String::new, ToString::to_string);
    if !text.contains(EXIT_STATUS) {
        text = format!("{}\n\n{EXIT_STATUS}", text.trim_end());
    }
    sections(&text).to_writer(&mut bytes)?;
    Ok(bytes)
}

/// What stands below the options in `--help`: headings that end with a colon, and indented lines.
fn sections(text: &str) -> Roff {
    let mut roff = Roff::new();
    for section in text.split("\n\n") {
        let (heading, lines) = section.split_once('\n').unwrap_or((section, ""));
        roff.control(
            "SH",
            [heading.trim_end_matches(':').to_uppercase().as_str()],
        );
        roff.control("nf", []);
        for line in lines.lines() {
            roff.text([roman(line)]);
        }
        roff.control("fi", []);
    }
    roff
}
