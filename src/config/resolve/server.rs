//! The process as a whole: listeners, memory, what clients may ask, the keys of cursors.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::{Cache, ClientRateLimit, CursorSettings, SecretReader, Server};
use crate::plan::{self, AuditRules, ConnectionLimits, SecretValue};
use crate::problem::{KeyPath, Problem, Problems};

use super::at_least_one;
use super::block::Block;
use super::edge;

pub(super) fn server(
    server: &Server,
    secrets: &SecretReader<'_>,
    problems: &mut Problems,
) -> Option<plan::Server> {
    let at = KeyPath::new(["server"]);
    if !server.admin.ip().is_loopback() && server.admin_token.is_none() {
        problems.push(
            Problem::new(
                at.join("admin"),
                format!(
                    "`{}` is not a loopback address, so the admin listener needs `admin_token`",
                    server.admin
                ),
            )
            .with_help("set `server.admin_token = { env = \"NAME\" }`, or listen on 127.0.0.1"),
        );
    }
    if server.admin == server.listen && server.listen.port() != 0 {
        problems.push(
            Problem::new(
                at.join("admin"),
                format!("`admin` and `listen` are both `{}`", server.admin),
            )
            .with_help("give the admin listener a port of its own"),
        );
    }
    if server.deadline.get().is_zero() {
        problems.push(Problem::new(
            at.join("deadline"),
            "`deadline` must be longer than zero",
        ));
    }
    check_connections(&at.join("connections"), &server.connections, problems);
    if server.proxy_protocol && server.trusted_proxies.is_empty() {
        problems.push(
            Problem::new(
                at.join("proxy_protocol"),
                "`proxy_protocol` needs `trusted_proxies`: nobody could connect",
            )
            .with_help("name the load balancers: `trusted_proxies = [\"10.0.0.0/8\"]`"),
        );
    }
    let tls = server
        .tls
        .as_ref()
        .map(|tls| edge::tls(tls, secrets, problems));
    let mut block = Block::new(at, secrets, problems);
    let admin_token = match &server.admin_token {
        Some(token) => Some(block.secret("admin_token", token)?),
        None => None,
    };
    Some(plan::Server {
        listen: server.listen,
        admin: server.admin,
        admin_token,
        deadline: server.deadline,
        shutdown_delay: server.shutdown_delay.get(),
        drain: server.drain.get(),
        connections: server.connections,
        tls: match tls {
            Some(tls) => Some(tls?),
            None => None,
        },
        trusted_proxies: server.trusted_proxies.clone(),
        proxy_protocol: server.proxy_protocol,
        cors_origins: server.cors.origins.clone(),
        watch: server.watch,
        server_timing: server.server_timing,
    })
}

fn check_connections(at: &KeyPath, limits: &ConnectionLimits, problems: &mut Problems) {
    for (key, value) in [
        ("total", u64::from(limits.total)),
        ("per_client", u64::from(limits.per_client)),
        ("streams", u64::from(limits.streams)),
        ("requests", u64::from(limits.requests)),
        ("requests_per_client", u64::from(limits.requests_per_client)),
        ("send_rate", limits.send_rate.as_u64()),
    ] {
        at_least_one(at, key, value, problems);
    }
    for (key, span) in [("idle", limits.idle), ("send_timeout", limits.send_timeout)] {
        if span.get().is_zero() {
            problems.push(Problem::new(
                at.join(key),
                format!("`{key}` must be longer than zero"),
            ));
        }
    }
}

pub(super) fn audit(audit: &AuditRules, problems: &mut Problems) -> AuditRules {
    if audit
        .file
        .as_ref()
        .is_some_and(|file| file.as_os_str().is_empty())
    {
        problems.push(
            Problem::new(
                KeyPath::new(["audit", "file"]),
                "the path of the file is empty",
            )
            .with_help("name a file, or leave `file` out to have the records in the log"),
        );
    }
    audit.clone()
}

pub(super) fn cache(cache: &Cache, problems: &mut Problems) -> plan::Cache {
    let directory = cache.directory.as_ref();
    if directory.is_some_and(|directory| directory.as_os_str().is_empty()) {
        problems.push(
            Problem::new(
                KeyPath::new(["cache", "directory"]),
                "the path of the directory is empty",
            )
            .with_help("name a directory, or leave `directory` out to keep nothing on disk"),
        );
    }
    plan::Cache {
        capacity: cache.capacity.as_u64(),
        directory: directory.cloned(),
    }
}

const YEAR: Duration = Duration::from_hours(365 * 24);

/// The longest that a burst may take to come back. Allowances are counted in nanoseconds, of which 64
/// bits hold five times as many.
const LONGEST_REFILL: Duration = Duration::from_hours(100 * 365 * 24);

pub(super) fn rate_limit(
    rate_limit: &ClientRateLimit,
    problems: &mut Problems,
) -> plan::ClientRateLimit {
    let at = KeyPath::new(["rate_limit"]);
    at_least_one(&at, "burst", u64::from(rate_limit.burst), problems);
    let rate = rate_limit.per_client;
    let refill = rate.interval().saturating_mul(rate_limit.burst);
    if refill > LONGEST_REFILL {
        let most = LONGEST_REFILL.as_nanos() / rate.interval().as_nanos().max(1);
        problems.push(
            Problem::new(
                at.join("burst"),
                format!(
                    "a client that used up a burst of {} would get it back at `{rate}` after {} years",
                    rate_limit.burst,
                    refill.as_secs() / YEAR.as_secs(),
                ),
            )
            .with_help(format!("at `{rate}`, `burst` may be at most {most}; or raise `per_client`")),
        );
    }
    plan::ClientRateLimit {
        per_client: rate_limit.per_client,
        burst: NonZeroU32::new(rate_limit.burst).unwrap_or(NonZeroU32::MIN),
    }
}

/// The shortest key that signs a cursor: as long as the hash that it goes into.
const SHORTEST_CURSOR_KEY: usize = 32;

pub(super) fn cursor_keys(
    cursor: &CursorSettings,
    secrets: &SecretReader<'_>,
    problems: &mut Problems,
) -> Option<Vec<SecretValue>> {
    let mut block = Block::new(KeyPath::new(["cursor", "keys"]), secrets, problems);
    let keys = cursor.keys.iter().enumerate().map(|(index, key)| {
        let index = index.to_string();
        let key = block.secret(&index, key)?;
        let length = key.expose().len();
        if length < SHORTEST_CURSOR_KEY {
            block.wrong(
                &index,
                format!("a cursor key needs at least 32 bytes: {key} holds {length}"),
                "make one with `openssl rand -base64 32`",
            );
        }
        Some(key)
    });
    // All of them are read before any that is missing counts.
    keys.collect::<Vec<_>>().into_iter().collect()
}
