//! A gateway that serves TLS, and callers that connect to it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::reload::folder::ConfigFolder;
use crate::support::authority::{Authority, Signed};
use crate::support::gateway::Gateway;

/// A folder with a configuration that serves TLS, and what signed its certificate.
pub(crate) struct Secured {
    pub(crate) folder: ConfigFolder,
    pub(crate) authority: Authority,
}

impl Secured {
    pub(crate) fn new() -> Self {
        let secured = Self {
            folder: ConfigFolder::new(),
            authority: Authority::new(),
        };
        let signed = secured.authority.server(&["127.0.0.1"]);
        secured.write(&signed);
        secured
    }

    /// Puts the server's certificate where it is read.
    pub(crate) fn write(&self, signed: &Signed) {
        self.folder.write("tls.crt", &signed.certificate.pem());
        self.folder.write("tls.key", &signed.key.serialize_pem());
    }

    /// The keys of `[server]`.
    pub(crate) fn tls(&self, more: &str) -> String {
        format!(
            "tls = {{ certificate = {{ file = '{}' }}, key = {{ file = '{}' }}{more} }}",
            self.folder.path("tls.crt"),
            self.folder.path("tls.key")
        )
    }

    /// The same where callers are asked for a certificate of this authority.
    pub(crate) fn mutual(&self, authority: &Authority) -> String {
        self.folder.write("callers.pem", &authority.pem());
        let ca = self.folder.path("callers.pem");
        self.tls(&format!(", client_ca = {{ file = '{ca}' }}"))
    }

    pub(crate) async fn connect(
        &self,
        gateway: &Gateway,
        caller: &Caller<'_>,
    ) -> io::Result<TlsStream<TcpStream>> {
        self.connect_to(address(gateway), caller).await
    }

    /// The same to a gateway that listens there.
    pub(crate) async fn connect_to(
        &self,
        address: SocketAddr,
        caller: &Caller<'_>,
    ) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der()).unwrap();
        let versions = caller
            .version
            .map_or(vec![&TLS12, &TLS13], |version| vec![version]);
        let client =
            ClientConfig::builder_with_protocol_versions(&versions).with_root_certificates(roots);
        let mut client = match caller.shows {
            Some(signed) => client
                .with_client_auth_cert(signed.chain(), signed.private_key())
                .unwrap(),
            None => client.with_no_client_auth(),
        };
        client.alpn_protocols = caller
            .speaks
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("127.0.0.1").unwrap();
        TlsConnector::from(Arc::new(client))
            .connect(name, stream)
            .await
    }

    /// What a caller gets over a connection of its own. It may be told only then that it is not let in.
    pub(crate) async fn ask(&self, gateway: &Gateway, caller: &Caller<'_>) -> io::Result<String> {
        self.ask_with(gateway, caller, "").await
    }

    /// The same for a request with these header lines.
    pub(crate) async fn ask_with(
        &self,
        gateway: &Gateway,
        caller: &Caller<'_>,
        lines: &str,
    ) -> io::Result<String> {
        Self::answered(self.connect(gateway, caller).await?, lines).await
    }

    /// What is answered to a request with these header lines, over a connection that ends with it.
    pub(crate) async fn answered(
        mut stream: TlsStream<TcpStream>,
        lines: &str,
    ) -> io::Result<String> {
        let request =
            format!("GET /groups HTTP/1.1\r\nhost: here\r\nconnection: close\r\n{lines}\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(String::from_utf8(answer).unwrap())
    }
}

/// How a caller connects.
#[derive(Default)]
pub(crate) struct Caller<'a> {
    pub(crate) version: Option<&'static SupportedProtocolVersion>,
    pub(crate) speaks: Vec<&'static str>,
    pub(crate) shows: Option<&'a Signed>,
}

pub(crate) fn address(gateway: &Gateway) -> SocketAddr {
    gateway.app().data_addr()
}
