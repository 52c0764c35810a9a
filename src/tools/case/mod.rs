//! A case: an upstream's block, the exchanges of one walk, and the expected outcome.
//!
//! `probe --record` writes one, `probe --sample` walks one, and `tests/styles` consists of them, so a
//! recording can become a test.
//!
//! ```toml
//! title = "a cursor in a response header goes into a POST form"
//! covers = ["D9 in a response header", "D1 POST form"] # for `tests/styles`
//! source = "https://vendor.example/docs/groups"   # optional: the documentation it follows
//! now = "2026-11-21T12:00:00Z"                    # the default; used for signatures and delays
//! ask = "search=eng"                              # optional: a query to the gateway, whose
//!                                                 # response is compared instead of the walk
//! walks = 2                                       # optional: how often the list is read before that
//!
//! [environment]                                   # the variables of its secrets
//! TOKEN = "t0ken"
//!
//! [caller]                                        # on whose behalf, where that makes a difference
//! id = "alice"                                    # and `claims`, `token` and `headers`
//!
//! [upstream]                                      # as in gateway.toml, without `base_url`
//! request = { path = "/groups" }
//!
//! [[exchange]]                                    # in order, unless a total announces all pages
//! [exchange.request]                              # what is not given is not checked
//! method = "POST"                                 # the default is GET, and always checked
//! target = "/groups?limit=2"                      # path and query as on the wire
//! headers = { x-tenant = "a", cookie = "" }       # "" must be absent; "Bearer …" is a prefix
//! body = "cursor=abc"
//! [exchange.response]
//! status = 200
//! version = "1.0"                                 # optional: an HTTP/1.0 server
//! headers = { link = ["<a>; rel=prev", "<b>; rel=next"] }
//! body = '''[]'''                                 # or `body_base64`, for what is not text
//!
//! [expect]                                        # in the upstream's order, keys with a value
//! groups = [{ source_id = "1", name = "Sales" }]  # except `id` and `source`; a string is read as JSON
//! counts = { skipped = 1 }                        # skipped, left_out, repeated, unparsed_timestamps, unread_people,
//!                                                 # unmarked_people, repeated_people, unknown_people, drifted, gone,
//!                                                 # changed, removed, differing
//! # or: error = { type = "pagination", detail = "a part of it", retry_after = 30 }
//! # or: problem = "a part of what `check` says"
//! ```
//!
//! `{origin}` stands for the upstream's own origin, in the block and in both sides of an exchange.

mod caller;
mod compare;
mod exchange;
mod playback;
mod write;

pub use caller::WrittenCaller;
pub(crate) use compare::{comparable, without_empty};
pub use exchange::{ExpectedRequest, RecordedExchange, RecordedResponse};
pub(crate) use exchange::{HeaderValues, ORIGIN};
pub use playback::{ExchangeOrder, Playback};

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use toml_edit::{DocumentMut, Item, Table};

use crate::app::{App, Compiled};
use crate::clock::WallClock;
use crate::config::{Loaded, Report, load_text};
use crate::snapshot::Counts;

/// Where the gateway of a case listens.
const SERVER: &str = "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n\n";

/// A case, as its file says it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// What it shows, in one sentence.
    pub title: String,
    /// Which values of the tests' dimensions it covers.
    #[serde(default)]
    pub covers: Vec<String>,
    /// The documentation that it follows.
    pub source: Option<String>,
    /// The wall-clock time.
    #[serde(default = "noon")]
    pub now: Timestamp,
    /// The query of a `GET /groups` whose response is compared. Without it, the walk is.
    pub ask: Option<String>,
    /// How many walks there are before that query, each refreshing the list. Without it, one.
    pub walks: Option<u32>,
    /// The variables that the block reads its secrets from.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    pub(crate) upstream: toml::Table,
    /// On whose behalf the upstream is asked.
    pub(crate) caller: Option<WrittenCaller>,
    /// The expected requests, and their responses.
    #[serde(default, rename = "exchange")]
    pub exchanges: Vec<RecordedExchange>,
    /// The expected outcome.
    pub expect: Expectation,
    /// The text of its file, if it was read from one.
    #[serde(skip)]
    pub(crate) text: String,
}

fn noon() -> Timestamp {
    // Saturday, 2026-11-21T12:00:00Z.
    Timestamp::constant(1_795_262_400, 0)
}

/// The expected outcome: exactly one of `groups`, `error` and `problem`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expectation {
    #[serde(deserialize_with = "groups")]
    pub(crate) groups: Option<Vec<Value>>,
    pub(crate) counts: ExpectedCounts,
    pub(crate) error: Option<ExpectedError>,
    /// A part of the problem that `check` reports: the block is refused.
    pub problem: Option<String>,
}

/// The counts of a walk besides its groups.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ExpectedCounts {
    skipped: u64,
    left_out: u64,
    repeated: u64,
    unparsed_timestamps: u64,
    unread_people: u64,
    unmarked_people: u64,
    repeated_people: u64,
    drifted: bool,
    unknown_people: u64,
    gone: u64,
    partitions_gone: u64,
    partitions_refused: u64,
    changed: Option<u64>,
    removed: u64,
    differing: u64,
}

impl From<Counts> for ExpectedCounts {
    fn from(counts: Counts) -> Self {
        Self {
            skipped: counts.skipped,
            left_out: counts.left_out,
            repeated: counts.repeated,
            unparsed_timestamps: counts.unparsed_timestamps,
            unread_people: counts.unread_people,
            unmarked_people: counts.unmarked_people,
            repeated_people: counts.repeated_people,
            drifted: counts.drifted,
            unknown_people: counts.unknown_people,
            gone: counts.gone,
            partitions_gone: counts.partitions_gone,
            partitions_refused: counts.partitions_refused,
            changed: counts.changed,
            removed: counts.removed,
            differing: counts.differing,
        }
    }
}

/// How a walk fails.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedError {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// A part of the detail.
    #[serde(default)]
    pub(crate) detail: String,
    /// Seconds until the next attempt.
    pub(crate) retry_after: Option<f64>,
}

/// A list, or a string that holds one as JSON, for what TOML cannot express.
fn groups<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Value>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Groups {
        Json(String),
        List(Vec<Value>),
    }
    match Groups::deserialize(deserializer)? {
        Groups::Json(text) => serde_json::from_str(&text).map_err(serde::de::Error::custom),
        Groups::List(groups) => Ok(Some(groups)),
    }
}

impl CaseFile {
    /// Reads the case in a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not a case.
    pub fn read(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        text.parse()
    }

    /// The gateway.toml of the case, for an upstream of this name at this origin: its block as it is
    /// written, and nothing else.
    fn gateway(&self, name: &str, origin: &str) -> String {
        let document: Result<DocumentMut, _> = self.text.parse();
        let block = document.ok().and_then(|mut file| file.remove("upstream"));
        let mut block = block.unwrap_or_default();
        if let Some(block) = block.as_table_like_mut()
            && !block.contains_key("base_url")
        {
            block.insert("base_url", toml_edit::value(ORIGIN));
        }
        let mut upstreams = Table::new();
        upstreams.set_implicit(true);
        upstreams.insert(name, block);
        let mut gateway = DocumentMut::new();
        gateway.insert("upstreams", Item::Table(upstreams));
        format!("{SERVER}{gateway}").replace(ORIGIN, origin)
    }

    /// The compiled gateway of the case, for an upstream of this name at this origin. `None` is one
    /// that is refused, as the case expects.
    ///
    /// # Errors
    ///
    /// It is refused with another problem, or not refused: the text says which.
    pub fn compile(&self, name: &str, origin: &str) -> Result<Option<(Loaded, Compiled)>, String> {
        let compiled = self.load(name, origin).and_then(|loaded| {
            let compiled = App::compile(&loaded, &self.wall())?;
            Ok((loaded, compiled))
        });
        let compiled = match (compiled, &self.caller) {
            (Ok((loaded, compiled)), Some(caller)) => {
                let compiled = on_behalf_of(caller, compiled)?;
                Ok((loaded, compiled))
            }
            (compiled, _) => compiled,
        };
        match (compiled, &self.expect.problem) {
            (Ok(compiled), None) => Ok(Some(compiled)),
            (Ok(_), Some(expected)) => Err(format!(
                "the block was accepted; expected the problem `{expected}`"
            )),
            (Err(report), Some(expected)) if report.to_string().contains(expected) => Ok(None),
            (Err(report), _) => Err(report.to_string()),
        }
    }

    /// The wall-clock time.
    pub fn wall(&self) -> WallClock {
        WallClock::fixed(self.now)
    }

    fn load(&self, name: &str, origin: &str) -> Result<Loaded, Report> {
        let variables = self.environment.iter();
        let variables = variables.map(|(name, value)| (name.as_str(), value.as_str()));
        let text = self.gateway(name, origin);
        load_text("gateway.toml", &text, variables.collect())
    }
}

/// The same gateway, whose upstreams are asked on behalf of `caller` where they are asked for callers.
///
/// # Errors
///
/// One of them cannot be asked on behalf of this caller.
pub(crate) fn on_behalf_of(caller: &WrittenCaller, compiled: Compiled) -> Result<Compiled, String> {
    let credentials = caller.credentials()?;
    let adapters = compiled.adapters.iter().map(|adapter| {
        let asking = adapter.on_behalf_of(&credentials);
        let asking = asking.map_err(|missing| {
            let name = adapter.name();
            format!("`{name}` cannot be asked on behalf of this caller: {missing}")
        });
        asking.map(Arc::new)
    });
    let adapters = adapters.collect::<Result<_, _>>()?;
    Ok(Compiled {
        adapters,
        ..compiled
    })
}

impl std::str::FromStr for CaseFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut case: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let expect = &case.expect;
        let outcomes = [
            expect.groups.is_some(),
            expect.error.is_some(),
            expect.problem.is_some(),
        ];
        if outcomes.into_iter().filter(|&is_said| is_said).count() != 1 {
            return Err("`expect` needs exactly one of `groups`, `error` and `problem`".to_owned());
        }
        if expect.problem.is_none() && case.exchanges.is_empty() {
            return Err("a walk needs at least one `[[exchange]]`".to_owned());
        }
        for (index, exchange) in case.exchanges.iter().enumerate() {
            let answer = exchange.response.answer(ORIGIN);
            answer.map_err(|error| format!("exchange {}: {error}", index + 1))?;
        }
        text.clone_into(&mut case.text);
        Ok(case)
    }
}
