//! Arguments of `groupgate infer`.

use std::path::PathBuf;

use clap::Args;

use crate::terminal::{CommandError, print};
use crate::tools::infer::{propose, propose_as, samples};

/// Propose a block of gateway.toml from a response of an API.
///
/// Give one page with --url, or a few pages of one list with --sample, in order. Two pages show more
/// than one; the first and the last are best.
#[derive(Debug, Args)]
pub(super) struct Infer {
    /// Request this URL, once
    #[arg(long, required_unless_present = "sample", conflicts_with = "sample")]
    url: Option<String>,
    /// Send this header, as 'Name: value'; secrets become environment variables in the block
    #[arg(long, value_name = "HEADER", requires = "url")]
    header: Vec<String>,
    /// Read recorded responses instead, as the API sent them
    #[arg(long, value_name = "FILE", num_args = 1..)]
    sample: Vec<PathBuf>,
    /// The name of the block; by default it is derived from the URL's host
    #[arg(long)]
    name: Option<String>,
}

impl Infer {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let samples = match &self.url {
            Some(url) => vec![samples::request_one(url, &self.header).await?],
            None => samples::read(&self.sample)?,
        };
        let proposal = match &self.name {
            Some(name) => propose_as(name, &samples),
            None => propose(&samples),
        };
        print(&proposal.to_string())
    }
}
