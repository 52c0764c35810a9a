//! Who sends a request.
//!
//! A client is known by the network that its connection comes from, and its requests are those of an
//! anonymous [`Caller`], who sees every source, unless the plan tells callers apart: then each request
//! is of the caller that its credentials say.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use crate::caller::{Asker, Caller, ShownCertificate};

use super::answers::{HeldAnswer, HeldWishes};
use super::host::HeldHost;
use super::rate_limiter::HeldBucket;

/// What a connection keeps from one request to the next, whoever sends them. What depends on who sends them knows whose
/// it is, and is kept for a moment.
#[derive(Debug, Default)]
pub(crate) struct LookedUp {
    /// The host that it named first.
    pub(super) host: HeldHost,
    /// What its client may ask.
    pub(crate) bucket: HeldBucket,
    /// What its caller may ask.
    pub(crate) own_bucket: HeldBucket<Asker>,
    /// What it wished for.
    pub(crate) wishes: HeldWishes,
    /// What it was answered.
    pub(crate) answer: HeldAnswer,
}

/// Who sends a request: the same for all that come over one connection, unless that is a proxy's.
#[derive(Debug)]
pub(crate) struct Client {
    /// Where it is: an IPv4 address, or an IPv6 network. Its requests are counted by it. It is no
    /// identity to bind a cursor to, for it may change between two pages.
    pub(crate) network: IpAddr,
    /// Its address, for records.
    pub(crate) address: IpAddr,
    /// On whose behalf it asks.
    pub(crate) caller: Caller,
    /// What its connection looked up.
    pub(crate) looked_up: Arc<LookedUp>,
    /// Whether its connection is encrypted.
    pub(crate) is_encrypted: bool,
    /// The certificate that it has shown, in a connection of its own.
    pub(crate) certificate: Option<Arc<ShownCertificate>>,
}

impl Client {
    /// The client behind a connection. A single IPv6 subscriber holds a whole /64, so one is one
    /// client.
    pub(crate) fn at(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let network = match address {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
            }
        };
        Self {
            network,
            address,
            caller: Caller {
                network: Some(network),
                ..Caller::default()
            },
            looked_up: Arc::default(),
            is_encrypted: false,
            certificate: None,
        }
    }

    /// The client for whom a trusted proxy asks. What the proxy's connection shows is not its own.
    pub(crate) fn behind(&self, address: IpAddr) -> Self {
        Self {
            is_encrypted: self.is_encrypted,
            looked_up: Arc::clone(&self.looked_up),
            ..Self::at(address)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> IpAddr {
        Client::at(address.parse().unwrap()).network
    }

    #[test]
    fn an_ipv6_network_of_64_bits_is_one_client() {
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    }

    #[test]
    fn an_ipv4_address_is_one_client_however_it_is_written() {
        assert_eq!(network("192.0.2.7"), network("::ffff:192.0.2.7"));
        assert_ne!(network("192.0.2.7"), network("192.0.2.8"));
    }
}
