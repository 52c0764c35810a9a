//! How connections to an upstream are made: TLS, proxy and HTTP version.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};
use url::Url;

use super::Text;
use crate::config::{Secret, Span, text};

/// How connections to this upstream are made. This applies to its list, its logins and every other
/// request, including those to a `token_url` on another host. Server certificates are always
/// verified, including the host name; this cannot be turned off.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Connection {
    /// A PEM file with one or more CA certificates. They replace the system's certificates: only
    /// servers that one of them vouches for are trusted, so no public CA can vouch for a private
    /// server. To trust both, put both into the file. Expired certificates in it are ignored. A
    /// self-signed server certificate can be listed itself, unless it is marked as a CA. Without
    /// it, the system's certificates apply.
    pub ca: Option<PathBuf>,
    /// A PEM file with the client certificate for mutual TLS, followed by any intermediate
    /// certificates that the server does not have. Requires `client_key`.
    pub client_certificate: Option<PathBuf>,
    /// The private key of `client_certificate`, in PEM and unencrypted.
    pub client_key: Option<Secret>,
    /// The HTTP proxy for all requests, such as `http://proxy.example.com:3128`, or `https://…` to
    /// use TLS with the proxy itself. Requests to `https` URLs stay encrypted end to end
    /// (`CONNECT`); the proxy can read requests to `http` URLs. The proxy resolves the upstream's
    /// name. A path, a query, or a user name and password in the URL are refused. Without it, no
    /// proxy is used: `HTTPS_PROXY` and similar variables are ignored, so that nobody reroutes
    /// credentials by accident.
    #[serde(deserialize_with = "text::optional_url")]
    #[schemars(with = "Option<String>", extend("format" = "uri"))]
    pub proxy: Option<Url>,
    /// The user name for the proxy (HTTP Basic, RFC 7617). It is sent only to the proxy. Requires
    /// `proxy_password`.
    pub proxy_username: Option<Text>,
    /// The password for the proxy.
    pub proxy_password: Option<Secret>,
    /// A PEM file with CA certificates for an `https` proxy, as `ca` is for the upstream. Without
    /// it, the system's certificates apply.
    pub proxy_ca: Option<PathBuf>,
    /// The HTTP version.
    pub http: HttpVersion,
    /// How long a connection is reused before a new one replaces it. Each new connection resolves
    /// the name again, so an upstream that moves to another address is found within this time. If a
    /// name has several addresses, all are tried. Must be longer than zero.
    pub max_age: Span,
    /// How long an unused connection is kept open. `"0s"` keeps none.
    pub idle: Span,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            ca: None,
            client_certificate: None,
            client_key: None,
            proxy: None,
            proxy_username: None,
            proxy_password: None,
            proxy_ca: None,
            http: HttpVersion::default(),
            max_age: Span::seconds(5 * 60),
            idle: Span::seconds(30),
        }
    }
}

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

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
