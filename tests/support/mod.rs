//! What tests need: peers of their own making, adapters and gateways of any configuration, a caller,
//! the command line, and patience.

#![allow(dead_code, reason = "each binary takes what it needs")]

pub(crate) mod adapters;
pub(crate) mod authority;
pub(crate) mod client;
pub(crate) mod command;
pub(crate) mod deployment;
pub(crate) mod emulations;
pub(crate) mod gateway;
pub(crate) mod issuer;
pub(crate) mod process;
pub(crate) mod server;
pub(crate) mod wait;
