//! The process as a whole: listeners, memory, what clients may ask, the keys of cursors.

use std::num::NonZeroU32;

use crate::config::{Cache, ClientRateLimit, CursorSettings, SecretReader, Server};
use crate::plan::{self, SecretValue};
use crate::problem::{KeyPath, Problem, Problems};

use super::at_least_one;
use super::block::Block;

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
    })
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

pub(super) fn rate_limit(
    rate_limit: &ClientRateLimit,
    problems: &mut Problems,
) -> plan::ClientRateLimit {
    let at = KeyPath::new(["rate_limit"]);
    at_least_one(&at, "burst", u64::from(rate_limit.burst), problems);
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
