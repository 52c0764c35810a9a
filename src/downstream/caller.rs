//! Who asks.
//!
//! Today a caller is known by the network that the connection comes from. When callers are
//! authenticated, what the credentials say joins the address here, and nothing below changes:
//! admission counts per [`Caller`], and the gateway asks with the caller's scope.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

use crate::catalog::Scope;
use crate::gateway::cursor::Holder;

/// Where a connection comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Caller {
    /// Where the caller is: an IPv4 address, or an IPv6 network.
    network: IpAddr,
    /// On whose behalf upstreams are asked.
    pub(crate) scope: Scope,
    /// Whose cursors the caller may use. An address is no identity to bind a cursor to, for it may
    /// change between two pages.
    pub(crate) holder: Holder,
}

impl Caller {
    /// The caller behind a connection. A single IPv6 subscriber holds a whole /64, so one is one
    /// caller.
    fn of(Peer(address): Peer) -> Self {
        let network = match address.ip().to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
            }
        };
        Self {
            network,
            scope: Scope::Shared,
            holder: Holder::Anyone,
        }
    }
}

/// Says who asks. A request whose peer is not known counts as one from `0.0.0.0`, so that all
/// such requests share one allowance.
pub(crate) async fn identify(mut request: Request, next: Next) -> Response {
    let unknown = Peer(SocketAddr::from(([0, 0, 0, 0], 0)));
    let peer = request.extensions().get().copied().unwrap_or(unknown);
    request.extensions_mut().insert(Caller::of(peer));
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(address: &str) -> Caller {
        Caller::of(Peer(address.parse().unwrap()))
    }

    #[test]
    fn an_ipv6_network_of_64_bits_is_one_caller() {
        assert_eq!(
            caller("[2001:db8:1:2::1]:1"),
            caller("[2001:db8:1:2:ffff::9]:2")
        );
        assert_ne!(caller("[2001:db8:1:2::1]:1"), caller("[2001:db8:1:3::1]:1"));
    }

    #[test]
    fn an_ipv4_address_is_one_caller_however_it_is_written() {
        assert_eq!(caller("192.0.2.7:1"), caller("[::ffff:192.0.2.7]:2"));
        assert_ne!(caller("192.0.2.7:1"), caller("192.0.2.8:1"));
    }
}
