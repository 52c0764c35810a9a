//! Arguments of `groupgate demo`.

use clap::Args;

use crate::config::Environment;
use crate::plan::Span;
use crate::terminal::CommandError;
use crate::tools::demo::{InjectedFault, Options, TallyfyPaging, TokenKind, gateway, listing};

const EXAMPLES: &str = "\
Examples:
  groupgate demo
  groupgate demo --groups 10000 --latency 20ms
  groupgate demo --callers
  groupgate demo --fault tallyfy=gzip-bomb --fault publisher=hang";

/// Start five emulated upstreams on loopback and the gateway in front of them.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXAMPLES}\n\nFaults:\n{}", listing()))]
pub(super) struct Demo {
    /// Groups per upstream, at most 1000000
    #[arg(long, default_value_t = 200)]
    groups: usize,
    /// Latency of each upstream response, such as 5ms
    #[arg(long, default_value = "5ms")]
    latency: Span,
    /// Inject a fault, as UPSTREAM=FAULT, or *=FAULT wherever it applies; may be repeated
    ///
    /// The faults are listed below.
    #[arg(long, value_name = "UPSTREAM=FAULT", value_parser = InjectedFault::switch)]
    fault: Vec<(String, InjectedFault)>,
    /// Tell two callers apart, each with an API key and grants of its own
    #[arg(long)]
    callers: bool,
    /// Let tallyfy answer with the whole list and without `meta`, as it does for small organizations
    #[arg(long)]
    tallyfy_without_meta: bool,
    /// Let collections issue opaque tokens, which do not say when they expire, instead of JWTs
    #[arg(long)]
    opaque_tokens: bool,
    /// Let publisher put at most so many groups on a page, whatever `limit` asks for
    #[arg(long, value_name = "GROUPS")]
    publisher_page: Option<usize>,
}

impl Demo {
    pub(super) async fn run(self, environment: Environment) -> Result<(), CommandError> {
        let options = Options {
            groups: self.groups,
            latency: self.latency.get(),
            faults: self.fault,
            publisher_page: self.publisher_page,
            tallyfy_paging: if self.tallyfy_without_meta {
                TallyfyPaging::Absent
            } else {
                TallyfyPaging::Meta
            },
            tokens: if self.opaque_tokens {
                TokenKind::Opaque
            } else {
                TokenKind::Jwt
            },
            ..Options::default()
        };
        gateway::run(options, self.callers, environment).await
    }
}
