//! How an upstream is connected to.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderValue;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use url::Url;

use super::{Limits, SecretValue};

/// The HTTP version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub enum HttpVersion {
    /// HTTP/2 if the server selects it during TLS (ALPN), otherwise HTTP/1.1.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// HTTP/1.1 only, for servers and middleboxes whose HTTP/2 does not work well.
    #[serde(rename = "1")]
    One,
    /// HTTP/2 only. Over plain `http` it is used from the first byte (prior knowledge, h2c), which
    /// is not possible through a proxy.
    #[serde(rename = "2")]
    Two,
}

impl<'de> Deserialize<'de> for HttpVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct VersionVisitor;

        impl Visitor<'_> for VersionVisitor {
            type Value = HttpVersion;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("`\"auto\"`, `\"1\"` or `\"2\"`")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<HttpVersion, E> {
                match word {
                    "auto" => Ok(HttpVersion::Auto),
                    "1" => Ok(HttpVersion::One),
                    "2" => Ok(HttpVersion::Two),
                    _ => Err(E::unknown_variant(word, &["auto", "1", "2"])),
                }
            }

            // A number says it as well.
            fn visit_i64<E: Error>(self, number: i64) -> Result<HttpVersion, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<HttpVersion, E> {
                self.visit_str(&number.to_string())
            }
        }

        deserializer.deserialize_any(VersionVisitor)
    }
}

/// How connections to one upstream are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Whether any of its URLs is asked over TLS.
    pub needs_tls: bool,
    /// The only CAs to trust. Without them, those that the system trusts.
    pub ca: Option<PemFile>,
    /// Who we are to servers that ask.
    pub identity: Option<ClientIdentity>,
    /// What stands between us and the upstream.
    pub proxy: Option<ProxyServer>,
    /// Which versions of HTTP are offered.
    pub http: HttpVersion,
    /// How old a connection may grow.
    pub max_age: Duration,
    /// How long a connection may be idle.
    pub idle: Duration,
    /// How long one may take to come about, TLS and a proxy's consent included.
    pub connect_timeout: Duration,
}

impl Connection {
    /// What holds where `connection` says nothing.
    pub fn usual(needs_tls: bool) -> Self {
        Self {
            needs_tls,
            ca: None,
            identity: None,
            proxy: None,
            http: HttpVersion::default(),
            max_age: Duration::from_mins(5),
            idle: Duration::from_secs(30),
            connect_timeout: Limits::default().connect_timeout.get(),
        }
    }
}

/// A file of certificates that was read. Its content is not shown: a private key may stand beside them.
#[derive(Clone, PartialEq, Eq)]
pub struct PemFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it holds.
    pub pem: Vec<u8>,
}

impl fmt::Display for PemFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the file `{}`", self.path.display())
    }
}

impl fmt::Debug for PemFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PemFile")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// A client certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// The certificate, with its chain.
    pub certificate: PemFile,
    /// The private key, in PEM.
    pub key: SecretValue,
}

/// A proxy, and who we are to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyServer {
    /// Its scheme, host and port.
    pub url: Url,
    /// User name and password, as the header carries them.
    pub authorization: Option<HeaderValue>,
    /// The only CAs to trust on the way to it. Without them, those that the system trusts.
    pub ca: Option<PemFile>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_of_certificates_holds_is_not_shown() {
        let file = PemFile {
            path: "client.pem".into(),
            pem: b"PRIVATE KEY".to_vec(),
        };
        assert_eq!(format!("{file:?}"), "PemFile { path: \"client.pem\", .. }");
    }
}
