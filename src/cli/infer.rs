//! Arguments of `groupgate infer`.

use std::path::PathBuf;

use clap::Args;

use crate::plan::RelatedList;
use crate::terminal::CommandError;
use crate::tools::infer::{InferRun, RelatedSample, SampleRequest};

const EXAMPLES: &str = "\
Examples:
  groupgate infer --url 'https://api.example.com/v1/teams?per_page=100'
  groupgate infer --url https://api.example.com/v1/teams --header 'X-Api-Key: KEY'
  groupgate infer --url https://api.example.com/search --json '{\"type\": \"group\"}'
  groupgate infer --sample page1.json page2.json --name staff
  groupgate infer --url https://api.example.com/groups --members https://api.example.com/groups/17/members
  groupgate infer --url https://api.example.com/groups --members https://api.example.com/groups/17/members \
    https://api.example.com/groups/18/members --users https://api.example.com/users
  groupgate infer --sample groups.json --members https://api.example.com/groups/17/members members.json";

/// Propose a block of gateway.toml from a response of an API.
///
/// Give one page with --url, or a few pages of one list with --sample, in order. With --url the
/// proposed block is then walked like the gateway would, and compared with every total that a page
/// states: a block is called certain only if the API itself showed where the list ends and no total says
/// otherwise. Two recorded pages show more than
/// one; the first and the last are best.
///
/// Members that stand behind a request for each group come of a second sample, those of one group, and so do
/// details, partitions and users. What of the group stands in its URL becomes a placeholder. Beside --url it is
/// requested too, with the same headers, and its own list is walked. The members of a group that has none, and of
/// one that has many, show how an empty list is written and how pages follow each other.
///
/// It fails if no sample can be read or has a list, and if the walk shows that the block is wrong.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Infer {
    /// Request this URL once for a sample, and then walk the list
    #[arg(long, required_unless_present = "sample", conflicts_with = "sample")]
    url: Option<String>,
    /// Use this method, GET or POST; POST is usual with a body
    #[arg(long, requires = "url")]
    method: Option<String>,
    /// Send this JSON body
    #[arg(long, value_name = "JSON", requires = "url", conflicts_with = "form")]
    json: Option<String>,
    /// Send this field of a form, as 'name=value'; may be repeated
    #[arg(long, value_name = "FIELD", requires = "url")]
    form: Vec<String>,
    /// Send this header, as 'Name: value'; secrets become environment variables in the block
    #[arg(long, value_name = "HEADER", requires = "url")]
    header: Vec<String>,
    /// Read at most so many pages when the proposed block is walked, and one to see that there are
    /// more; 0 does not walk it
    #[arg(long, value_name = "N", default_value_t = 50, requires = "url")]
    pages: u64,
    /// Read recorded responses instead: bodies, or what `curl -i` prints
    #[arg(long, value_name = "FILE", num_args = 1..)]
    sample: Vec<PathBuf>,
    /// The members of one of the groups: their URL, and files with its answers unless it is to be requested. The
    /// same of other groups may follow
    #[arg(long, num_args = 1.., value_names = ["URL", "FILE"])]
    members: Vec<String>,
    /// The details of one of the groups: their URL, and a file with its answer unless it is to be requested
    #[arg(long, num_args = 1.., value_names = ["URL", "FILE"])]
    details: Vec<String>,
    /// What groups are listed for, such as organizations: its URL, and files with its answers unless it is to be
    /// requested
    #[arg(long, num_args = 1.., value_names = ["URL", "FILE"])]
    partitions: Vec<String>,
    /// All people with their addresses, where groups name them by ids: their URL, and files with its answers unless it
    /// is to be requested
    #[arg(long, num_args = 1.., value_names = ["URL", "FILE"])]
    users: Vec<String>,
    /// Guess, even if a preset fits
    #[arg(long)]
    no_preset: bool,
    /// The name of the block; by default it is derived from the URL's host
    #[arg(long)]
    name: Option<String>,
}

impl Infer {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let request = self.url.map(|url| SampleRequest {
            url,
            method: self.method,
            headers: self.header,
            json: self.json,
            form: self.form,
        });
        let related = [
            (RelatedList::Partitions, self.partitions),
            (RelatedList::Details, self.details),
            (RelatedList::Members, self.members),
            (RelatedList::Users, self.users),
        ];
        let related = related.into_iter().filter(|(_, given)| !given.is_empty());
        let run = InferRun {
            related: related
                .map(|(list, given)| RelatedSample { list, given })
                .collect(),
            request,
            samples: self.sample,
            presets: !self.no_preset,
            name: self.name,
            pages: self.pages,
        };
        run.run().await
    }
}
