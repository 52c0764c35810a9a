//! What `connection` in `gateway.toml` compiles to: certificates read, credentials read, proxy known.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use jiff::Timestamp;
use rustls::ClientConfig;
use rustls::sign::CertifiedKey;
use secrecy::ExposeSecret as _;
use url::Url;

use super::proxy::Proxy;
use crate::config::resolve::basic_credentials;
use crate::config::resolve::block::Block;
use crate::config::upstream::{Connection, Limits, Upstream};
use crate::config::{Secret, SecretReader};
use crate::error::chain;
use crate::plan::HttpVersion;
use crate::plan::Span;
use crate::problem::{KeyPath, Problem, Problems};
use crate::upstream::tls::{
    CertificateError, Tls, TlsSetupError, identity, trust_only, with_client_certificate,
};

/// How long connecting may take where nothing is said.
pub(in crate::upstream) const CONNECT_TIMEOUT: Span = Limits::CONNECT_TIMEOUT;

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
    /// Connections of which nobody said anything.
    pub(in crate::upstream) fn usual(tls: Option<ClientConfig>) -> Self {
        let usual = Connection::default();
        Self {
            tls: tls.map(|tls| offering(tls, usual.http)),
            proxy: None,
            http: usual.http,
            max_age: usual.max_age.get(),
            idle: usual.idle.get(),
            connect_timeout: CONNECT_TIMEOUT.get(),
        }
    }

    /// Compiles the table `connection` of the block `upstream`, which stands at `at`.
    pub(in crate::upstream) fn compile(
        upstream: &Upstream,
        tls: &Tls,
        now: Timestamp,
        at: &KeyPath,
        secrets: &SecretReader<'_>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let (connection, limits) = (&upstream.connection, &upstream.limits);
        let asks_tls = upstream.urls().any(|url| url.scheme() == "https");
        let table = at.join("connection");
        let mut compiler = Compiler {
            system: tls,
            now,
            secrets,
            block: Block::new(table.clone(), secrets, problems),
        };
        // Each reports what is wrong with it before any of them gives up.
        let identity = match (&connection.client_certificate, &connection.client_key) {
            (Some(path), Some(key)) => compiler.identity(path, key).map(Some),
            (None, _) | (_, None) => Some(None),
        };
        let tls = if asks_tls {
            let ca = connection.ca.as_deref();
            compiler.trust("ca", ca, &at.join("base_url")).map(Some)
        } else {
            Some(None)
        };
        let proxy = match &connection.proxy {
            Some(url) => compiler.proxy(url, connection, &table).map(Some),
            None => Some(None),
        };
        let identity = identity?;
        let tls = tls?.map(|tls| match identity {
            Some(identity) => with_client_certificate(tls, identity),
            None => tls,
        });
        Some(Self {
            tls: tls.map(|tls| offering(tls, connection.http)),
            proxy: proxy?.map(Arc::new),
            http: connection.http,
            max_age: connection.max_age.get(),
            idle: connection.idle.get(),
            connect_timeout: limits.connect_timeout.unwrap_or(CONNECT_TIMEOUT).get(),
        })
    }
}

/// The table while it is compiled.
struct Compiler<'a> {
    system: &'a Tls,
    now: Timestamp,
    secrets: &'a SecretReader<'a>,
    block: Block<'a>,
}

impl Compiler<'_> {
    /// Whom to trust: the CAs in the file at `path`, or whom the system trusts. That none can be
    /// found there is told at `asking`, the key that asks for TLS.
    fn trust(&mut self, key: &str, path: Option<&Path>, asking: &KeyPath) -> Option<ClientConfig> {
        let Some(path) = path else {
            let config = self.system.config();
            return config.map_err(|error| self.no_system(asking, &error)).ok();
        };
        let pem = self.file(key, path)?;
        let config = trust_only(&pem, self.now);
        config
            .map_err(|error| self.bad_file(key, path, &error))
            .ok()
    }

    /// Who we are to servers that ask: the certificate in the file at `path`, and its key.
    fn identity(&mut self, path: &Path, secret: &Secret) -> Option<Arc<CertifiedKey>> {
        let certificate = self.file("client_certificate", path);
        let key = self.block.secret("client_key", secret);
        let error = match identity(&certificate?, key?.expose_secret().as_bytes()) {
            Ok(identity) => return Some(identity),
            Err(error) => error,
        };
        match error {
            CertificateError::NoKey => self.block.wrong(
                "client_key",
                format!("{secret} {error}"),
                "a key in PEM, `-----BEGIN PRIVATE KEY-----`; `openssl pkey` takes the encryption \
                 off one that has some",
            ),
            CertificateError::BadKey(_) | CertificateError::OtherKey => self.block.wrong(
                "client_key",
                format!("{secret} {error} in `{}`", path.display()),
                "the two are made together: the certificate names the public half of its key",
            ),
            CertificateError::None
            | CertificateError::Broken(_)
            | CertificateError::Unreadable(..)
            | CertificateError::Unusable(_)
            | CertificateError::Expired => self.bad_file("client_certificate", path, &error),
        }
        None
    }

    fn proxy(&mut self, url: &Url, connection: &Connection, table: &KeyPath) -> Option<Proxy> {
        let authorization = match (&connection.proxy_username, &connection.proxy_password) {
            (Some(username), Some(password)) => {
                let username = ("proxy_username", username);
                let password = ("proxy_password", password);
                basic_credentials(&mut self.block, username, password).map(Some)
            }
            (None, _) | (_, None) => Some(None),
        };
        let tls = if url.scheme() == "https" {
            let ca = connection.proxy_ca.as_deref();
            let trusting = self.trust("proxy_ca", ca, &table.join("proxy"));
            trusting.map(|tls| Some(offering(tls, HttpVersion::One)))
        } else {
            Some(None)
        };
        let name = url.as_str().trim_end_matches('/');
        let Ok(uri) = url.as_str().parse::<Uri>() else {
            self.block.wrong(
                "proxy",
                format!("`{name}` cannot be asked"),
                "write a proxy as `http://proxy.example.com:3128`",
            );
            return None;
        };
        Some(Proxy::new(name, uri, authorization?, tls?))
    }

    fn file(&mut self, key: &str, path: &Path) -> Option<Vec<u8>> {
        match self.secrets.file(path) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.block.wrong(
                    key,
                    chain(&error),
                    "a path is taken from where groupgate is started; begin it with a slash",
                );
                None
            }
        }
    }

    fn bad_file(&mut self, key: &str, path: &Path, error: &CertificateError) {
        let message = format!("the file `{}` {error}", path.display());
        let help = match error {
            CertificateError::Expired => "ask for the CA's new certificate",
            CertificateError::None
            | CertificateError::Broken(_)
            | CertificateError::Unreadable(..)
            | CertificateError::Unusable(_)
            | CertificateError::NoKey
            | CertificateError::BadKey(_)
            | CertificateError::OtherKey => {
                "write certificates in PEM, `-----BEGIN CERTIFICATE-----`; `openssl x509 -inform \
                 der -in FILE` prints that of one which is not"
            }
        };
        self.block.wrong(key, message, help);
    }

    fn no_system(&mut self, asking: &KeyPath, error: &TlsSetupError) {
        self.block
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
