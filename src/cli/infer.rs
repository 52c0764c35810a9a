//! `groupgate infer`: what may be asked of it.

use std::path::PathBuf;

use clap::Args;

use crate::terminal::{Failure, print};
use crate::tools::infer::{propose, propose_as, samples};

/// Propose a block of gateway.toml from an answer of an API.
///
/// Give one page with --url, or up to a few pages of one list with --sample, in order: two pages
/// tell more than one, best the first and the last.
#[derive(Debug, Args)]
pub(super) struct Infer {
    /// Ask this URL, once
    #[arg(long, required_unless_present = "sample", conflicts_with = "sample")]
    url: Option<String>,
    /// Send a header along, as 'Name: value'; secrets become environment variables in the block
    #[arg(long, value_name = "HEADER", requires = "url")]
    header: Vec<String>,
    /// Read recorded answers instead, as the API wrote them
    #[arg(long, value_name = "FILE", num_args = 1..)]
    sample: Vec<PathBuf>,
    /// What to call the block; after the URL's host unless it is given
    #[arg(long)]
    name: Option<String>,
}

impl Infer {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let samples = match &self.url {
            Some(url) => vec![samples::ask(url, &self.header).await?],
            None => samples::read(&self.sample)?,
        };
        let proposal = match &self.name {
            Some(name) => propose_as(name, &samples),
            None => propose(&samples),
        };
        print(&proposal.to_string())
    }
}
