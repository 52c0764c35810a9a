//! What settings cannot mean, alone or together.
//!
//! Each check looks at keys that could be read and says what is wrong with them; none changes
//! anything. What depends on several keys is checked only where all of them could be read:
//! otherwise every slip of the pen would drag a tail of false alarms behind it.

mod answers;
pub(crate) use answers::classify_rules;

mod auth;
#[cfg(test)]
pub(crate) use auth::tests::auth_in;
pub(crate) use auth::{auth, basic_credentials};

pub(crate) mod block;
mod connection;
pub(crate) mod digest;
mod fields;
mod limits;
pub(crate) mod pagination;
mod paths;
mod placeholders;
mod pushdown;
mod records;
pub(crate) mod request;
mod secrets;
pub(super) use secrets::named;

mod texts;

use std::path::PathBuf;

use super::upstream::Auth;
use super::{Cache, Cursor, RateLimit, SecretReader, Server, Settings, Upstream};
use crate::plan::Refresh;
use crate::problem::{KeyPath, Problem, Problems};

/// Checks settings in which the keys `unread` hold stand-ins.
pub(super) fn validate(
    settings: &Settings,
    unread: &[KeyPath],
    secrets: SecretReader<'_>,
) -> Problems {
    let mut problems = Problems::default();
    check_server(&settings.server, &mut problems);
    check_cache(&settings.cache, &mut problems);
    check_rate_limit(&settings.rate_limit, &mut problems);
    check_cursor(&settings.cursor, secrets, &mut problems);
    if settings.upstreams.is_empty() && unread.is_empty() {
        problems.push(
            Problem::new(KeyPath::default(), "no upstreams: there is nothing to ask")
                .with_help("describe each group backend under `[upstreams.NAME]`"),
        );
    }
    for (name, upstream) in &settings.upstreams {
        let at = KeyPath::new(["upstreams", name]);
        check_name(&at, name, &mut problems);
        check_upstream(&at, upstream, &secrets, &mut problems);
        check_refresh(&at, upstream, &settings.cache, &mut problems);
        if !unread.iter().any(|unread| shapes_asking(unread, &at)) {
            check_asking(&at, upstream, &mut problems);
        }
        if !unread.iter().any(|unread| shapes_fields(unread, &at)) {
            fields::check(&at, upstream, &mut problems);
        }
        if !unread.iter().any(|unread| shapes_connecting(unread, &at)) {
            connection::check_together(&at.join("connection"), upstream, &mut problems);
        }
        let auth = at.join("auth");
        if !unread.iter().any(|unread| unread.is_within(&auth)) {
            check_login(&auth, &upstream.auth, &mut problems);
        }
    }
    secrets::check(settings, secrets, &mut problems);
    problems.retain(|problem| !unread.iter().any(|unread| problem.at.is_within(unread)));
    problems
}

/// Whether a key has a say in how an upstream is asked and what its answers mean. One that is in no table of
/// the block may be a misspelt `request`.
fn shapes_asking(key: &KeyPath, upstream: &KeyPath) -> bool {
    key.is_within(upstream)
        && match &key.keys()[upstream.keys().len()..] {
            [] | [_] => true,
            [table, ..] => matches!(
                table.as_str(),
                "request" | "continuation" | "pagination" | "answers" | "pushdown"
            ),
        }
}

/// Whether a key has a say in how an upstream is reached, and where.
fn shapes_connecting(key: &KeyPath, upstream: &KeyPath) -> bool {
    key.is_within(upstream)
        && match &key.keys()[upstream.keys().len()..] {
            [] | [_] => true,
            [table, ..] => matches!(table.as_str(), "connection" | "auth"),
        }
}

/// Whether a key has a say in what fields are read from.
fn shapes_fields(key: &KeyPath, upstream: &KeyPath) -> bool {
    key.is_within(upstream)
        && match &key.keys()[upstream.keys().len()..] {
            [] | [_] => true,
            [table, ..] => matches!(table.as_str(), "records" | "fields"),
        }
}

fn check_server(server: &Server, problems: &mut Problems) {
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
            "a deadline of zero leaves no time for any answer",
        ));
    }
}

fn check_cache(cache: &Cache, problems: &mut Problems) {
    let names_nothing = |directory: &PathBuf| directory.as_os_str().is_empty();
    if cache.directory.as_ref().is_some_and(names_nothing) {
        problems.push(
            Problem::new(
                KeyPath::new(["cache", "directory"]),
                "an empty text names no folder",
            )
            .with_help("name one, or leave `directory` out to keep nothing on disk"),
        );
    }
}

fn check_rate_limit(rate_limit: &RateLimit, problems: &mut Problems) {
    let at = KeyPath::new(["rate_limit"]);
    at_least_one(&at, "burst", u64::from(rate_limit.burst), problems);
}

/// The shortest key that signs a cursor: as long as the hash that it goes into.
const SHORTEST_CURSOR_KEY: usize = 32;

fn check_cursor(cursor: &Cursor, secrets: SecretReader<'_>, problems: &mut Problems) {
    use secrecy::ExposeSecret as _;

    let at = KeyPath::new(["cursor", "keys"]);
    for (index, key) in cursor.keys.iter().enumerate() {
        let Ok(secret) = secrets.read(key) else {
            continue;
        };
        let length = secret.expose_secret().len();
        if length < SHORTEST_CURSOR_KEY {
            problems.push(
                Problem::new(
                    at.join(index.to_string()),
                    format!("a cursor key needs at least 32 bytes: {key} holds {length}"),
                )
                .with_help("make one with `openssl rand -base64 32`"),
            );
        }
    }
}

fn check_name(at: &KeyPath, name: &str, problems: &mut Problems) {
    let is_plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    if (1..=64).contains(&name.len()) && name.bytes().all(is_plain) {
        return;
    }
    problems.push(
        Problem::new(
            at.clone(),
            format!("`{name}` cannot name an upstream: clients see it before each group's id"),
        )
        .with_help("use 1 to 64 of `a` to `z`, `0` to `9` and `_`"),
    );
}

fn check_upstream(
    at: &KeyPath,
    upstream: &Upstream,
    secrets: &SecretReader<'_>,
    problems: &mut Problems,
) {
    request::check_base_url(&at.join("base_url"), &upstream.base_url, problems);
    request::requests(upstream, at, secrets, problems);
    classify_rules(upstream, at, problems);
    records::check(at, upstream, problems);
    records::check_prefix(at, upstream, problems);
    auth(upstream, at, secrets, problems);
    check_account(at, upstream, problems);
    connection::check(&at.join("connection"), &upstream.connection, problems);
    limits::check(at, upstream, problems);
    pagination::paging(at, upstream, problems);
}

fn check_account(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    if upstream.account.as_ref().is_some_and(String::is_empty) {
        problems.push(
            Problem::new(at.join("account"), "the name of the account is empty")
                .with_help("give it a name, or leave `account` out"),
        );
    }
}

/// A list that is renewed before it expires needs a time in which it has not.
fn check_refresh(at: &KeyPath, upstream: &Upstream, cache: &Cache, problems: &mut Problems) {
    let ttl = upstream.ttl.unwrap_or(cache.ttl);
    if upstream.refresh == Refresh::Background && ttl.get().is_zero() {
        problems.push(
            Problem::new(
                at.join("refresh"),
                "a list cannot be renewed before it expires when its `ttl` is zero",
            )
            .with_help("give it a `ttl`, or leave `refresh` at `\"on_demand\"`"),
        );
    }
}

/// Checks what depends on several keys of how an upstream is asked.
fn check_asking(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    request::check_bodies(at, upstream, problems);
    placeholders::check(at, upstream, problems);
    pushdown::check(at, upstream, problems);
    pagination::check(at, upstream, problems);
    answers::check(&at.join("answers"), &upstream.answers, problems);
}

/// Checks what depends on several keys of a login.
fn check_login(at: &KeyPath, auth: &Auth, problems: &mut Problems) {
    request::check_login_body(at, auth, problems);
    if let Auth::TokenExchange(login) = auth {
        answers::check_login(&at.join("answers"), &login.answers, problems);
    }
}

fn at_least_one(table: &KeyPath, key: &str, value: u64, problems: &mut Problems) {
    if value == 0 {
        problems.push(Problem::new(
            table.join(key),
            format!("`{key}` must be at least 1"),
        ));
    }
}
