//! How an upstream is reached: whom to trust, who we are to it, which way the bytes go.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};
use url::Url;

use super::Text;
use crate::config::{Secret, Span, text};

/// How connections to this upstream are made: its list, its logins and every other exchange, also
/// with a `token_url` on another host. A server's certificate is always checked, and always against
/// the name in the URL; there is no switch for that.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Connection {
    /// A file of CA certificates (PEM, one or many). Servers are trusted if one of these vouches
    /// for them, and *only* then: the file takes the place of the system's certificates, so that
    /// none of the many public CAs can vouch for a private server. Whoever needs both puts both
    /// into the file. A certificate in it that has expired does not count. A server that signed its
    /// own certificate is trusted by that one, unless it is marked as a CA's. Without it, the
    /// system's certificates.
    pub ca: Option<PathBuf>,
    /// A file with the certificate that we show to servers that ask for one (mutual TLS), in PEM,
    /// followed by those that lead from it to the CA, where the server does not have them.
    pub client_certificate: Option<PathBuf>,
    /// The private key of `client_certificate`, in PEM and not encrypted.
    pub client_key: Option<Secret>,
    /// The HTTP proxy that everything goes through, as `http://proxy.example.com:3128`, or
    /// `https://…` to speak TLS with the proxy itself. What goes to an `https` URL stays encrypted
    /// between us and the upstream (`CONNECT`); what goes to an `http` URL is seen by the proxy. The
    /// upstream's name is looked up by the proxy. Without it, no proxy: variables such as
    /// `HTTPS_PROXY` are not read, so that nobody reroutes credentials by accident.
    #[serde(deserialize_with = "text::optional_url")]
    #[schemars(with = "Option<String>", extend("format" = "uri"))]
    pub proxy: Option<Url>,
    /// The user's name at the proxy (`Basic`, RFC 7617). It is sent to nobody but the proxy.
    pub proxy_username: Option<Text>,
    /// The password at the proxy.
    pub proxy_password: Option<Secret>,
    /// A file of CA certificates that vouch for a proxy at `https://…`, as `ca` does for the
    /// upstream. Without it, the system's certificates.
    pub proxy_ca: Option<PathBuf>,
    /// Which HTTP is spoken: `"auto"` (the default), `"1"` or `"2"`.
    pub http: HttpVersion,
    /// How long a connection is used before a new one takes its place; 5 minutes by default. The
    /// name is looked up anew for each, so an upstream that moves to another address is found within
    /// this time. Of several addresses all are tried.
    pub max_age: Span,
    /// How long a connection is kept that nothing is sent over; 30 seconds by default. `"0s"` keeps
    /// none.
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

/// Which HTTP is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub enum HttpVersion {
    /// HTTP/2 where the server chooses it over TLS (ALPN), else HTTP/1.1.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// HTTP/1.1 only: for servers and middleboxes that offer HTTP/2 and do it badly.
    #[serde(rename = "1")]
    One,
    /// HTTP/2 only. Over plain `http` it is spoken from the first byte on (prior knowledge, h2c).
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
