//! What the process as a whole does: its listeners, its memory, and what clients may ask.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{AddressBlock, Rate, ScriptOrigin, SecretValue, ServerTls, Span, text};

/// The listeners, and how long a request or a shutdown may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The address of the data listener.
    pub listen: SocketAddr,
    /// The address of the admin listener.
    pub admin: SocketAddr,
    /// What requests to the admin listener must send, if anything.
    pub admin_token: Option<SecretValue>,
    /// How long a client may wait for an answer.
    pub deadline: Span,
    /// How long requests are still accepted after a shutdown was requested.
    pub shutdown_delay: Duration,
    /// How long open requests may take to finish after that.
    pub drain: Duration,
    /// How many connections clients may keep open, and how long.
    pub connections: ConnectionLimits,
    /// What the data listener speaks TLS with. Without it, it speaks plain HTTP.
    pub tls: Option<ServerTls>,
    /// The proxies that say for whom they ask.
    pub trusted_proxies: Vec<AddressBlock>,
    /// Whether every connection begins with a PROXY protocol header of such a proxy.
    pub proxy_protocol: bool,
    /// The origins whose scripts may read answers.
    pub cors_origins: Vec<ScriptOrigin>,
    /// Whether the configuration is loaded again when one of its files changes.
    pub watch: bool,
    /// Whether answers about groups say where their time went.
    pub server_timing: bool,
}

/// How many connections clients may keep open, and how long. Each listener counts its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectionLimits {
    /// How many connections may be open in all. Each takes a file descriptor. Beyond it, the
    /// connection that has been idle for longest is closed for a new one, first one of the client
    /// that has the most. While all of them are in use, new connections wait, and `/readyz` fails.
    #[schemars(range(min = 1))]
    pub total: u32,
    /// How many of them are served at once for one client, which is an IPv4 address or an IPv6 /64
    /// network. Beyond it, its idle connections are closed, and new ones wait up to 10 seconds for
    /// one of the others to end. Those of `trusted_proxies` are not counted by it, for they carry
    /// many clients. Any other proxy or load balancer in front is one client: give it as many as it
    /// opens.
    #[schemars(range(min = 1))]
    pub per_client: u32,
    /// How many requests one HTTP/2 connection may have open at once.
    #[schemars(range(min = 1))]
    pub streams: u32,
    /// How many requests may be under way over all connections, beside those whose answers are kept
    /// ready. Beyond it, a request is answered with 503 and `Retry-After`.
    #[schemars(range(min = 1))]
    pub requests: u32,
    /// How many of them may be of one client, which is an IPv4 address or an IPv6 /64 network; behind
    /// `trusted_proxies`, it is the one that they ask for. Beyond it, its requests are answered with
    /// 429 and `Retry-After`. Any other proxy or load balancer in front is one client: give it as many
    /// as its callers need together.
    #[schemars(range(min = 1))]
    pub requests_per_client: u32,
    /// How long a connection is kept open between requests. It should be longer than that of a load
    /// balancer in front, so that no request is sent on a connection that is being closed. Must be
    /// longer than zero.
    pub idle: Span,
    /// How long a client may take to begin to read its answer, and how long it may then pause. A
    /// client that does not is disconnected. Must be longer than zero.
    pub send_timeout: Span,
    /// How many bytes of an answer a client must read in each second, beyond `send_timeout`. A client
    /// that is slower is disconnected.
    #[serde(with = "text::size")]
    #[schemars(with = "text::Size")]
    pub send_rate: ByteSize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            total: 4096,
            per_client: 64,
            streams: 256,
            requests: 8192,
            requests_per_client: 2048,
            idle: Span::seconds(75),
            send_timeout: Span::seconds(30),
            send_rate: ByteSize::kib(16),
        }
    }
}

impl ConnectionLimits {
    /// How long a client may take to read so many bytes.
    pub fn time_to_read(&self, bytes: u64) -> Duration {
        let seconds = bytes.div_ceil(self.send_rate.as_u64().max(1));
        self.send_timeout.get() + Duration::from_secs(seconds)
    }
}

/// The keys that hold from the start of the process to its end.
pub const FIXED_AT_START: [&str; 3] = ["server.listen", "server.admin", "server.connections"];

impl Server {
    /// Those of [`FIXED_AT_START`] of which `next` says something else.
    pub fn fixed_at_start(&self, next: &Self) -> Vec<&'static str> {
        let is_same = [
            self.listen == next.listen,
            self.admin == next.admin,
            self.connections == next.connections,
        ];
        let keys = FIXED_AT_START.into_iter().zip(is_same);
        let changed = keys.filter(|(_, is_same)| !is_same);
        changed.map(|(key, _)| key).collect()
    }
}

/// What is said of a data listener that others can reach, wherever it is said.
pub const OPEN_TO_ALL: &str =
    "whoever can connect reads every group: callers are not authenticated";

/// The same where some groups are for callers without credentials.
pub const OPEN_TO_ANONYMOUS: &str = "whoever can connect reads what `callers.anonymous` is granted: no credentials are needed for it";

/// The same where callers bring secrets unencrypted.
pub const READABLE_SECRETS: &str = "keys and tokens of callers come over plain http, where anyone on the way can read them: \
     set `server.tls`, or name the proxies that speak TLS in `server.trusted_proxies`";

/// Where lists are kept, and how much memory each kind of cached thing may take, so that nothing
/// flushes anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// Memory for everything that is cached, in bytes.
    pub capacity: u64,
    /// Where snapshots are kept beside memory, if anywhere.
    pub directory: Option<PathBuf>,
}

impl Cache {
    /// Whole lists of groups: a half of the capacity.
    pub const fn snapshots(&self) -> u64 {
        self.capacity / 2
    }

    /// Filtered and sorted orders over them: three thirty-seconds.
    pub const fn views(&self) -> u64 {
        self.capacity / 32 * 3
    }

    /// Credentials that were verified, with what is known of their callers: a thirty-second.
    pub const fn credentials(&self) -> u64 {
        self.capacity / 32
    }

    /// Ready answers: a sixteenth.
    pub const fn answers(&self) -> u64 {
        self.capacity / 16
    }

    /// What upstreams answered that are asked by query or on behalf of each caller: an eighth, if there are
    /// any.
    pub const fn queries(&self) -> u64 {
        self.capacity / 8
    }

    /// Answers on their way to callers, besides the ready ones that are kept: a sixteenth.
    pub const fn bodies(&self) -> u64 {
        self.capacity / 16
    }

    /// Pages of upstreams while they arrive: three thirty-seconds.
    pub const fn received(&self) -> u64 {
        self.capacity / 32 * 3
    }

    /// Pages of upstreams once they are decoded: at least a thirty-second.
    pub const fn decoded(&self) -> u64 {
        self.capacity / 32
    }

    /// Decoded pages and whole lists together: all that the others leave.
    pub const fn decoded_and_lists(&self, has_queries: bool) -> u64 {
        let queries = if has_queries { self.queries() } else { 0 };
        let kept = self.views() + self.credentials() + self.answers() + queries;
        self.capacity - kept - self.bodies() - self.received()
    }
}

/// How many requests each client may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientRateLimit {
    /// The sustained rate of one client.
    pub per_client: Rate,
    /// How many requests one client may make at once after a pause.
    pub burst: NonZeroU32,
}

#[cfg(test)]
mod tests {
    use crate::config::testing::plan;

    #[test]
    fn all_that_is_kept_has_a_share_of_the_capacity_and_leaves_room_for_lists_and_pages() {
        let cache = plan("cache.capacity = '32MiB'").cache;
        assert_eq!(cache.credentials(), 1 << 20);
        let shares = [
            cache.views(),
            cache.credentials(),
            cache.answers(),
            cache.queries(),
            cache.bodies(),
            cache.received(),
            cache.decoded_and_lists(true),
        ];
        assert_eq!(shares.iter().sum::<u64>(), cache.capacity);
        assert!(cache.decoded_and_lists(true) >= cache.snapshots() + cache.decoded());
    }

    #[test]
    fn addresses_and_connections_are_fixed_at_start_and_nothing_else_of_the_server_is() {
        let server = |text: &str| plan(text).server;
        let usual = server("");
        let other = server("server = { listen = '127.0.0.1:1', admin = '127.0.0.1:2' }");
        assert_eq!(
            usual.fixed_at_start(&other),
            ["server.listen", "server.admin"]
        );
        let fewer = server("server = { connections = { total = 9 } }");
        assert_eq!(usual.fixed_at_start(&fewer), ["server.connections"]);
        let slower = server("server = { deadline = '1h', drain = '1h', shutdown_delay = '1h' }");
        assert_eq!(usual.fixed_at_start(&slower), [""; 0]);
    }
}
