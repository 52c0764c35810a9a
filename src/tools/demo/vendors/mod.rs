//! The vendors, one per file.

mod collections;
mod onlivesite;
mod publisher;
mod signature;
mod tallyfy;
mod tokens;
mod vinyldns;

use super::list_api::ListApi;
use super::options::Options;
use super::vendor::Vendor;

/// A vendor, under the name that gateway.toml gives it.
#[derive(Debug)]
pub(super) struct VendorEntry {
    pub(super) name: &'static str,
    /// Creates the API that is reached at an origin.
    pub(super) open: fn(origin: &str, options: &Options) -> Box<dyn Vendor>,
    pub(super) list: &'static ListApi,
}

/// Every vendor.
pub(super) static VENDORS: [VendorEntry; 5] = [
    VendorEntry {
        name: collections::NAME,
        open: collections::open,
        list: &collections::LIST,
    },
    VendorEntry {
        name: vinyldns::NAME,
        open: vinyldns::open,
        list: &vinyldns::LIST,
    },
    VendorEntry {
        name: publisher::NAME,
        open: publisher::open,
        list: &publisher::LIST,
    },
    VendorEntry {
        name: onlivesite::NAME,
        open: onlivesite::open,
        list: &onlivesite::LIST,
    },
    VendorEntry {
        name: tallyfy::NAME,
        open: tallyfy::open,
        list: &tallyfy::LIST,
    },
];

/// The names of the emulated upstreams.
pub fn names() -> impl Iterator<Item = &'static str> {
    VENDORS.iter().map(|vendor| vendor.name)
}

impl VendorEntry {
    /// The vendor of this name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        VENDORS.iter().find(|vendor| vendor.name == name)
    }
}
