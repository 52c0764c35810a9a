//! The emulated upstreams, over real HTTP, against the examples on their vendors' own pages.
//!
//! Whatever is asked here is written and signed without the gateway's code, so that these tests
//! say what a vendor's client would see.

mod client;

mod shape;

mod collections;

mod vinyldns;

mod publisher;

mod onlivesite;

mod tallyfy;

mod faults;

mod odd_lists;

mod catalogue;

mod wrong_lists;
