//! The five upstreams of the shipped gateway.toml, emulated on loopback.
//!
//! Each emulation follows its vendor's published page: parameters, defaults, limits, error bodies,
//! and authentication that is really verified. The demo runs them, and so do tests, so they stay
//! apart from the data path: nothing here calls the gateway's own signers, pagers or formats, or
//! the two would agree on a mistake. No other folder may name a vendor.
//!
//! ```text
//! request ▸ listener ▸ site (counts, waits) ▸ deed (fails on purpose) ▸ vendor (answers) ▸ records
//! ```

pub mod fault;
pub use fault::{CATALOGUE, Fault, FaultError, Reason};

mod emulation;
pub use emulation::Emulation;

mod listener;

mod jam;

mod plan;
pub use plan::Change;

mod site;

mod deed;

mod elsewhere;

mod stats;
pub use stats::Stats;

mod exchange;

mod envelope;

mod signature;

mod collections;
pub use collections::LoginStatus;

mod tokens;
pub use tokens::TokenKind;

mod vinyldns;

mod publisher;

mod onlivesite;

mod tallyfy;
pub use tallyfy::Paging;

mod order;

mod records;

pub(crate) mod gateway;

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::WallClock;

use envelope::Envelope;
use exchange::Vendor;

/// Makes a vendor whose API is reached at an origin.
type Open = fn(origin: &str, options: &Options) -> Box<dyn Vendor>;

/// A vendor, under the name that gateway.toml gives it.
#[derive(Debug, Clone, Copy)]
struct Known {
    name: &'static str,
    open: Open,
    envelope: &'static Envelope,
}

impl Known {
    const fn new(name: &'static str, open: Open, envelope: &'static Envelope) -> Self {
        Self {
            name,
            open,
            envelope,
        }
    }
}

/// Every vendor.
const VENDORS: [Known; 5] = [
    Known::new(collections::NAME, collections::open, &collections::ENVELOPE),
    Known::new(vinyldns::NAME, vinyldns::open, &vinyldns::ENVELOPE),
    Known::new(publisher::NAME, publisher::open, &publisher::ENVELOPE),
    Known::new(onlivesite::NAME, onlivesite::open, &onlivesite::ENVELOPE),
    Known::new(tallyfy::NAME, tallyfy::open, &tallyfy::ENVELOPE),
];

/// The most groups that one emulation serves.
pub const MAX_GROUPS: usize = 1_000_000;

/// The names of the emulated upstreams.
pub fn names() -> impl Iterator<Item = &'static str> {
    VENDORS.iter().map(|vendor| vendor.name)
}

/// What surrounds the groups of the emulation of this name.
fn envelope_of(name: &str) -> Option<&'static Envelope> {
    let mut vendors = VENDORS.iter();
    let vendor = vendors.find(|vendor| vendor.name == name)?;
    Some(vendor.envelope)
}

/// How the emulations behave.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many groups each upstream has, at most [`MAX_GROUPS`].
    pub groups: usize,
    /// How long each answer takes at least.
    pub latency: Duration,
    /// Which upstreams (`*` is all where it can happen) misbehave from the start, and how. The last
    /// one counts.
    pub faults: Vec<(String, Fault)>,
    /// What the tokens of `collections` look like.
    pub tokens: TokenKind,
    /// How long they are good for.
    pub token_life: Duration,
    /// Where the login answer of `collections` says that it is a success.
    pub login_status: LoginStatus,
    /// The most groups that `publisher` puts on a page, whatever is asked. Its vendor names no
    /// such limit.
    pub publisher_page: Option<usize>,
    /// Whether `tallyfy` cuts its list into pages.
    pub tallyfy_paging: Paging,
    /// How many requests a minute `tallyfy` takes. Its vendor takes 600; none is the default, so
    /// that a million groups can be walked in less than a quarter of an hour.
    pub tallyfy_quota: Option<u32>,
    /// The wall clock that tokens and signed dates are judged by.
    pub clock: fn() -> Timestamp,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            groups: 200,
            latency: Duration::ZERO,
            faults: Vec::new(),
            tokens: TokenKind::Jwt,
            token_life: Duration::from_hours(1),
            login_status: LoginStatus::StatusCode,
            publisher_page: None,
            tallyfy_paging: Paging::Meta,
            tallyfy_quota: None,
            clock: || WallClock::system().now(),
        }
    }
}

/// All five emulations, each on a loopback port of its own. Dropping them closes the ports.
#[derive(Debug)]
pub struct Emulations {
    emulations: Vec<Emulation>,
}

impl Emulations {
    /// Starts all five. Must be called within a tokio runtime, as everything on [`Emulation`].
    ///
    /// # Errors
    ///
    /// A port cannot be bound, or an option is out of range.
    pub async fn start(options: Options) -> io::Result<Self> {
        check(&options)?;
        let mut emulations = Vec::with_capacity(VENDORS.len());
        for vendor in VENDORS {
            emulations.push(Emulation::start(vendor, &options).await?);
        }
        Ok(Self { emulations })
    }

    /// The emulation of the upstream that gateway.toml calls `name`.
    pub fn get(&self, name: &str) -> Option<&Emulation> {
        self.iter().find(|emulation| emulation.name() == name)
    }

    /// All five, in the order of [`names`].
    pub fn iter(&self) -> std::slice::Iter<'_, Emulation> {
        self.emulations.iter()
    }

    /// The environment under which gateway.toml asks these emulations: base URLs, and every secret
    /// that it names.
    pub fn variables(&self) -> Vec<(String, String)> {
        self.iter().flat_map(Emulation::variables).collect()
    }
}

impl<'a> IntoIterator for &'a Emulations {
    type Item = &'a Emulation;
    type IntoIter = std::slice::Iter<'a, Emulation>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn check(options: &Options) -> io::Result<()> {
    if options.groups > MAX_GROUPS {
        return Err(invalid(format!(
            "`{}` groups are too many: an emulation serves at most {MAX_GROUPS}",
            options.groups
        )));
    }
    for (name, fault) in &options.faults {
        fault::check_upstream(name, *fault).map_err(|error| invalid(error.to_string()))?;
    }
    Ok(())
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// Locks `mutex`. What these mutexes guard is whole between any two statements, so a panic
/// elsewhere leaves nothing to refuse.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
