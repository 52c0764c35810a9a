//! All that `gateway.toml` may say, as written.
//!
//! The types here are the user's manual: their doc comments become the JSON Schema and the text
//! that an editor shows. They hold what the file says and nothing derived from it; [`load()`] reads
//! it, [`crate::upstream::Adapter`] is what an upstream's block is compiled to.
//!
//! Only this folder reads files and the environment.

pub mod load;
pub use load::{Loaded, load, load_text, load_with_fingerprint};

mod as_written;
pub mod callers;
pub use callers::{CallerKey, Callers};

pub(crate) mod credential_names;
mod document;
mod layers;
pub(crate) mod mask;
mod parts;
pub use parts::{Fingerprint, WatchedPlaces};

mod preset;
mod read;
mod requirements;
pub(crate) mod resolve;
#[cfg(test)]
pub(crate) mod testing;
mod tree;

pub mod environment;
pub use environment::Environment;

pub mod report;
pub use report::{FaultyLine, Report, ReportedProblem};

pub mod schema;
pub use schema::schema;

pub mod reference;
pub use reference::reference;

pub mod secret;
pub use secret::{Secret, SecretReader};

pub mod upstream;
pub use upstream::Upstream;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use bytesize::ByteSize;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::plan::{
    AccessLogRules, AddressBlock, AuditRules, CallerGrant, ConnectionLimits, Rate, ScriptOrigin,
    Span, text,
};

/// Everything that `gateway.toml` can contain.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// More files, each of which describes upstreams and nothing else: `include = ["teams/*.toml"]`, so
    /// that every team has its own. A name or pattern is relative to the folder of this file. In a
    /// pattern, `*`, `?` and `[…]` match within one name, `**` matches any number of folders, and none
    /// matches what begins with a dot. Files are read in the order of the patterns and, within each,
    /// of their names. A file or folder that is named and not there is an error; a pattern may match nothing. No
    /// upstream may be described twice, and an included file includes no others. Paths of secrets
    /// and certificates in it start at the working directory of the process, as everywhere.
    pub include: Vec<String>,
    /// The listeners, and how long a request or a shutdown may take.
    pub server: Server,
    /// How many sources an answer needs.
    pub gateway: GatewaySettings,
    /// How much is cached, and for how long. Each upstream can override the times.
    pub cache: Cache,
    /// How many requests each client may make.
    pub rate_limit: ClientRateLimit,
    /// What the log says of each request.
    pub access_log: AccessLogRules,
    /// Who may ask. Without this table, whoever can connect sees every group.
    pub callers: Option<Callers>,
    /// What callers may see, one `[grants.NAME]` block each. What is not granted does not exist for a
    /// caller.
    #[schemars(extend("propertyNames" = { "pattern": "^[a-z0-9_-]{1,64}$" }))]
    pub grants: BTreeMap<String, CallerGrant>,
    /// What is recorded of who asked for what.
    pub audit: AuditRules,
    /// The keys that sign cursors.
    pub cursor: CursorSettings,
    /// The group backends, one `[upstreams.NAME]` block each. NAME has 1 to 64 characters from `a`
    /// to `z`, `0` to `9`, `_` and `-`. Clients see it as the `source` of a group and at the start of
    /// its `id`. In the name of an environment variable, `_` stands for `-`:
    /// `GROUPGATE__UPSTREAMS__CLUB_ONE__TTL` sets `upstreams.club-one.ttl`. No two names may differ
    /// only in that.
    #[schemars(extend("propertyNames" = { "pattern": "^[a-z0-9_-]{1,64}$" }))]
    pub upstreams: BTreeMap<String, Upstream>,
}

/// The listeners, and how long a request or a shutdown may take.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// The address of the data listener, which serves groups: an IP address and a port, such as
    /// `127.0.0.1:8080` or `[::1]:8080`. Host names are not accepted. Port 0 picks a free port.
    #[serde(deserialize_with = "text::address")]
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// The address of the admin listener, which serves health, metrics and status. It must differ
    /// from `listen`. On any address other than loopback, `admin_token` is required.
    #[serde(deserialize_with = "text::address")]
    #[schemars(with = "String")]
    pub admin: SocketAddr,
    /// The token that requests to the admin listener must send as `Authorization: Bearer …`.
    /// Without it, the admin listener asks for no token, and is asked by address or as `localhost`.
    pub admin_token: Option<Secret>,
    /// How long a client may wait for an answer, counted from the arrival of the request. A
    /// twentieth of it, at least 50 ms and at most 500 ms, is reserved for merging and sending.
    /// Sources that are not ready by then are reported as `pending`, and their walks continue for
    /// the next request. Must be longer than zero.
    pub deadline: Span,
    /// How long requests are still accepted after a shutdown was requested, while `/readyz` already
    /// fails. This gives load balancers time to notice and send clients elsewhere, so it should be
    /// longer than the interval of their health checks.
    pub shutdown_delay: Span,
    /// How long open requests may take to finish after `shutdown_delay`. Stopping the process takes
    /// up to `shutdown_delay` and `drain` together. A second signal stops it at once.
    pub drain: Span,
    /// How many connections clients may keep open, and how long.
    pub connections: ConnectionLimits,
    /// The certificate with which the data listener speaks TLS 1.2 and 1.3, and nothing else. Without
    /// it, it speaks plain HTTP.
    pub tls: Option<ServerTls>,
    /// The proxies and load balancers in front, by address. A request that comes from one of them
    /// counts as its client's: the address is taken from `X-Forwarded-For` or `Forwarded` (RFC 7239),
    /// read from the right, as far as each address in it is one of these. Where both headers are there
    /// and name different clients, neither counts. From everyone else, the headers are ignored.
    pub trusted_proxies: Vec<AddressBlock>,
    /// Whether every connection begins with a header of the PROXY protocol, version 1 or 2, which says
    /// whose connection it is. Connections from addresses that are not in `trusted_proxies` are
    /// closed, and so is one without the header.
    pub proxy_protocol: bool,
    /// Which pages of other origins may read answers in a browser.
    pub cors: Cors,
    /// Whether the configuration is loaded again when one of its files changes: this file, those that it
    /// includes, secrets and certificates. What has changed takes effect without a restart, except
    /// `listen`, `admin` and `connections`, and for new connections what is said of TLS and proxies; a configuration with errors changes nothing. `SIGHUP` and
    /// `POST /reload` on the admin listener do the same at any time.
    pub watch: bool,
    /// Whether answers about groups say where their time went (`Server-Timing`). It tells every caller
    /// how long it was waited for sources, and whether the answer had been kept.
    pub server_timing: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            admin: SocketAddr::from(([127, 0, 0, 1], 9090)),
            admin_token: None,
            deadline: Span::seconds(10),
            shutdown_delay: Span::seconds(1),
            drain: Span::seconds(30),
            connections: ConnectionLimits::default(),
            tls: None,
            trusted_proxies: Vec::new(),
            proxy_protocol: false,
            cors: Cors::default(),
            watch: true,
            server_timing: false,
        }
    }
}

/// What the data listener speaks TLS with. The files are read again by every reload, and new
/// connections get what was read last.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerTls {
    /// The certificate, followed by the intermediate certificates of its chain, in PEM.
    pub certificate: Secret,
    /// Its private key, in PEM and unencrypted.
    pub key: Secret,
    /// The CAs of callers, in PEM. Callers are then asked for a certificate. One that none of these
    /// CAs vouches for, or that has expired, ends the connection; a caller without one is served as
    /// `[callers]` says.
    pub client_ca: Option<Secret>,
}

/// Which pages of other origins may read answers in a browser (CORS).
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cors {
    /// The origins, such as `"https://portal.example.com"`. Each is compared as a whole; there is no
    /// wildcard. Without any, browsers let no other origin read an answer.
    pub origins: Vec<ScriptOrigin>,
}

/// How many sources an answer needs.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Gateway")]
pub struct GatewaySettings {
    /// How many of the requested sources must contribute to an answer. If fewer do, the client gets
    /// an error instead of a partial list. When a request names fewer sources than this, all of
    /// them must contribute.
    pub min_sources: usize,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self { min_sources: 1 }
    }
}

/// How much is kept in memory, and for how long.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cache {
    /// Memory for everything that is cached. Snapshots, views and rendered pages each have a fixed
    /// share.
    #[serde(with = "text::size")]
    #[schemars(with = "text::Size")]
    pub capacity: ByteSize,
    /// How long a snapshot is fresh, counted from the end of its walk.
    pub ttl: Span,
    /// How long after `ttl` a snapshot is still served at once, while a refresh runs in the
    /// background.
    pub stale_while_revalidate: Span,
    /// How long after `ttl` a snapshot is still served when its refresh fails.
    pub stale_if_error: Span,
    /// The shortest time between two walks that clients request with `Cache-Control: no-cache`, and
    /// between a failed walk and the next attempt.
    pub min_refresh: Span,
    /// A directory in which snapshots are also stored, so that a restart during an outage still
    /// finds them. They are loaded at startup and served until the first walk succeeds, for as long as
    /// `stale_if_error` allows. They are fresh until `ttl` after the end of the walk that read them,
    /// and stale after that. Only the user that runs the gateway can read the
    /// files; their content is not encrypted. A relative path starts at the working directory of
    /// the process. Without it, nothing is written to disk. An empty path is refused.
    pub directory: Option<PathBuf>,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            capacity: ByteSize::mib(512),
            ttl: Span::seconds(30),
            stale_while_revalidate: Span::seconds(5 * 60),
            stale_if_error: Span::seconds(60 * 60),
            min_refresh: Span::seconds(5),
            directory: None,
        }
    }
}

/// How many requests each client may make. A client is an IPv4 address or an IPv6 /64 network.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "RateLimit")]
pub struct ClientRateLimit {
    /// The sustained rate of one client.
    pub per_client: Rate,
    /// How many requests one client may make at once after a pause.
    #[schemars(range(min = 1))]
    pub burst: u32,
}

impl Default for ClientRateLimit {
    fn default() -> Self {
        Self {
            per_client: Rate::per_second(100),
            burst: 200,
        }
    }
}

/// The keys that sign the cursors that clients get.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Cursor")]
pub struct CursorSettings {
    /// Signing keys of at least 32 bytes each. The first one signs and all of them verify, so
    /// replicas can share keys and keys can be rotated. Without any, each process makes its own
    /// key, and its cursors stop working when it ends.
    pub keys: Vec<Secret>,
}
