//! What `connection` in `gateway.toml` comes to on this machine: certificates parsed, trust set up, the
//! proxy known.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use jiff::Timestamp;
use rustls::ClientConfig;
use rustls::sign::CertifiedKey;

use super::proxy::Proxy;
use crate::error::chain;
use crate::plan::{self, ClientIdentity, Connection, HttpVersion, PemFile, ProxyServer};
use crate::problem::{KeyPath, Problem, Problems};
use crate::tls::{Tls, TlsSetupError, identity, trust_only, with_client_certificate};

/// How connections to one upstream are made.
#[derive(Debug, Clone)]
pub struct Connections {
    /// Without it, no connection but plain ones.
    pub(super) tls: Option<ClientConfig>,
    pub(super) proxy: Option<Arc<Proxy>>,
    pub(super) http: HttpVersion,
    pub(super) max_age: Duration,
    pub(super) idle: Duration,
    /// How long one may take to come about, TLS and a proxy's consent included.
    pub(super) connect_timeout: Duration,
}

impl Connections {
    /// Connections as they usually are, over this TLS.
    pub(crate) fn usual(tls: Option<ClientConfig>) -> Self {
        Self::over(&Connection::usual(tls.is_some()), tls, None)
    }

    /// Connections as `connection` says, over this TLS and proxy.
    pub(in crate::upstream::client) fn over(
        connection: &Connection,
        tls: Option<ClientConfig>,
        proxy: Option<Arc<Proxy>>,
    ) -> Self {
        Self {
            tls: tls.map(|tls| offering(tls, connection.http)),
            proxy,
            http: connection.http,
            max_age: connection.max_age,
            idle: connection.idle,
            connect_timeout: connection.connect_timeout,
        }
    }

    /// Parses the certificates of an upstream, and finds out whom this machine trusts. What is wrong
    /// with either becomes a problem at the key that asks for it.
    pub(in crate::upstream) fn new(
        upstream: &plan::Upstream,
        tls: &Tls,
        now: Timestamp,
        problems: &mut Problems,
    ) -> Option<Self> {
        let connection = &upstream.connection;
        let at = KeyPath::new(["upstreams", &*upstream.name]);
        let table = at.join("connection");
        let mut setup = Setup {
            system: tls,
            now,
            at: &table,
            problems,
        };
        // Each reports what is wrong with it before any of them gives up.
        let identity = match &connection.identity {
            Some(identity) => setup.identity(identity).map(Some),
            None => Some(None),
        };
        let tls = if connection.needs_tls {
            let ca = connection.ca.as_ref();
            setup.trust("ca", ca, &at.join("base_url")).map(Some)
        } else {
            Some(None)
        };
        let proxy = match &connection.proxy {
            Some(proxy) => setup.proxy(proxy).map(Some),
            None => Some(None),
        };
        let identity = identity?;
        let tls = tls?.map(|tls| match identity {
            Some(identity) => with_client_certificate(tls, identity),
            None => tls,
        });
        Some(Self::over(connection, tls, proxy?.map(Arc::new)))
    }
}

/// The table `connection` while it is set up.
struct Setup<'a> {
    system: &'a Tls,
    now: Timestamp,
    at: &'a KeyPath,
    problems: &'a mut Problems,
}

impl Setup<'_> {
    /// Whom to trust: the CAs in a file, or whom the system trusts. That none can be found there is
    /// told at `asking`, the key that asks for TLS.
    fn trust(&mut self, key: &str, ca: Option<&PemFile>, asking: &KeyPath) -> Option<ClientConfig> {
        let Some(ca) = ca else {
            let config = self.system.config();
            return config.map_err(|error| self.no_system(asking, &error)).ok();
        };
        let config = trust_only(&ca.pem, self.now);
        config
            .map_err(|error| {
                let problem = error.in_file(self.at.join(key), ca);
                self.problems.push(problem);
            })
            .ok()
    }

    /// Who we are to servers that ask.
    fn identity(&mut self, written: &ClientIdentity) -> Option<Arc<CertifiedKey>> {
        let problem = match identity(written) {
            Ok(identity) => return Some(identity),
            Err(error) => error.in_identity(self.at, written),
        };
        self.problems.push(problem);
        None
    }

    fn proxy(&mut self, proxy: &ProxyServer) -> Option<Proxy> {
        let authorization = proxy.authorization.clone();
        let tls = if proxy.url.scheme() == "https" {
            let trusting = self.trust("proxy_ca", proxy.ca.as_ref(), &self.at.join("proxy"));
            Some(offering(trusting?, HttpVersion::One))
        } else {
            None
        };
        let name = proxy.url.as_str().trim_end_matches('/');
        let Ok(uri) = proxy.url.as_str().parse::<Uri>() else {
            self.problems.push(
                Problem::new(self.at.join("proxy"), format!("`{name}` cannot be asked"))
                    .with_help("write a proxy as `http://proxy.example.com:3128`"),
            );
            return None;
        };
        Some(Proxy::new(name, uri, authorization, tls))
    }

    fn no_system(&mut self, asking: &KeyPath, error: &TlsSetupError) {
        self.problems
            .push(Problem::new(asking.clone(), chain(error)).with_help(
                "install the system's certificates (package `ca-certificates`), or name a file \
                 that holds some in the variable `SSL_CERT_FILE`",
            ));
    }
}

/// TLS that offers these versions of HTTP (ALPN, RFC 7301).
fn offering(mut tls: ClientConfig, http: HttpVersion) -> ClientConfig {
    let names: &[&[u8]] = match http {
        HttpVersion::Auto => &[b"h2", b"http/1.1"],
        HttpVersion::One => &[b"http/1.1"],
        HttpVersion::Two => &[b"h2"],
    };
    tls.alpn_protocols = names.iter().map(|name| name.to_vec()).collect();
    tls
}
