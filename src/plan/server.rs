//! What the process as a whole does: its listeners, its memory, and what clients may ask.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use super::{Rate, SecretValue, Span};

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
}

impl Server {
    /// The keys that hold from the start of the process to its end, of which `next` says something else.
    pub fn fixed_at_start(&self, next: &Self) -> Vec<&'static str> {
        let fixed = [
            ("server.listen", self.listen == next.listen),
            ("server.admin", self.admin == next.admin),
        ];
        let changed = fixed.into_iter().filter(|(_, is_same)| !is_same);
        changed.map(|(key, _)| key).collect()
    }

    /// Whether anyone beyond this machine can connect and read every group.
    pub fn is_open_to_all(&self) -> bool {
        !self.listen.ip().is_loopback()
    }
}

/// What is said of a data listener that others can reach, wherever it is said.
pub const OPEN_TO_ALL: &str =
    "whoever can connect reads every group: callers are not authenticated";

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

    /// Filtered and sorted orders over them: an eighth.
    pub const fn views(&self) -> u64 {
        self.capacity / 8
    }

    /// Ready answers: a sixteenth.
    pub const fn answers(&self) -> u64 {
        self.capacity / 16
    }

    /// What upstreams answered that are asked by query: an eighth. The rest is for what requests hold
    /// while they are answered, and for the snapshots of callers' own accounts.
    pub const fn queries(&self) -> u64 {
        self.capacity / 8
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
    fn addresses_are_fixed_at_start_and_nothing_else_of_the_server_is() {
        let server = |text: &str| plan(text).server;
        let usual = server("");
        let other = server("server = { listen = '127.0.0.1:1', admin = '127.0.0.1:2' }");
        assert_eq!(
            usual.fixed_at_start(&other),
            ["server.listen", "server.admin"]
        );
        let slower = server("server = { deadline = '1h', drain = '1h', shutdown_delay = '1h' }");
        assert_eq!(usual.fixed_at_start(&slower), [""; 0]);
    }
}
