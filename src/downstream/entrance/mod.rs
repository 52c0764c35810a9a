//! How a new connection is met: whose it is, and what is spoken on it.
//!
//! ```text
//! accept ▸ announced (PROXY protocol) ▸ a place in the table ▸ TLS ▸ HTTP ▸ forwarded (whose request)
//! ```
//!
//! What is decided here holds for the life of a connection: another plan meets new ones.

mod announced;
mod forwarded;
mod socket;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::HeaderMap;
use rustls::ServerConfig;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutWriter;
use tokio_rustls::TlsAcceptor;

use crate::caller::{ClientAuthorities, ShownCertificate};
use crate::clock::WallClock;
use crate::plan::{AddressBlock, Server, ServerTls};
use crate::tls::{self, CertificateError};

use super::connections::HEAD_TIMEOUT;

pub use announced::{AnnouncedOwner, HeaderFault, announcement};
pub use forwarded::origin;
pub(super) use socket::ServedSocket;

/// How new connections are met.
#[derive(Debug, Default)]
pub(super) struct Entrance {
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// What vouches for the certificates of clients.
    pub(super) client_ca: Option<ClientAuthorities>,
    /// When the certificates end that TLS needs, in seconds since 1970.
    pub(super) certificate_ends: Vec<(&'static str, u64)>,
    pub(super) trusted: Arc<[AddressBlock]>,
    pub(super) is_announced: bool,
}

/// Why TLS did not come about.
#[derive(Debug, Error)]
pub(super) enum HandshakeError {
    #[error("the handshake took too long")]
    TooSlow,
    #[error(transparent)]
    Failed(#[from] io::Error),
}

impl Entrance {
    /// What the plan says of the data listener.
    pub(super) fn of(server: &Server) -> Result<Self, CertificateError> {
        if let Some(tls) = &server.tls
            && tls::server::has_expired(tls, WallClock::system().now())
        {
            tracing::warn!(certificate = %tls.certificate, "the certificate of `server.tls` has expired");
        }
        Ok(Self {
            tls: server.tls.as_ref().map(tls::server::config).transpose()?,
            client_ca: (server.tls.as_ref()).and_then(ServerTls::client_authorities),
            certificate_ends: server
                .tls
                .as_ref()
                .map(tls::server::ends)
                .unwrap_or_default(),
            trusted: server.trusted_proxies.as_slice().into(),
            is_announced: server.proxy_protocol,
        })
    }

    /// Whether a connection says whose it is before anything else.
    pub(super) const fn is_announced(&self) -> bool {
        self.is_announced
    }

    /// Whether an address is that of a proxy that says for whom it asks.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        trusts(&self.trusted, address)
    }

    /// Whether the same CAs vouch for the certificates of clients.
    pub(super) fn has_authorities_of(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || self.client_ca == other.client_ca
    }

    /// Whose connection this is that `peer` has opened, as its header says.
    pub(super) async fn announced(
        &self,
        stream: &TcpStream,
        peer: SocketAddr,
    ) -> Result<AnnouncedOwner, HeaderFault> {
        if !self.trusts(peer.ip()) {
            return Err(HeaderFault::NotTrusted);
        }
        let announced = timeout(HEAD_TIMEOUT, announced::read(stream)).await;
        announced.map_err(|_| HeaderFault::TooSlow)?
    }

    /// For whom a trusted proxy at `peer` asks, as the request's headers say: the proxy's own address where
    /// they cannot be understood. `None`: they say nothing, so it asks for itself.
    pub(super) fn asker(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        forwarded::is_for_another(headers).then(|| forwarded::origin(peer, headers, &self.trusted))
    }

    /// What is spoken on a connection: TLS, or nothing beside HTTP. With it comes the certificate that the
    /// client has shown.
    pub(super) async fn open(
        &self,
        stream: TimeoutWriter<TcpStream>,
    ) -> Result<(ServedSocket, Option<Arc<ShownCertificate>>), HandshakeError> {
        let Some(tls) = &self.tls else {
            return Ok((ServedSocket::Plain { stream }, None));
        };
        let acceptor = TlsAcceptor::from(Arc::clone(tls));
        let handshake = acceptor.accept(Box::pin(stream));
        let stream = timeout(HEAD_TIMEOUT, handshake).await;
        let stream = stream.map_err(|_| HandshakeError::TooSlow)??;
        let (_, session) = stream.get_ref();
        let shown = session.peer_certificates().and_then(<[_]>::split_first);
        let certificate = shown.zip(self.client_ca.clone());
        let certificate = certificate.map(|((der, intermediates), authorities)| {
            Arc::new(ShownCertificate {
                der: der.clone().into_owned(),
                intermediates: intermediates
                    .iter()
                    .map(|der| der.clone().into_owned())
                    .collect(),
                authorities,
            })
        });
        let stream = Box::new(stream);
        Ok((ServedSocket::Encrypted { stream }, certificate))
    }
}

fn trusts(trusted: &[AddressBlock], address: IpAddr) -> bool {
    trusted.iter().any(|block| block.contains(address))
}
