//! The five upstreams of the shipped gateway.toml, emulated on loopback.
//!
//! Each emulation follows its vendor's published page: parameters, defaults, limits, error bodies,
//! and authentication that is really verified. The demo and the tests run them, so they stay apart
//! from the data path: nothing here calls the gateway's own signers, pagers or formats, or the two
//! would agree on a mistake. No other folder may name a vendor.
//!
//! ```text
//! request ▸ listener ▸ emulated API (counts, waits) ▸ inject (fails on purpose) ▸ vendor ▸ groups
//! ```

mod cached_order;
mod callers;
mod emulated_api;
mod emulation;
mod fault;
mod fault_switch;
mod fault_values;
pub(crate) mod gateway;
mod generated;
mod inject;
mod list_api;
mod listener;
mod message;
mod options;
mod saturated_port;
mod schedule;
mod stats;
mod vendor;
mod vendors;

pub use emulation::Emulation;
pub(crate) use fault::listing;
pub use fault::{InjectedFault, NotApplicable};
pub use fault_values::{CursorType, GzipForm, MisreportedTotal, XmlEncoding};
pub use options::{LoginStatus, MAX_GROUPS, Options, TallyfyPaging, TokenKind};
pub use schedule::Change;
pub use stats::Stats;
pub use vendors::names;

use std::io;

use vendors::VENDORS;

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
    #[expect(
        clippy::unused_async,
        reason = "whoever awaits it is within a runtime, which its listeners need"
    )]
    pub async fn start(options: Options) -> io::Result<Self> {
        check(&options)?;
        let mut emulations = Vec::with_capacity(VENDORS.len());
        for vendor in &VENDORS {
            emulations.push(Emulation::start(vendor, &options)?);
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
    let groups = options.groups;
    if groups > MAX_GROUPS {
        let text =
            format!("{groups} groups are too many: an emulation serves at most {MAX_GROUPS}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    for (name, fault) in &options.faults {
        let checked = fault.check_upstream(name);
        checked.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    }
    Ok(())
}
