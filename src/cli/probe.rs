//! Arguments of `groupgate probe`.

use std::path::PathBuf;

use clap::Args;

use crate::config::Environment;
use crate::terminal::CommandError;
use crate::tools::probe;

const EXAMPLES: &str = "\
Examples:
  groupgate probe staff
  groupgate probe staff --page 2 --config /etc/groupgate/gateway.toml
  groupgate probe staff --json | jq .summary
  groupgate probe staff --record cases
  groupgate probe staff --caller alice.toml
  groupgate probe staff --compare staff.marks
  groupgate probe staff --sample cases/staff.toml";

/// Walk one upstream and show each step.
///
/// The whole list is walked, as the gateway does it. One page is shown in full: its request and
/// response, the records found and skipped, the attributes that no field takes, and the first groups
/// beside their records. Every other page takes a line or two, with where the walk reads on and why;
/// so do the first pages of lists that belong to that of groups (details, members); the totals come last. Secrets that the configuration names and tokens that logins return are
/// masked. Exits with 1 if the walk fails.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Probe {
    /// The upstream, as `[upstreams.NAME]` calls it
    name: String,
    /// The configuration that describes it
    #[arg(long, default_value = "gateway.toml")]
    config: PathBuf,
    /// The page of the list of groups to show in full, counted from 1; of other lists the first pages take a line each
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..))]
    page: u64,
    /// Print that page's body as it was received, unmasked, and nothing else
    #[arg(long, conflicts_with_all = ["json", "record"])]
    raw: bool,
    /// Print one JSON object instead of a text
    ///
    /// It has the keys `upstream`, `pages` (each with `page`, `position`, `requests`, `bytes`,
    /// `records`, `groups`, `skipped`, `unparsed_timestamps`, `announced_records`,
    /// `announced_pages` and `next`, and if there is any `partition`, `unread_people`,
    /// `unmarked_people` and `unknown_expiry`), `detail` for the page in full (`page`, `groups` as pairs of
    /// `record` and `group`, `unmapped`), and either `summary` or `error`; the other is null. A
    /// failure has `page`, or null where no answer says what is wrong, and `keys`: those that its `detail` names and
    /// the file writes, each with the place of its `key` (`at`: file, line and column). A
    /// request has `purpose` (`login`, `count`, `page`), `method`, `url`, `headers`, `body`,
    /// `signed` and `answer` (`status`, `milliseconds`, `bytes`, `headers`).
    #[arg(long)]
    json: bool,
    /// Write the walk as a test case into this folder, as NAME.toml
    ///
    /// Secrets, login tokens and signatures are replaced; a list of the replacements is printed at
    /// the end. Everything else in the bodies, including personal data, is recorded as received:
    /// review the file before you share it.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Walk recorded pages instead, one file per page, or a case that --record wrote
    ///
    /// A case (a file that ends with `.toml`) has its own block and secrets, so --config is not read.
    /// The walk fails if it does not yield the groups that the case expects.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "record")]
    sample: Vec<PathBuf>,
    /// Walk on behalf of the caller that this TOML file describes, where each caller is asked for by itself
    ///
    /// It may have `id`, `claims` (a table), `token` and `headers` (a table): what the upstream is sent of
    /// the caller. Headers and token are masked.
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    caller: Option<PathBuf>,
    /// Compare members, admins, guests and details with those that an earlier walk noted in this file, and note
    /// them anew
    ///
    /// It tells for how many groups `updated_at` did not move although they changed, which `reuse = "updated_at"`
    /// would miss. The first time there is nothing to compare with. The file has ids, times and digests, and no
    /// people.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["sample", "raw"])]
    compare: Option<PathBuf>,
}

impl Probe {
    pub(super) async fn run(self, environment: Environment) -> Result<(), CommandError> {
        let probe = probe::ProbeRun {
            name: self.name,
            config: self.config,
            page: self.page,
            output: match (self.raw, self.json) {
                (true, _) => probe::Output::Raw,
                (false, true) => probe::Output::Json,
                (false, false) => probe::Output::Text,
            },
            record: self.record,
            sample: self.sample,
            caller: self.caller,
            compare: self.compare,
        };
        Box::pin(probe.run(environment)).await
    }
}
