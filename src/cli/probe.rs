//! `groupgate probe`: what may be asked of it.

use std::path::PathBuf;

use clap::Args;

use crate::config::Environment;
use crate::terminal::Failure;
use crate::tools::probe;

/// Ask one upstream and show, step by step, what comes of it.
///
/// It walks the upstream's whole list, as the gateway does. One page is shown in full: its request
/// and answer, the records found and skipped, what no field takes, and the first groups beside the
/// records that they came from. Of every page it says what was decided after it, and why; at the
/// end, what the whole walk brought. Secrets that the configuration names, and tokens that logins
/// bring, are masked wherever they show. Exits with 1 if the walk fails.
#[derive(Debug, Args)]
pub(super) struct Probe {
    /// The upstream, as `[upstreams.NAME]` calls it
    name: String,
    /// The configuration that describes it
    #[arg(long, default_value = "gateway.toml")]
    config: PathBuf,
    /// The page to show in full, counted from 1
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..))]
    page: u64,
    /// Print that page's body as it came, unmasked, and nothing else
    #[arg(long, conflicts_with_all = ["json", "record"])]
    raw: bool,
    /// Print one JSON object instead of a text
    ///
    /// It has the keys `upstream`, `pages` (each with `page`, `position`, `requests`, `bytes`,
    /// `records`, `groups`, `skipped`, `unparsed_timestamps`, `announced_records`, `announced_pages` and
    /// `next`), `detail` of the page in full (`page`, `groups` as pairs of `record` and `group`,
    /// `unmapped`), and of `summary` and `error` the one that is not null. A request has `purpose`
    /// (`login`, `count`, `page`), `method`, `url`, `headers`, `body`, `signed` and `answer`
    /// (`status`, `milliseconds`, `bytes`, `headers`).
    #[arg(long)]
    json: bool,
    /// Write the walk as a test case into this folder, as NAME.toml
    ///
    /// Secrets, login tokens and signatures are replaced by words that stand in for them; which, is
    /// said at the end. Everything else in the bodies, personal data too, is written as it came:
    /// look through the file before you pass it on.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Walk recorded pages instead of asking, one file a page; or a case that --record wrote
    ///
    /// A case (a file that ends with `.toml`) brings its own block and secrets, so --config is not
    /// read; that the groups it expects do not come of it is a failure.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "record")]
    sample: Vec<PathBuf>,
}

impl Probe {
    pub(super) async fn run(self, environment: Environment) -> Result<(), Failure> {
        let probe = probe::Probe {
            name: self.name,
            config: self.config,
            page: self.page,
            voice: match (self.raw, self.json) {
                (true, _) => probe::Voice::Raw,
                (false, true) => probe::Voice::Json,
                (false, false) => probe::Voice::Text,
            },
            record: self.record,
            sample: self.sample,
        };
        probe.run(environment).await
    }
}
