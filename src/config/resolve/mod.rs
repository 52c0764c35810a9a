//! One pass from settings to a plan.
//!
//! Each part is checked and decided in one place: what is wrong becomes a problem at its key, and the
//! pass goes on. What depends on several keys is checked only where all of them could be read:
//! otherwise every slip of the pen would drag a tail of false alarms behind it.

mod answers;
pub(crate) use answers::classify_rules;

mod auth;
use auth::auth;
#[cfg(test)]
pub(crate) use auth::tests::auth_in;

pub(crate) mod block;
mod connection;
pub(crate) mod digest;
mod fields;
mod limits;
pub(crate) mod mapping;
pub(crate) mod pagination;
mod paths;
mod placeholders;
pub(crate) mod pushdown;
mod records;
pub(crate) mod request;
mod secrets;
pub(super) use secrets::named;

mod server;
mod texts;

use std::sync::Arc;

use super::upstream::Auth;
use super::{Cache, SecretReader, Settings, Upstream};
use crate::plan::{self, Plan, Refresh};
use crate::problem::{KeyPath, Problem, Problems};

/// Resolves settings in which the keys `unread` hold stand-ins. There is a plan only where nothing is
/// wrong.
pub(super) fn resolve(
    settings: &Settings,
    unread: &[KeyPath],
    secrets: SecretReader<'_>,
) -> (Option<Plan>, Problems) {
    let mut problems = Problems::default();
    let server = server::server(&settings.server, &secrets, &mut problems);
    let cache = server::cache(&settings.cache, &mut problems);
    let rate_limit = server::rate_limit(&settings.rate_limit, &mut problems);
    let cursor_keys = server::cursor_keys(&settings.cursor, &secrets, &mut problems);
    if settings.upstreams.is_empty() && unread.is_empty() {
        problems.push(
            Problem::new(KeyPath::default(), "no upstreams: there is nothing to ask")
                .with_help("describe each group backend under `[upstreams.NAME]`"),
        );
    }
    let mut upstreams = Vec::new();
    for (name, upstream) in &settings.upstreams {
        let at = KeyPath::new(["upstreams", name]);
        check_name(&at, name, &mut problems);
        check_upstream(&at, upstream, &mut problems);
        check_refresh(&at, upstream, &settings.cache, &mut problems);
        if !unread.iter().any(|unread| shapes_asking(unread, &at)) {
            check_asking(&at, upstream, &mut problems);
        }
        let has_fields = !unread.iter().any(|unread| shapes_fields(unread, &at));
        let mapping = has_fields
            .then(|| mapping::mapping(&at, name, upstream, &mut problems))
            .flatten();
        if !unread.iter().any(|unread| shapes_connecting(unread, &at)) {
            connection::check_together(&at.join("connection"), upstream, &mut problems);
        }
        let auth = at.join("auth");
        if !unread.iter().any(|unread| unread.is_within(&auth)) {
            check_login(&auth, &upstream.auth, &mut problems);
        }
        let resolved = resolve_upstream(
            name,
            &at,
            upstream,
            mapping,
            settings,
            &secrets,
            &mut problems,
        );
        upstreams.extend(resolved.map(Arc::new));
    }
    problems.retain(|problem| !unread.iter().any(|unread| problem.at.is_within(unread)));
    let plan = server.zip(cursor_keys).map(|(server, cursor_keys)| Plan {
        server,
        min_sources: settings.gateway.min_sources,
        cache,
        rate_limit,
        cursor_keys,
        upstreams,
    });
    (plan.filter(|_| problems.is_empty()), problems)
}

fn resolve_upstream(
    name: &str,
    at: &KeyPath,
    upstream: &Upstream,
    mapping: Option<plan::Mapping>,
    settings: &Settings,
    secrets: &SecretReader<'_>,
    problems: &mut Problems,
) -> Option<plan::Upstream> {
    let connection = connection::resolve(at, upstream, secrets, problems);
    // A secret that cannot be read has become a problem where it stands.
    let account = digest::account_of(upstream, secrets).ok();
    let requests = request::requests(upstream, at, secrets, problems);
    let auth = auth(upstream, at, secrets, problems);
    let classify = classify_rules(upstream, at, problems);
    let paging = pagination::paging(at, upstream, problems);
    let cache = &settings.cache;
    Some(plan::Upstream {
        name: name.into(),
        shape: digest::shape_of(upstream),
        account: account?,
        list: upstream.list,
        auth: Arc::new(auth?),
        classify,
        pushdown: pushdown::rules(upstream),
        requests: requests?,
        filtered_paging: pagination::filtered(upstream, &paging),
        paging,
        mapping: Arc::new(mapping?),
        connection: connection?,
        limits: limits::resolve(&upstream.limits),
        breaker: upstream.breaker.enabled.then(|| upstream.breaker.clone()),
        hedge: upstream.hedge.clone(),
        freshness: plan::Freshness {
            ttl: upstream.ttl.unwrap_or(cache.ttl).get(),
            stale_while_revalidate: upstream
                .stale_while_revalidate
                .unwrap_or(cache.stale_while_revalidate)
                .get(),
            stale_if_error: upstream
                .stale_if_error
                .unwrap_or(cache.stale_if_error)
                .get(),
            min_refresh: upstream.min_refresh.unwrap_or(cache.min_refresh).get(),
        },
        refresh: upstream.refresh,
        shrink_guard: upstream.shrink_guard,
        required: upstream.required,
    })
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

fn check_upstream(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    request::check_base_url(&at.join("base_url"), &upstream.base_url, problems);
    records::check_prefix(at, upstream, problems);
    check_account(at, upstream, problems);
    connection::check(&at.join("connection"), &upstream.connection, problems);
    limits::check(at, upstream, problems);
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
