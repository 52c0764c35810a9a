//! How connections to an upstream are made: TLS, proxy and HTTP version.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::Text;
use crate::config::Secret;
use crate::plan::{self, HttpVersion, Span, text};

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
        let usual = plan::Connection::usual(false);
        Self {
            ca: None,
            client_certificate: None,
            client_key: None,
            proxy: None,
            proxy_username: None,
            proxy_password: None,
            proxy_ca: None,
            http: usual.http,
            max_age: usual.max_age.into(),
            idle: usual.idle.into(),
        }
    }
}
