//! All that `gateway.toml` may say, as written.
//!
//! The types here are the user's manual: their doc comments become the JSON Schema and the text
//! that an editor shows. They hold what the file says and nothing derived from it; [`load()`] reads
//! it, [`crate::upstream::Adapter`] is what an upstream's block is compiled to.
//!
//! Only this folder reads files and the environment.

pub mod load;
pub use load::{Loaded, load, load_text};

mod document;
mod layers;
pub(crate) mod mask;
mod preset;
mod read;
mod requirements;
mod tree;
mod validate;

pub mod environment;
pub use environment::Environment;

pub mod problem;
pub use problem::{KeyPath, Problem, Problems};

pub mod report;
pub use report::{FaultyLine, Report, ReportedProblem};

pub mod schema;
pub use schema::schema;

pub mod reference;
pub use reference::reference;

pub mod placeholder;

pub mod path;
pub use path::Path;

pub mod secret;
pub use secret::{Secret, SecretReader};

mod text;

pub mod units;
pub use units::{Rate, Share, Span};

pub mod upstream;
pub use upstream::Upstream;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use bytesize::ByteSize;
use schemars::JsonSchema;
use serde::Deserialize;

/// The whole of `gateway.toml`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where groupgate listens, and how long a caller waits.
    pub server: Server,
    /// What an answer needs before it is given.
    pub gateway: Gateway,
    /// How much is kept, and for how long it serves. Every upstream may override the times.
    pub cache: Cache,
    /// How often one caller may ask.
    pub rate_limit: RateLimit,
    /// How the cursors that clients get are signed.
    pub cursor: Cursor,
    /// The group backends, one block each. Clients see the block's name as a group's `source`.
    pub upstreams: BTreeMap<String, Upstream>,
}

/// Where groupgate listens, and how long a caller waits.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// The address that serves groups. Port 0 takes any free port.
    #[serde(deserialize_with = "text::address")]
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// The address that serves health and status. On any address but loopback it demands
    /// `admin_token`.
    #[serde(deserialize_with = "text::address")]
    #[schemars(with = "String")]
    pub admin: SocketAddr,
    /// What `Authorization: Bearer …` must carry on the admin listener.
    pub admin_token: Option<Secret>,
    /// The latest moment for an answer, counted from the request. A twentieth of it, at least 50 ms
    /// and at most 500 ms, is kept back for merging and writing: sources that are not there by then
    /// are reported as pending, and their walks go on for the next caller.
    pub deadline: Span,
    /// How long requests are still taken after a stop was asked for, while `/readyz` says no
    /// already: the time that load balancers need to see it and send callers elsewhere. Give it
    /// more than the interval of their checks.
    pub shutdown_delay: Span,
    /// How long open requests may go on once no more are taken. A process that is stopped needs
    /// `shutdown_delay` and `drain` together, and a second signal ends it at once.
    pub drain: Span,
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
        }
    }
}

/// What an answer needs before it is given.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Gateway {
    /// How many of the asked sources must contribute, capped at how many were asked. Fewer, and
    /// the answer is a problem instead of a partial list.
    pub min_sources: usize,
}

impl Default for Gateway {
    fn default() -> Self {
        Self { min_sources: 1 }
    }
}

/// How much is kept in memory, and for how long it serves.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cache {
    /// Memory for everything cached: snapshots, views and rendered pages have a fixed share each.
    #[serde(with = "text::size")]
    #[schemars(with = "text::Size")]
    pub capacity: ByteSize,
    /// How long a snapshot is fresh, counted from the end of its walk.
    pub ttl: Span,
    /// How long after `ttl` a snapshot is still served at once while one refresh runs behind it.
    pub stale_while_revalidate: Span,
    /// How long after `ttl` a snapshot is still served when its refresh fails.
    pub stale_if_error: Span,
    /// The shortest time between two walks that callers ask for with `Cache-Control: no-cache`,
    /// and between a failed walk and the next try.
    pub min_refresh: Span,
    /// A folder in which the gateway's own snapshots are also kept, so that a restart during an
    /// outage finds them: they are read at the start, and served as stale until the first walk
    /// succeeds, as long as `stale_if_error` allows. Each is a file that only the gateway's user
    /// may read; what is in it is not encrypted. A relative path counts from where the process was
    /// started. Without it, nothing is written to disk.
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

/// What each kind of cached thing may take, in bytes: so nothing flushes anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// Whole lists of groups: a half.
    pub snapshots: u64,
    /// Filtered and sorted orders over them: an eighth.
    pub views: u64,
    /// Rendered pages: a sixteenth.
    pub pages: u64,
    /// What upstreams answered that are asked by query: an eighth.
    pub queries: u64,
}

impl Cache {
    /// What each kind of cached thing may take of the capacity. The rest is for what requests hold
    /// while they are answered, and for the snapshots of callers' own accounts.
    pub fn shares(&self) -> Shares {
        let capacity = self.capacity.as_u64();
        Shares {
            snapshots: capacity / 2,
            views: capacity / 8,
            pages: capacity / 16,
            queries: capacity / 8,
        }
    }
}

/// How often one caller may ask. A caller is a peer address (an IPv6 caller its /64 network).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimit {
    /// The steady rate of one caller, as `"100/s"`, `"600/m"` or `"1000/h"`.
    pub per_client: Rate,
    /// How many requests one caller may make at once after a pause.
    pub burst: u32,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            per_client: Rate::per_second(100),
            burst: 200,
        }
    }
}

/// How the cursors that clients get are signed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cursor {
    /// Signing keys of at least 32 bytes: the first signs, all verify, so replicas agree and keys
    /// can be rotated. Without any, each process makes its own and cursors end with it.
    pub keys: Vec<Secret>,
}
